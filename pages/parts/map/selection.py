"""The selection on the map: counts by kind and the items."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.workbench import Layout
from pages.parts import edits, formatting, gallery, item
from pages.parts.map import plot

PER_PAGE = 24


def panel(layout: Layout, ids: Sequence[str]) -> None:
    """The selection, or how to select."""
    edits.undo("map_")
    if not ids:
        st.markdown("##### Nothing selected", anchors=False)
        st.caption(
            "Select points with the lasso to see their items here. The selection stays when layout "
            "or colors change."
        )
        return
    space = layout.space
    images = Counter(space.row[id_] < space.n_images for id_ in ids)
    counts = [(images[True], "image"), (images[False], "text")]
    with st.container(horizontal=True, vertical_alignment="center"):
        title = ", ".join(formatting.count(n, one) for n, one in counts if n)
        st.markdown(f"##### {title}", anchors=False, width="stretch")
        st.button(
            "Clear", key="_map_clear", type="tertiary", icon=":material/close:",
            on_click=plot.clear,
        )  # fmt: skip
    with st.container(horizontal=True, gap="small", key="map_selection"):
        at = {id_: layout.xy[space.row[id_]].tolist() for id_ in ids}
        more = {id_: {"x": x, "y": y} for id_, (x, y) in at.items()}
        edits.actions(ids, done=plot.clear, of="map_", more=more)
    pages = -(-len(ids) // PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key="_map_page", max_visible_pages=5)
    here = ids[(page - 1) * PER_PAGE : page * PER_PAGE]
    item.browse(gallery.cards(here), key="_map_gallery", size=110)
