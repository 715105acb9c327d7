"""Geometry: the shape of the space, number by number, each with what it means."""

import streamlit as st

from core import comparison
from pages.parts import encoder, export, problems, report, signs, state, subset, welcome

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        welcome.no_collections()
    if not card.images + card.texts:
        welcome.no_items(card.name)

with problems.shown():
    st.markdown("### Geometry", anchors=False)
    sides = subset.sides()
    subset.about(sides)
    with st.container(key="_vital_strip"):
        vital = signs.vital_of(*(side.space for side in sides))
        signs.show(vital[0], key="_vital_six", six=True, other=vital[1] if vital[1:] else None)
    if len(sides) > 1:
        st.caption(comparison.AID)
    with st.container(horizontal=True, vertical_alignment="center"):
        family = report.family()
        st.space("stretch")
        actions = st.container(horizontal=True, width="content")
    if family == encoder.FAMILY:
        sides = encoder.sides(sides)
        encoder.panel(sides)
    measured = report.measure(family, sides)
    with actions:
        export.downloads(measured, sides)
    if family == report.OVERVIEW:
        report.overview(measured)
    else:
        report.full(measured, sides)
