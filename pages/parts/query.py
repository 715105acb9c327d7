"""The parts of the query: chips with weight sliders; their formula is in the link."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core import search
from core.errors import InputError, SextantError
from core.types import Mix, Part
from pages.parts import formatting, problems, session, state

MIXES: dict[Mix, str] = {"balanced": "Balanced", "sum": "Sum", "slerp": "Slerp"}
ABOUT_MIX = (
    "How the parts become one query vector. **Balanced**: images and texts are centered by "
    "modality first, so that the modality gap does not decide. **Sum**: weighted sum, normalized "
    "to length 1. **Slerp**: spherical interpolation, in proportion to the weights."
)
MAX_WEIGHT = 2.0
BOX, ALSO, OWN = "box", "also", "own"
NOT_LINKED = "An uploaded image is not part of the link."
MISSING_IMAGE = "This link's query has an uploaded image, which links do not carry. Add it again."
UNREADABLE = "unreadable"  # why the last uploaded image was rejected, until it is shown


@dataclass(frozen=True, slots=True)
class Chip:
    """A part and its place: in the text box, beside it, or an uploaded image."""

    part: Part
    place: str


def chips() -> list[Chip]:
    """All parts of the query. Raises what `Workbench.parse_query` raises."""
    also = session.read(state.ALSO, "")
    session.write(state.ALSO, also)  # into the link again after a change of page
    parts = [
        Chip(part, place)
        for place, text in (
            (BOX, session.peek(state.TEXT, "")),
            (ALSO, also),
        )
        if text.strip()
        for part in state.workbench().parse_query(state.opened(), text)
    ]
    image = session.get(state.IMAGE, b"")
    session.write(state.UPLOADED, bool(image) or image_missing(), False)
    if image:
        parts.append(Chip(Part(image=image, weight=session.get(state.WEIGHT, 1.0)), OWN))
    return parts


def show(chips: Sequence[Chip]) -> None:
    """Draw the chips."""
    with st.container(key="chips", horizontal=True, vertical_alignment="center", gap="small"):
        for i, chip in enumerate(chips):
            with st.container(
                key=f"chip_{i}", horizontal=True, vertical_alignment="center", width="content",
                gap=None, wrap=False,
            ):  # fmt: skip
                _chip(i, chip, chips)


def is_text(chips: Sequence[Chip]) -> bool:
    """Whether the query is nothing or one text in the box, which needs no chips."""
    return len(chips) < 2 and all(chip.place == BOX for chip in chips)


def mix(chips: Sequence[Chip]) -> Mix:
    """How several parts are mixed; part of the link."""
    chosen: Mix = session.peek("mix", "balanced")
    return chosen if len(chips) > 1 and chosen in MIXES else "balanced"


def choose_mix() -> None:
    """The widget for it."""
    session.linked(
        "mix", "balanced", st.segmented_control, "Mix", list(MIXES), among=list(MIXES),
        format_func=MIXES.__getitem__, required=True, help=ABOUT_MIX,
    )  # fmt: skip


def add(part: Part) -> None:
    """Add a part to the query; a callback, or followed by a rerun."""
    _write(ALSO, [*_of(ALSO), part])


def only(part: Part) -> None:
    """Search for this part alone; a callback, or followed by a rerun."""
    clear()
    _write(BOX if part.text else ALSO, [part])


def like(id_: str) -> None:
    """Search for items similar to this one; a callback, or followed by a rerun."""
    only(Part(item=id_))


def text(caption: str) -> None:
    """Search for a text; a callback, or followed by a rerun."""
    only(Part(caption))


def give_image(data: bytes, name: str) -> None:
    """Make an uploaded file the image of the query; `rejected_image` says why it is not."""
    try:
        state.readable_image(data, name)
    except SextantError as problem:
        return reject_image(str(problem))
    return set_image(data)


def set_image(data: bytes = b"") -> None:
    """Make an image part of the query; without one, remove it."""
    session.store(state.IMAGE, data)
    session.store(state.WEIGHT, 1.0)
    session.write(state.UPLOADED, bool(data), False)


def image_missing() -> bool:
    """Whether the query is of a link with an uploaded image, which this session does not have."""
    return session.read(state.UPLOADED, False) and not session.get(state.IMAGE, b"")


def rejected_image() -> SextantError | None:
    """Why the last image did not become part of the query; once."""
    return session.take(UNREADABLE, None)


def reject_image(reason: str) -> None:
    """Note why an image does not become part of the query, and that an earlier one stays."""
    if session.get(state.IMAGE, b""):
        reason += " The earlier image is still part of the query."
    session.store(UNREADABLE, InputError(reason))


def clear() -> None:
    """Empty the query; a callback, or followed by a rerun."""
    for place in (BOX, ALSO):
        _write(place, [])
    set_image()


def _chip(i: int, chip: Chip, chips: Sequence[Chip]) -> None:
    key, part = f"_weight_{i}", chip.part
    name = formatting.plain(formatting.shorten(_face(part), 28))
    if len(chips) > 1:
        limit = max(MAX_WEIGHT, abs(part.weight))
        with st.popover(_sign(part.weight) + name, type="tertiary", key=f"_chip_{i}"):
            session.set_widget(key, float(part.weight))
            st.slider(
                "Weight", -limit, limit, step=0.1, key=key,
                on_change=lambda: _change(i, chips, session.value_of(key)),
                help="Negative weights subtract the part; 0 removes it.",
            )  # fmt: skip
            st.caption(NOT_LINKED if part.image else "")
    else:
        st.markdown(name, width="content", help=NOT_LINKED if part.image else None)
    st.button(
        ":material/close:", key=f"_drop_{i}", type="tertiary",
        on_click=_change, args=(i, chips, 0.0), help="Remove this part",
    )  # fmt: skip


def _sign(weight: float) -> str:
    """What stands before a part: nothing for 1, a minus for -1.

    >>> [_sign(w) for w in (1.0, -1.0, 0.5, -2.0)]
    ['', '− ', '0.5 × ', '− 2 × ']
    """
    size = "" if abs(weight) == 1 else f"{abs(weight):g} × "
    return ("− " if weight < 0 else "") + size


def _face(part: Part) -> str:
    """Draw a thumbnail where there is one; returns the text or the name."""
    with problems.shown():
        if part.image:
            image = state.readable_image(part.image, "Your image")
            st.image(image, width=28, output_format="JPEG", alt="Your image")
            return "your image"
        if part.item:
            thumbnail = state.thumbnails([part.item]).get(part.item)
            if thumbnail:
                st.image(thumbnail, width=28, alt="An item of the query")
            item = state.items([part.item]).get(part.item)
            return (item.text if item.kind == "text" else item.name) if item else part.item
    return part.text or "your image"


def _change(i: int, chips: Sequence[Chip], weight: float) -> None:
    """Change the weight of a part; 0 removes it."""
    place = chips[i].place
    if place == OWN:
        set_image(chips[i].part.image if weight else b"")
        return session.store(state.WEIGHT, weight or 1.0)
    others = [
        replace(chip.part, weight=weight) if at == i else chip.part
        for at, chip in enumerate(chips)
        if chip.place == place and (at != i or weight)
    ]
    return _write(place, others)


def _of(place: str) -> list[Part]:
    return [chip.part for chip in chips() if chip.place == place]


def _write(place: str, parts: Sequence[Part]) -> None:
    text = search.format_query(parts) if parts else ""
    if place == BOX:
        session.preset(state.TEXT, text)
        session.write(state.TEXT, text)
    else:
        session.write(state.ALSO, text)
