"""The selection on the map: counts by kind and the items."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import report
from core.types import Bools, Space
from core.workbench import Layout
from pages.parts import edits, formatting, gallery, item, session, state

PER_PAGE = 24
LINK = "selected"  # the selection in the link, packed


def of_link() -> None:
    """Select what the link does, where it is not the selection of this session."""
    last, text = session.get(LINK, ""), session.read(LINK, "")
    if text != last:
        session.store(state.SELECTED, (report.unpack_ids(state.space(), text) or ()))
    ids = state.selected()
    session.write(LINK, report.pack_ids(state.space(), ids) if ids else "")


def select(layout: Layout, polygon: Sequence[Sequence[float]]) -> None:
    """Select the items in a polygon; a callback."""
    found = report.inside(layout.xy, polygon)
    ids = tuple(layout.space.ids[row] for row in np.flatnonzero(found))
    _set(ids)


def clear() -> None:
    """Clear the selection; a callback."""
    _set(())


def _set(ids: Sequence[str]) -> None:
    session.store(state.SELECTED, tuple(ids))
    session.write(LINK, report.pack_ids(state.space(), ids) if ids else "")


def mask(space: Space, ids: Sequence[str]) -> Bools | None:
    """The selected rows of a space; None for no selection."""
    if not ids:
        return None
    found = np.zeros(space.n, bool)
    found[[space.row[id_] for id_ in ids if id_ in space.row]] = True
    return found


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
            on_click=clear,
        )  # fmt: skip
    with st.container(horizontal=True, gap="small", key="map_selection"):
        at = {id_: layout.xy[space.row[id_]].tolist() for id_ in ids}
        more = {id_: {"x": x, "y": y} for id_, (x, y) in at.items()}
        edits.actions(ids, done=clear, of="map_", more=more)
    pages = -(-len(ids) // PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key="_map_page", max_visible_pages=5)
    here = ids[(page - 1) * PER_PAGE : page * PER_PAGE]
    item.browse(gallery.cards(here), key="_map_gallery", size=110)
