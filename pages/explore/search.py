"""Search: one question, its answers, and the geometry that explains them."""

import streamlit as st

from pages.parts import ask, explain, problems, results, state, welcome


@st.fragment
def answer(bar: ask.Bar, since: tuple[str, ...]) -> None:
    """All that follows the text: what is typed draws this and leaves the rest of the page alone."""
    with problems.shown(), state.workbench().moment():
        if state.stamp() != since:
            st.rerun()  # somebody has changed what the rest of the page was drawn from
        asked = ask.question(bar)
        if bar.off:
            st.caption(bar.off, width=720)
        if asked.empty:
            welcome.show(state.card(), off=bar.off)
            return
        left, right = st.columns([2.9, 1], gap="large")
        with left, problems.shown():
            answers = results.find(asked)
            results.show(asked, answers)
            with right.container(key="explain"):
                explain.query(answers)
        with right.container(key="signs"):
            explain.space()
        state.settle()


with problems.shown(stop=True):
    card = state.card()
    if card is None:
        welcome.no_collections()
    if not card.images + card.texts:
        welcome.no_items(card.name)
    off = state.workbench().text_search_off(card.name, state.encoder())
    fields, since = state.workbench().fields(card.name), state.stamp()

answer(ask.bar(fields, off=off), since)
if not off:
    state.warm()
