"""What can be done with one item: ask with it, save it, link to it, take it out."""

from urllib.parse import urlencode, urlsplit

import streamlit as st

from core import formulas
from core.types import Item, Part
from pages.parts import ask, compose, state

SEARCH = "pages/explore/search.py"


def show(item: Item) -> None:
    """The buttons."""
    with st.container(horizontal=True, gap="small"):
        if st.button("More like this", key="_more_like", icon=":material/radar:", type="primary"):
            like(item.id)
        if st.button(
            "Add to question", key="_add_item", icon=":material/add:",
            help="Asks for it too, beside what is asked already.",
        ):  # fmt: skip
            _add(item, 1.0)
        if st.button(
            "Less of this", key="_less_item", icon=":material/remove:",
            help="Takes it away from what is asked already.",
        ):  # fmt: skip
            _add(item, -1.0)
        _download(item)
        with st.popover("Link", icon=":material/link:"):
            st.caption("Opens Search with items like this one:")
            st.code(_link(item), language=None, wrap_lines=True)
        with st.popover("Delete", icon=":material/delete:"):
            _delete(item)


def like(id_: str) -> None:
    """To Search, for items like this one."""
    ask.like(id_)
    st.switch_page(SEARCH)


def _add(item: Item, weight: float) -> None:
    compose.add(Part(item=item.id, weight=weight))
    st.switch_page(SEARCH)


def _delete(item: Item) -> None:
    st.caption(
        "Takes this item, its pairs and its vectors out of the collection. "
        "A picture's own file stays where it is."
    )
    if st.button("Delete this item", key="_delete_item", type="primary"):
        state.workbench().delete_items(state.collection(), [item.id])
        st.rerun()


def _download(item: Item) -> None:
    name = item.name.rpartition("/")[2] or item.id
    if item.kind == "text":
        st.download_button(
            "Save", item.text, f"{item.id}.txt", key="_save_item", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        return
    st.download_button(
        "Save", lambda: state.workbench().picture(state.collection(), item.id), name,
        key="_save_item", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _link(item: Item) -> str:
    here = urlsplit(st.context.url or "http://localhost")
    asked = urlencode(
        {state.COLLECTION: state.collection(), state.ALSO: formulas.write([Part(item=item.id)])}
    )
    return f"{here.scheme}://{here.netloc}/?{asked}"
