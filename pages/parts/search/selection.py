"""The selected results, as part of the link: compare and measure them, and the edits of all."""

from collections.abc import Sequence

import streamlit as st

from core import report
from core.types import digest
from pages.parts import edits, formatting, gallery, item, problems, selection, session, state

GEOMETRY = "pages/measure/geometry.py"
SUBSET = "a.items"  # in the link of Geometry
MOST_COMPARED = 6
DRAWN_ANEW = "table_drawn_anew"


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
    select(())


def select(ids: Sequence[str], *, among: Sequence[str] | None = None) -> None:
    """Select items, of some items only these; others stay as they are."""
    kept = [] if among is None else [id_ for id_ in picked() if id_ not in set(among)]
    session.write(state.PICKED, (*kept, *ids), ())
    if among is None:
        session.store(DRAWN_ANEW, session.get(DRAWN_ANEW, 0) + 1)


def table_key(kind: str, ids: Sequence[str]) -> str:
    """The key of a table of these items; another one when what is selected changed elsewhere."""
    return f"_table_{kind}_{digest(*ids)[:8]}_{session.get(DRAWN_ANEW, 0)}"


def bar() -> None:
    """The number of selected items and what can be done with them; nothing without any."""
    ids = picked()
    edits.undo()
    if not ids:
        return
    with st.container(key="selection", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{len(ids):,} selected**", width="content")
        edits.actions(ids, done=clear)
        if st.button(
            "Compare", key="_compare", icon=":material/compare:", type="tertiary",
            disabled=not 2 <= len(ids) <= MOST_COMPARED,
            help=f"Two to {MOST_COMPARED} items side by side",
        ):  # fmt: skip
            st.dialog("Compare", width="large")(problems.guarded(_compare))(ids)
        selection.on_map(ids, key="_to_map")
        packed = report.pack_ids(state.space(), ids)
        if st.button(
            "Measure", key="_measure", icon=":material/straighten:", type="tertiary",
            disabled=not packed, help="Geometry of these items",
        ):  # fmt: skip
            session.write(SUBSET, packed)
            st.switch_page(GEOMETRY)
        st.button("Clear", key="_unpick", icon=":material/close:", type="tertiary", on_click=clear)


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
