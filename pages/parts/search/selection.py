"""The selected results: tag, export, delete, compare and measure them; part of the link."""

from collections.abc import Sequence

import streamlit as st

from core import report
from pages.parts import controls, formatting, gallery, item, problems, session, state

GEOMETRY = "pages/measure/geometry.py"
SUBSET = "a.items"  # in the link of Geometry
MOST_COMPARED = 6


def picked() -> tuple[str, ...]:
    """Ids of the selected items that are in the collection."""
    chosen = session.read(state.PICKED, ())
    if not chosen:
        return ()
    session.write(state.PICKED, chosen, ())  # into the link again after a change of page
    known = state.space().row
    return tuple(id_ for id_ in chosen if id_ in known)


def toggle(id_: str) -> None:
    """Select an item, or deselect it."""
    before = picked()
    after = tuple(one for one in before if one != id_) if id_ in before else (*before, id_)
    session.write(state.PICKED, after, ())


def clear() -> None:
    """Select nothing."""
    session.write(state.PICKED, (), ())


def bar() -> None:
    """The number of selected items and what can be done with them; nothing without any."""
    ids = picked()
    if not ids:
        return
    with st.container(key="selection", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{len(ids):,} selected**", width="content")
        with st.popover("Tag", icon=":material/sell:", type="tertiary"), problems.shown():
            _tag(ids)
        controls.download(gallery.item_rows(ids), "selection", label="Export")
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            _delete(ids)
        if st.button(
            "Compare", key="_compare", icon=":material/compare:", type="tertiary",
            disabled=not 2 <= len(ids) <= MOST_COMPARED,
            help=f"Two to {MOST_COMPARED} items side by side",
        ):  # fmt: skip
            st.dialog("Compare", width="large")(_compare)(ids)
        packed = report.pack_ids(state.space(), ids)
        if st.button(
            "Measure", key="_measure", icon=":material/straighten:", type="tertiary",
            disabled=not packed, help="Geometry of these items",
        ):  # fmt: skip
            session.write(SUBSET, packed)
            st.switch_page(GEOMETRY)
        st.button("Clear", key="_unpick", icon=":material/close:", type="tertiary", on_click=clear)


def _tag(ids: Sequence[str]) -> None:
    bench, name = state.workbench(), state.collection()
    known = sorted({tag.name for tag in bench.tags(name)})
    tag = st.selectbox(
        "Tag", known, index=None, key="_tag", accept_new_options=True,
        placeholder="Choose or type a tag",
    )  # fmt: skip
    with st.container(horizontal=True):
        if st.button("Add tag", key="_tag_add", type="primary", disabled=not tag):
            bench.tag(name, tag, [(id_,) for id_ in ids])
            st.toast(f"{formatting.count(len(ids), 'item')} tagged.", icon=":material/sell:")
            st.rerun()  # the whole page: the tag is a filter now
        if st.button("Remove tag", key="_tag_remove", disabled=not tag or tag not in known):
            bench.untag(name, tag, [(id_,) for id_ in ids])
            st.toast(f"Tag removed from {formatting.count(len(ids), 'item')}.")
            st.rerun()
    st.caption("Tags are a filter here and in Geometry.")


def _delete(ids: Sequence[str]) -> None:
    st.caption(
        f"Deletes {formatting.count(len(ids), 'item')} with pairs and vectors from the collection. "
        "Image files themselves are not deleted."
    )
    if st.button(f"Delete {len(ids):,}", key="_delete_picked", type="primary"):
        state.workbench().delete_items(state.collection(), list(ids))
        clear()
        st.rerun()


def _compare(ids: Sequence[str]) -> None:
    """The items side by side, and the cosine of each with each."""
    cards = gallery.cards(ids)
    for column, card in zip(st.columns(len(cards)), cards, strict=True):
        with column, st.container(key=f"compared_{card.id}"):
            item.whole(state.items([card.id])[card.id])
            st.text(formatting.shorten(card.caption or card.name, 200))
            for label in card.labels:
                st.badge(formatting.plain(formatting.shorten(label, 40)), color="gray")
    similar = state.workbench().cosines(state.opened(), [card.id for card in cards])
    st.markdown("###### Cosine similarity", anchors=False)
    names = [f"{n}: {formatting.shorten(c.caption or c.name, 40)}" for n, c in enumerate(cards, 1)]
    st.dataframe(
        [
            {"item": name, **{str(n): round(float(x), 3) for n, x in enumerate(row, 1)}}
            for name, row in zip(names, similar, strict=True)
        ],
        hide_index=True, key="_cosines", alt="Cosine of each selected item with each",
    )  # fmt: skip
