"""The selection: one for the map, Search, Geometry and exports; its link is a page's own matter.

A session keeps it as one text of bits, however many items it has (`core.report.selection`).
"""

from collections.abc import Iterable, Sequence

import streamlit as st

from core.report import (
    SelectedIds,
    Selection,
    listed,
    mask_of_rows,
    read_selection,
    rows_of_ids,
)
from core.types import Bools, Ints
from pages.parts import formatting, session, state

LINK = "selected"
NAME = "selected_as"
MAP, GEOMETRY = "pages/explore/map.py", "pages/measure/geometry.py"
WITHIN = "within"
SUBSET = "a.items"  # in the link of Geometry


def of_link() -> None:
    """Select what the link does, where it is not the selection of this session."""
    last, text = session.get(LINK, ""), session.read(LINK, "")
    if text != last:
        selection = read_selection(text)
        found = state.workbench().selected_rows(state.opened(), selection)
        choose(rows_of_ids(state.space()) if found is None else found, selection)
    session.write(LINK, session.get(LINK, ""))


def rows(kept: str = state.SELECTED) -> Ints:
    """The selected rows of the space on screen, in order; none for another collection's.

    Args:
        kept: the name in the session of another selection that was kept.
    """
    packed = Selection(packed=session.get(kept, ""))
    found = state.workbench().selected_rows(state.opened(), packed)
    return rows_of_ids(state.space()) if found is None else found


def mask() -> Bools | None:
    """(n,) the selected rows of the space on screen; None for no selection."""
    return mask_of_rows(state.space(), rows())


def ids(rows: Ints) -> Sequence[str]:
    """Their ids, looked up when they are used."""
    return SelectedIds(state.space(), rows)


def link() -> str:
    """The selection as part of a link; "" for none, and where it is too long for one."""
    return session.get(LINK, "")


def choose(rows: Ints, selection: Selection | None = None) -> None:
    """Select rows of the space on screen; a callback, or before the page reads the selection.

    Args:
        rows: what is selected.
        selection: how it was, for a link: by default, and where it is short, the items themselves.
    """
    items = listed(state.space(), rows)
    by = selection or items
    session.store(state.SELECTED, items.text)
    session.store(NAME, by.saved)
    session.write(LINK, (by.link if by.saved else items.link or by.link) if len(rows) else "")


def choose_ids(ids: Iterable[str]) -> None:
    """Select items by id; those that are not on screen are left out."""
    choose(rows_of_ids(state.space(), ids))


def clear() -> None:
    """Select nothing; a callback."""
    choose(rows_of_ids(state.space()))


def count(rows: Ints) -> str:
    """Images and texts among some rows, such as "3 images, 2 texts"."""
    images = int((rows < state.space().n_images).sum())
    counts = [(images, "image"), (len(rows) - images, "text")]
    return ", ".join(formatting.count(n, one) for n, one in counts if n)


def on_map(ids: Sequence[str], *, key: str) -> None:
    """A button that selects items by id and leads to the map."""
    if st.button(
        "Show on the map", key=key, icon=":material/scatter_plot:", type="tertiary",
        help="Selects them on the map",
    ):  # fmt: skip
        choose_ids(ids)
        st.switch_page(MAP)


def among() -> str:
    """A box on Search that searches the selected items alone; the selection where it is on.

    Both are part of the link; without a selection nothing is drawn.
    """
    of_link()
    n = len(rows())
    if not n:
        session.forget(WITHIN)
        return ""
    label = f"Among {formatting.count(n, 'item')} selected on the map"
    return (
        session.get(state.SELECTED, "") if session.linked(WITHIN, False, st.checkbox, label) else ""
    )


def measure(key: str) -> None:
    """A button that leads to the geometry of the selected items."""
    if st.button(
        "Measure", key=key, icon=":material/straighten:", type="tertiary", disabled=not link(),
        help="Geometry of these items" if link() else "Too many items for a link",
    ):  # fmt: skip
        session.write(SUBSET, link())
        st.switch_page(GEOMETRY)
