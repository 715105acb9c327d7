"""Collections: all collections, adding data, and the report of the last ingest."""

import streamlit as st

from pages.parts import jobs, problems, state
from pages.parts.collections import intake, report
from pages.parts.collections.cards import empty, show

with problems.shown(stop=True):
    cards = state.workbench().cards()
    names = [card.name for card in cards]

if cards:
    left, right = st.columns([2.6, 1], gap="large")
    with left, problems.shown():
        st.markdown("### Collections", anchors=False)
        jobs.panel()
        report.last(cards)
        show(cards)
    with right, problems.shown():
        st.markdown("### Add data", anchors=False)
        intake.form(names)
else:
    with st.container(horizontal_alignment="center"), st.container(width=620), problems.shown():
        empty()
        jobs.panel()
        intake.form(names)
