"""What a report covers: all items, a subset, or two subsets or encoders side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import streamlit as st

from core import measure, report, search
from core.errors import InputError
from core.types import SCOPE_NAMES, Filter, Kind, Space
from pages.parts import formatting, selection, session, state
from pages.parts.filters import popover

# By the value in the address.
KINDS: dict[str, Kind | None] = {"All kinds": None, "Pictures": "image", "Texts": "text"}
KIND_LABELS = {"All kinds": "All kinds", "Pictures": "Images", "Texts": "Texts"}
NOTHING, REST, PART, ENCODER = "", "rest", "part", "encoder:"
COMPARED = {NOTHING: "Compare with nothing", REST: "The rest", PART: "Another subset"}
A, B = "a.", "b."


@dataclass(frozen=True)
class Side:
    """Items to measure, and their name; `whole` where they are all of an encoder's.

    `subset` is the expression that selects them on the command line, "" for all of them, None where
    there is none, as for a selection on the map.
    """

    name: str
    space: Space
    subset: str | None = None

    @property
    def whole(self) -> bool:
        """Whether these are all items that an encoder has vectors of: what is stored."""
        return self.space.key == state.opened(self.space.encoder).space.key


@dataclass(frozen=True)
class SubsetRequest:
    """What selects a subset; `ids` are selected items."""

    filters: tuple[Filter, ...]
    kind: Kind | None
    ids: tuple[str, ...] | None

    @property
    def subset(self) -> str | None:
        """The expression of the command line, None where kinds or items are selected too."""
        return None if self.kind or self.ids else search.format_filters(self.filters)

    @property
    def name(self) -> str:
        """A title, with the filters as the command line takes them."""
        parts = [search.format_filters(self.filters)] if self.filters else []
        parts += [f"{SCOPE_NAMES[self.kind]} only"] if self.kind else []
        parts += [f"{formatting.count(len(self.ids), 'item')} selected"] if self.ids else []
        name = ", ".join(parts) or "all items"
        return name if self.filters else name[0].upper() + name[1:]


def sides() -> tuple[Side, ...]:
    """The widgets, and the one or two spaces they select; all are part of the link."""
    with st.container(horizontal=True, vertical_alignment="center", key="subset"):
        request = _request(A)
        st.space("stretch")
        versus = _versus()
    whole = state.space()
    a = Side(request.name, _part(request, state.encoder()), request.subset)
    if versus == NOTHING:
        return (a,)
    if versus == REST:
        within = report.narrow_space(whole, kind=request.kind)
        rest = report.rest_of_space(within, a.space)
        if not rest.n:
            raise InputError(
                "There is no rest: the subset has all items of its kinds. Narrow it with Filters "
                "or with a selection on the map."
            )
        return a, Side("The rest", rest, "rest")
    if versus == PART:
        with st.container(horizontal=True, vertical_alignment="center", key="subset_b"):
            st.markdown("**B**", width="content")
            other = _request(B)
        return a, Side(other.name, _part(other, state.encoder()), other.subset)
    model = versus.removeprefix(ENCODER)
    return (
        Side(f"{a.name}, {whole.encoder}", a.space, a.subset),
        Side(f"{a.name}, {model}", _part(request, model), a.subset),
    )


def rarefied(sides: tuple[Side, ...]) -> tuple[Side, ...]:
    """Two sides at the same number of items."""
    if len(sides) < 2:
        return sides
    key = " ".join(side.space.key for side in sides)
    spaces = _rarefied(key, *(side.space for side in sides))
    return tuple(replace(side, space=space) for side, space in zip(sides, spaces, strict=True))


@st.cache_resource(max_entries=4, show_spinner=False)
def _rarefied(key: str, _a: Space, _b: Space) -> tuple[Space, Space]:
    return measure.rarefied(_a, _b)


def about(given: tuple[Side, ...], sides: tuple[Side, ...]) -> None:
    """What is measured: counts, dimensions and encoder; of a larger side a random part."""
    for i, (whole, side) in enumerate(zip(given, sides, strict=True)):
        mark = f"**{'AB'[i]}** " if len(sides) > 1 else ""
        part = (
            "" if side.space.n == whole.space.n else f", of which {_counts(side.space)} at random"
        )
        st.caption(
            f"{mark}{formatting.plain(side.name)}: {_counts(whole.space)}{part}, {side.space.d} "
            f"dimensions, encoder {formatting.plain(side.space.encoder)}."
        )


def _counts(space: Space) -> str:
    counts = [(space.n_images, "image"), (space.n - space.n_images, "text")]
    items = " and ".join(formatting.count(n, one) for n, one in counts if n)
    pairs = f" in {formatting.count(len(space.pairs), 'pair')}" if len(space.pairs) else ""
    return f"{items}{pairs}"


def _request(of: str) -> SubsetRequest:
    bench = state.workbench()
    filters = popover(bench.fields(state.collection()), of=of)
    value = session.linked(
        f"{of}kind", "All kinds", st.segmented_control, "Kinds", list(KINDS), among=list(KINDS),
        format_func=KIND_LABELS.__getitem__, required=True, label_visibility="collapsed",
    )  # fmt: skip
    return SubsetRequest(filters, KINDS[value], _from_map(of))


def _from_map(of: str) -> tuple[str, ...] | None:
    """The selection taken from the map, if any, with buttons to take and drop it."""
    name = f"{of}items"
    text = session.read(name, "")
    rows = state.workbench().selected_rows(state.opened(), report.read_selection(text))
    taken = None if rows is None else tuple(selection.ids(rows))
    session.write(name, text if taken else "")
    if taken:
        st.button(
            f"{formatting.count(len(taken), 'item')} selected", icon=":material/close:",
            key=f"_{of}drop", on_click=session.write, args=(name, ""), help="Measure all items",
        )  # fmt: skip
    n, link = len(selection.rows()), selection.link()
    if n and link != text:
        st.button(
            f"Use the selection ({n:,})", icon=":material/gesture_select:",
            key=f"_{of}take", on_click=session.write, args=(name, link), disabled=not link,
            help="Measure the selected items" if link else "Too many items for a link",
        )  # fmt: skip
    if text and taken is None:
        st.caption(
            "The item selection in this link does not apply: the collection has changed since."
        )
    return taken


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


def _part(request: SubsetRequest, encoder: str | None) -> Space:
    whole = state.opened(encoder).space
    if not request.filters and request.kind is None and request.ids is None:
        return whole
    key = f"{state.tags_key()} {whole.key} {request!r}"
    return _not_empty(Side(request.name, _narrowed(key, request, whole, encoder))).space


@st.cache_resource(max_entries=4, show_spinner=False)
def _narrowed(key: str, _subset: SubsetRequest, _whole: Space, _encoder: str | None) -> Space:
    """A copy of the selected rows; cached, as it may be large."""
    part = _whole
    if _subset.filters:
        part = state.workbench().subset(state.opened(_encoder), _subset.filters)
    return report.narrow_space(part, kind=_subset.kind, ids=_subset.ids)


def _not_empty(side: Side) -> Side:
    if not side.space.n:
        raise InputError(
            f"No items to measure: {side.name}. Remove a filter or select other items."
        )
    return side
