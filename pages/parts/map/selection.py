"""The column beside the map: what is selected, and what can be done with it."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core import measure, report
from core.types import Bools, Floats, Ints
from core.workbench import Layout
from pages.parts import edits, formatting, gallery, item, selection, session, state
from pages.parts.map import clusters, special
from pages.parts.map import layout as layouts

PER_PAGE = 12
SPECIAL, COMPARE, ACT = "special", "compare", "act"
VIEWS = {SPECIAL: "What is special", COMPARE: "Compare", ACT: "Save, tag, export"}


def select(layout: Layout, polygon: Sequence[Sequence[float]], shown: Bools | None) -> None:
    """Select the items in a polygon, without hidden ones; a callback.

    The link has the polygon where it says all: see `report.rows_in_polygon`.
    """
    name = report.layout_name(layout.label, layout.xy)
    selection.choose(*report.rows_in_polygon(layout.space, name, layout.xy, polygon, shown))


def pairs(layout: Layout, request: layouts.LayoutRequest) -> list[Floats]:
    """Lines from images to their texts: of the selected items, without any of a sample."""
    if not request.pairs:
        return []
    return [measure.pair_lines(layout.space, layout.xy, selection.rows())]


def panel(layout: Layout, request: layouts.LayoutRequest) -> None:
    """The selection, or how to select."""
    edits.undo("map_")
    rows = selection.rows()
    if not len(rows):
        _nothing(layout, request)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="map_selection"):
        st.markdown(f"##### {selection.count(rows)}", anchors=False, width="stretch")
        st.button(
            "Clear", key="_map_clear", type="tertiary", icon=":material/close:",
            on_click=selection.clear,
        )  # fmt: skip
    name = st.empty()
    _gallery(rows)
    view = session.linked(
        "with", SPECIAL, st.segmented_control, "With the selection", list(VIEWS),
        among=list(VIEWS), format_func=VIEWS.__getitem__, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    if view == ACT:
        _act(rows, layout)
    elif view == COMPARE:
        special.compare(rows, layout)
    else:
        special.show(rows)
    special.name(rows, name)


def _nothing(layout: Layout, request: layouts.LayoutRequest) -> None:
    """What one can do."""
    st.markdown("##### Nothing selected", anchors=False)
    st.caption(
        "Hold Shift and drag, or take the lasso, to select points: their images, what is special "
        "about them, and what can be done with them appear here."
    )
    saved = state.workbench().saved_selections(state.opened())
    if saved:
        st.markdown("###### Saved selections", anchors=False)
        with st.container(horizontal=True, gap="small", key="map_saved"):
            for n, name in enumerate(saved[:12]):
                st.button(
                    formatting.plain(formatting.shorten(name, 30)), key=f"_saved_{n}",
                    on_click=_open, args=(name,), icon=":material/bookmark:",
                )  # fmt: skip
    clusters.listed(layout, layouts.arguments(request, state.encoder(), state.recipe()))


def _open(name: str) -> None:
    chosen = report.Selection(saved=name)
    rows = state.workbench().selected_rows(state.opened(), chosen)
    if rows is not None:
        selection.choose(rows, chosen)


def _gallery(rows: Ints) -> None:
    pages = -(-len(rows) // PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key="_map_page", max_visible_pages=5)
    here = selection.ids(rows)[(page - 1) * PER_PAGE : page * PER_PAGE]
    item.browse(gallery.cards(here), key="_map_gallery", size=96)


def _act(rows: Ints, layout: Layout) -> None:
    """Save under a name, tag, label, export, delete, measure."""
    ids = selection.ids(rows)

    def places() -> Mapping[str, Mapping[str, float]]:
        row = layout.space.row
        at = {id_: layout.xy[row[id_]].tolist() for id_ in ids}
        return {id_: {"x": x, "y": y} for id_, (x, y) in at.items()}

    with st.container(horizontal=True, vertical_alignment="bottom", key="map_save"):
        name = st.text_input(
            "Save as", key="_save_as", placeholder="A name", max_chars=60,
            help="A saved selection is a tag: a filter in Search and Geometry, and of exports.",
        )  # fmt: skip
        st.button(
            "Save", key="_save_selection", icon=":material/bookmark_add:", on_click=_save,
            args=(name.strip(), rows), disabled=not name.strip(),
        )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        edits.actions(ids, done=selection.clear, of="map_", more=places)


def _save(name: str, rows: Ints) -> None:
    state.workbench().save_selection(state.opened(), name, rows)
    _open(name)
    edits.note()
