"""Which items a report is about: everything, a part, or two parts or encoders side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from core import report, search
from core.errors import InputError
from core.types import Filter, Kind, Space
from pages.parts import formatting, session, state
from pages.parts.filters import popover

KINDS: dict[str, Kind | None] = {"All kinds": None, "Pictures": "image", "Texts": "text"}
NOTHING, REST, PART, ENCODER = "", "rest", "part", "encoder:"
COMPARED = {NOTHING: "Compare with nothing", REST: "The rest", PART: "Another part"}
A, B = "a.", "b."


@dataclass(frozen=True)
class Side:
    """Items to measure, and what to call them."""

    name: str
    space: Space


@dataclass(frozen=True)
class SubsetRequest:
    """What narrows a space down; `ids` is a selection made on the map."""

    filters: tuple[Filter, ...]
    kind: Kind | None
    ids: tuple[str, ...] | None

    @property
    def name(self) -> str:
        """In words, with the conditions as the command line takes them."""
        parts = [search.format_filters(self.filters)] if self.filters else []
        parts += [
            f"{label.lower()} only" for label, kind in KINDS.items() if kind and kind == self.kind
        ]
        parts += [f"{formatting.count(len(self.ids), 'item')} from the map"] if self.ids else []
        name = ", ".join(parts) or "everything"
        return name if self.filters else name[0].upper() + name[1:]


def sides() -> tuple[Side, ...]:
    """The widgets, and the one or two spaces that they name; all of it is part of the link."""
    with st.container(horizontal=True, vertical_alignment="center", key="subset"):
        asked = _asked(A)
        st.space("stretch")
        versus = _versus()
    whole = state.space()
    a = Side(asked.name, _part(asked, state.encoder()))
    if versus == NOTHING:
        return (a,)
    if versus == REST:
        within = report.narrow_space(whole, kind=asked.kind)
        rest = report.rest_of_space(within, a.space)
        if not rest.n:
            raise InputError(
                "There is no rest: everything is measured already. Choose a part with Filters, by "
                "kind or on the map; the rest is what it leaves out."
            )
        return a, Side("The rest", rest)
    if versus == PART:
        with st.container(horizontal=True, vertical_alignment="center", key="subset_b"):
            st.markdown("**B**", width="content")
            other = _asked(B)
        return a, Side(other.name, _part(other, state.encoder()))
    model = versus.removeprefix(ENCODER)
    return (
        Side(f"{a.name}, {whole.encoder}", a.space),
        Side(f"{a.name}, {model}", _part(asked, model)),
    )


def about(found: tuple[Side, ...]) -> None:
    """What is measured, in numbers."""
    for i, side in enumerate(found):
        space = side.space
        counts = [(space.n_images, "picture"), (space.n - space.n_images, "text")]
        things = " and ".join(formatting.count(n, one) for n, one in counts if n)
        pairs = f" in {formatting.count(len(space.pairs), 'pair')}" if len(space.pairs) else ""
        mark = f"**{'AB'[i]}** " if len(found) > 1 else ""
        st.caption(
            f"{mark}{formatting.plain(side.name)}: {things}{pairs}, {space.d} dimensions, "
            "encoded with "
            f"{formatting.plain(space.encoder)}."
        )


def _asked(of: str) -> SubsetRequest:
    bench = state.workbench()
    found = popover(bench.fields(state.collection()), of=of)
    label = session.linked(
        f"{of}kind", "All kinds", st.segmented_control, "Which kinds", list(KINDS),
        among=list(KINDS), required=True, label_visibility="collapsed",
    )  # fmt: skip
    return SubsetRequest(found, KINDS[label], _from_map(of))


def _from_map(of: str) -> tuple[str, ...] | None:
    """The selection that was taken over from the map, if any, with buttons to take and drop it."""
    space, name = state.space(), f"{of}items"
    text = session.recall(name, "")
    held = report.unpack_ids(space, text) if text else None
    session.put(name, text if held else "")
    if held:
        st.button(
            f"{formatting.count(len(held), 'item')} from the map", icon=":material/close:",
            key=f"_{of}drop", on_click=session.put, args=(name, ""), help="Measure all again",
        )  # fmt: skip
    drawn = state.selected()
    if drawn and drawn != held:
        packed = report.pack_ids(space, drawn)
        st.button(
            f"Take the map's selection ({len(drawn):,})", icon=":material/gesture_select:",
            key=f"_{of}take", on_click=session.put, args=(name, packed), disabled=not packed,
            help="Measure what is selected on the map" if packed else "Too many for a link",
        )  # fmt: skip
    if text and held is None:
        st.caption("The items that this link names are not those of the collection as it is now.")
    return held


def _versus() -> str:
    names = dict(_choices())
    return session.linked(
        "versus", NOTHING, st.selectbox, "Compare with", list(names), among=list(names),
        format_func=names.__getitem__, label_visibility="collapsed", filter_mode=None, width=230,
        icon=":material/compare_arrows:",
    )  # fmt: skip


def _choices() -> Iterator[tuple[str, str]]:
    yield from COMPARED.items()
    encoders = state.workbench().encoders(state.collection())
    here = state.encoder() or encoders[0]
    for model in encoders:
        if model != here:
            yield f"{ENCODER}{model}", f"Encoder {model}"


def _part(asked: SubsetRequest, encoder: str | None) -> Space:
    whole = state.opened(encoder).space
    if not asked.filters and asked.kind is None and asked.ids is None:
        return whole
    key = f"{state.items_key()} {whole.key} {asked!r}"
    return _filled(Side(asked.name, _narrowed(key, asked, whole, encoder))).space


@st.cache_resource(max_entries=4, show_spinner=False)
def _narrowed(key: str, _asked: SubsetRequest, _whole: Space, _encoder: str | None) -> Space:
    """A copy of some rows; kept, because so much hangs on it and it may be large."""
    part = _whole
    if _asked.filters:
        part = state.workbench().subset(state.opened(_encoder), _asked.filters)
    return report.narrow_space(part, kind=_asked.kind, ids=_asked.ids)


def _filled(side: Side) -> Side:
    if not side.space.n:
        raise InputError(
            f"Nothing is left to measure: {side.name}. Take a filter away or choose other items."
        )
    return side
