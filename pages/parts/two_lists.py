"""Queries whose results changed: one is chosen, and its results both ways are side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from pages.parts import gallery, item, session
from pages.parts.gallery import Card


def choose(cards: Sequence[Card], *, name: str, key: str) -> str:
    """The id of the query whose results are shown: the one clicked last, else the first.

    Args:
        cards: of the queries.
        name: under which the session keeps the choice.
        key: of the component.
    """
    ids = [card.id for card in cards]
    shown = session.get(name, "")
    shown = shown if shown in ids else ids[0]
    st.caption("Click a query to see its results both ways.")
    action, id_ = gallery.show(
        [replace(card, badge="results below" if card.id == shown else "") for card in cards],
        key=key, size=150,
    )  # fmt: skip
    if action == "open" and id_ != shown:
        session.store(name, id_)
        st.rerun()
    elif action == "like":
        item.like(id_)
    return shown


def show(sides: Mapping[str, Sequence[Card]]) -> None:
    """Results by title of the side."""
    for column, (title, cards) in zip(st.columns(2, gap="large"), sides.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            item.browse(cards, key=f"_list_{title}", size=110)
