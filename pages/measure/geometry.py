"""Geometry: the shape of the space, number by number, each with what it means."""

import streamlit as st

from pages.parts import problems, report, signs, state, welcome

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        welcome.no_collections()
    if not card.images + card.texts:
        welcome.no_items(card.name)

with problems.shown():
    report.head()
    with st.container(key="_vital_strip"):
        signs.show(signs.vital(), key="_vital_wide", wide=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        family = report.family()
        st.space("stretch")
        actions = st.container(horizontal=True, width="content")
    measured = report.measure(family)
    with actions:
        report.downloads(measured)
    if family == report.OVERVIEW:
        report.overview(measured)
    else:
        report.full(measured)
