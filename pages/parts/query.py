"""The parts of a question as chips with sliders; the formula behind them is the link."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core import search
from core.errors import SextantError
from core.types import Mix, Part
from pages.parts import formatting, problems, session, state

MIXES: dict[Mix, str] = {"centred": "Balanced", "sum": "Sum", "slerp": "Along the arc"}
ABOUT_MIX = (
    "How the parts become one query. **Balanced**: pictures and texts are centred first, so that "
    "neither kind wins because of where it sits. **Sum**: weighted mean, scaled to length 1. "
    "**Along the arc**: the weights say how far from one part to the next."
)
REACH = 2.0
BOX, ALSO, OWN = "box", "also", "own"
UNREADABLE = "unreadable"  # why the last picture from outside could not be taken, until it is told


@dataclass(frozen=True, slots=True)
class Chip:
    """A part and where it is written: in the text box, beside it, or an uploaded picture."""

    part: Part
    place: str


def chips() -> list[Chip]:
    """All parts of the question. Raises what `formulas.parse` raises."""
    session.put(
        state.ALSO, session.recall(state.ALSO, "")
    )  # into the link, also after another page
    found = [
        Chip(part, place)
        for place, text in (
            (BOX, session.peek(state.TEXT, "")),
            (ALSO, session.recall(state.ALSO, "")),
        )
        if text.strip()
        for part in state.workbench().parse_query(state.opened(), text)
    ]
    picture = session.kept(state.PICTURE, b"")
    if picture:
        found.append(Chip(Part(image=picture, weight=session.kept(state.WEIGHT, 1.0)), OWN))
    return found


def show(found: Sequence[Chip]) -> None:
    """Draw the chips; nothing while the question is one text in the box."""
    problem: SextantError | None = session.kept(UNREADABLE, None)
    if problem:
        problems.tell(problem)
        session.keep(UNREADABLE, None)
    if all(chip.place == BOX for chip in found) and len(found) < 2:
        return
    with st.container(key="chips", horizontal=True, vertical_alignment="top", gap="small"):
        for i, chip in enumerate(found):
            with st.container(key=f"chip_{i}", width=250, border=True, gap="xsmall"):
                _chip(i, chip, found)


def mix(found: Sequence[Chip]) -> Mix:
    """How several parts are mixed; part of the link."""
    asked: Mix = session.peek("mix", "centred")
    return asked if len(found) > 1 and asked in MIXES else "centred"


def choose_mix(found: Sequence[Chip]) -> None:
    """Draw what chooses it, where there is something to mix."""
    if len(found) > 1:
        session.linked(
            "mix", "centred", st.segmented_control, "Mix", list(MIXES), among=list(MIXES),
            format_func=MIXES.__getitem__, required=True, label_visibility="collapsed",
            help=ABOUT_MIX,
        )  # fmt: skip


def add(part: Part) -> None:
    """Put one more part beside the text box; a callback, or followed by a rerun."""
    _write(ALSO, [*_of(ALSO), part])


def only(part: Part) -> None:
    """Ask for this part alone; a callback, or followed by a rerun."""
    clear()
    _write(BOX if part.text else ALSO, [part])


def own(picture: bytes) -> None:
    """Ask with a picture from outside, beside what is asked already; b"" takes it out.

    One that cannot be read takes nothing's place, and is told when the parts are drawn.
    """
    try:
        if picture:
            state.shown_picture(picture, "Your picture")
    except SextantError as problem:
        session.keep(UNREADABLE, problem)
        return
    session.keep(state.PICTURE, picture)
    session.keep(state.WEIGHT, 1.0)


def clear() -> None:
    """Ask for nothing."""
    for place in (BOX, ALSO):
        _write(place, [])
    own(b"")


def _chip(i: int, chip: Chip, found: Sequence[Chip]) -> None:
    key, part = f"_weight_{i}", chip.part
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        _face(part)
        st.button(
            ":material/close:", key=f"_drop_{i}", type="tertiary",
            on_click=_change, args=(i, found, 0.0), help="Take this part out",
        )  # fmt: skip
    if len(found) > 1:
        reach = max(REACH, abs(part.weight))
        session.set_widget(key, float(part.weight))
        st.slider(
            "Weight", -reach, reach, step=0.1, key=key, label_visibility="collapsed",
            on_change=lambda: _change(i, found, session.value_of(key)),
            help="Below 0: less of it. 0 takes it out.",
        )  # fmt: skip


def _face(part: Part) -> None:
    """A small picture or the words."""
    sign = "without" if part.weight < 0 else ""
    with problems.shown():
        if part.image:
            picture = state.shown_picture(part.image, "The picture")
            st.image(picture, width=40, output_format="JPEG", alt="Your picture")
            name = "your picture, not part of the link"
        elif part.item:
            small = state.thumbnails([part.item]).get(part.item)
            if small:
                st.image(small, width=40, alt="An item of the query")
            item = state.items([part.item]).get(part.item)
            name = (item.text if item.kind == "text" else item.name) if item else part.item
        else:
            name = part.text
        st.markdown(f"{sign} *{formatting.plain(formatting.shorten(name, 40))}*", width="stretch")


def _change(i: int, found: Sequence[Chip], weight: float) -> None:
    """Give a part another weight; 0 takes it out."""
    place = found[i].place
    if place == OWN:
        own(found[i].part.image if weight else b"")
        return session.keep(state.WEIGHT, weight or 1.0)
    others = [
        replace(chip.part, weight=weight) if at == i else chip.part
        for at, chip in enumerate(found)
        if chip.place == place and (at != i or weight)
    ]
    return _write(place, others)


def _of(place: str) -> list[Part]:
    return [chip.part for chip in chips() if chip.place == place]


def _write(place: str, parts: Sequence[Part]) -> None:
    text = search.format_query(parts) if parts else ""
    if place == BOX:
        session.turn(state.TEXT, text)
        session.put(state.TEXT, text)
    else:
        session.put(state.ALSO, text)


def like(id_: str) -> None:
    """Ask for items like this one; a callback, or followed by a rerun."""
    only(Part(item=id_))


def text(words_: str) -> None:
    """Ask for a text; a callback, or followed by a rerun."""
    only(Part(words_))
