"""Search on the map: where the query lies, its hits, and the way from one query to another."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from core.search import SearchResult
from core.types import Kind, Part, Query
from core.workbench import Layout
from pages.parts import encoder_steps, formatting, problems, selection, session, state
from pages.parts import query as parts_of

MOST = 24  # hits that are lit
HELP = (
    'The same query as on the page Search. Of two, such as `"a beach" + "a city"`, the way '
    "from one to the other is drawn."
)
SEARCH = "pages/explore/search.py"


@dataclass(frozen=True)
class Sought:
    """The query on the map, for `plot.Overlay`."""

    marks: Sequence[tuple[float, float, str]] = ()
    path: Sequence[tuple[float, float]] = ()
    lit: Sequence[int] = ()


@dataclass
class Box:
    """The query as it is typed; the same as on the page Search."""

    parts: tuple[Part, ...] = ()
    query: Query | None = None
    hits: list[int] = field(default_factory=list)


def box() -> Box:
    """The query's text box, and how many hits are lit."""
    off = state.workbench().text_search_off(state.opened())
    session.linked(
        state.TEXT, "", st.text_input, "Find on the map", type="search", icon=":material/search:",
        placeholder="Find on the map", disabled=bool(off), label_visibility="collapsed",
        help=off or HELP,
    )  # fmt: skip
    found = Box()
    with problems.shown():
        chips = parts_of.chips()
        found.parts = tuple(chip.part for chip in chips)
        if not found.parts:
            return found
        kind: Kind = "image" if state.space().n_images else "text"
        found.query = Query(found.parts, kinds=(kind,), k=MOST, mix=parts_of.mix(chips))
        if any(not part.item for part in found.parts):
            encoder_steps.wait(st.empty())
        result = state.search(found.query)
        row = state.space().row
        found.hits = [row[hit.id] for hit in result.hits]
        _said(result, found)
    return found


def on_map(box: Box, layout: Layout) -> Sought:
    """Where the query and each of its parts lie, and the path between the first two parts."""
    if not box.parts or not box.hits:
        return Sought(lit=box.hits)
    bench, opened = state.workbench(), state.opened()
    vectors = bench.query_vectors(opened, box.parts)
    places = bench.query_place(opened, layout.xy, vectors).tolist()
    marks = [(x, y, _face(part)) for (x, y), part in zip(places, box.parts, strict=True)]
    positive = [n for n, part in enumerate(box.parts) if part.weight > 0]
    path: Sequence[tuple[float, float]] = ()
    if len(positive) == 2:
        path = bench.query_path(opened, layout.xy, vectors[positive]).tolist()
    return Sought(marks, path, box.hits)


def _said(result: SearchResult, found: Box) -> None:
    """How many are lit, and buttons that select them or lead to Search."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="map_found"):
        if found.hits:
            n = formatting.count(len(found.hits), "hit")
            st.caption(f"Best {n} ringed", width="stretch")
            st.button(
                "Select", key="_select_hits", type="tertiary", icon=":material/select_all:",
                on_click=_select, args=(found.hits,), help="Selects the hits",
            )  # fmt: skip
        else:
            st.caption(formatting.plain(result.sentence))
        if st.button("Search", key="_to_search", type="tertiary", icon=":material/search:"):
            st.switch_page(SEARCH)


def _select(hits: Sequence[int]) -> None:
    selection.choose_ids(state.space().ids[row] for row in hits)


def _face(part: Part) -> str:
    sign = "− " if part.weight < 0 else ""
    if part.item:
        return f"{sign}an item"
    return sign + (formatting.shorten(part.text, 40) if part.text else "your image")
