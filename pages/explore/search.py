"""Search: one question, its answers, and the geometry that explains them."""

import streamlit as st

from pages.parts import ask, explain, problems, results, state, welcome

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        welcome.no_collections()
    if not card.images + card.texts:
        welcome.no_items(card.name)
    off = state.workbench().text_search_off(card.name, state.encoder())
    fields = state.workbench().fields(card.name)

asked = ask.bar(fields, off=off)
if off:
    st.caption(off, width=720)

if asked.empty:
    welcome.show(card, off=off)
    st.stop()

left, right = st.columns([2.9, 1], gap="large")
with left, problems.shown():
    answers = results.find(asked)
    results.show(asked, answers)
    with right.container(key="explain"):
        explain.query(answers)
with right.container(key="signs"):
    explain.space()
