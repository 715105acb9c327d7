"""Search: one question, its answers, and the geometry that explains them."""

import streamlit as st

from core.types import Kind
from pages.parts import empty_states, problems, state
from pages.parts.search import query_bar, query_panel, results


@st.fragment
def answer(bar: query_bar.Bar, since: tuple[str, ...]) -> None:
    """All that follows the text: what is typed draws this and leaves the rest of the page alone."""
    with problems.shown(), state.workbench().moment():
        if state.stamp() != since:
            st.rerun()  # somebody has changed what the rest of the page was drawn from
        asked, again = query_bar.question(bar), query_bar.on_screen()
        if not again:
            query_bar.draw(bar, asked)
        if bar.off:
            st.caption(bar.off, width=720)
        if not asked.empty:
            found: dict[Kind, results.Found] = {}
            with problems.shown():
                found = results.find(asked)
            left, right = st.container(key="found").columns([2.9, 1], gap="large")
            with left:
                results.show(asked, found)
        if again:
            results.painted()
            query_bar.draw(bar, asked)
        if asked.empty:
            empty_states.show(state.card(), off=bar.off)
            return
        above = right.container(key="explain")
        with right.container(key="signs"):
            query_panel.space()
        with above:  # after the signs: nothing else takes the browser as long
            query_panel.query({kind: one.answer for kind, one in found.items()})
        state.settle()


with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    off = state.workbench().text_search_off(card.name, state.encoder())
    fields, since = state.workbench().fields(card.name), state.stamp()

answer(query_bar.bar(fields, off=off), since)
if not off:
    state.warm()
