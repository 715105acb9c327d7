"""Geometry: what is wrong with the space and what to do, its figures, and every diagnostic."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.geometry import compared, encoder, export, overview, report, review, subset

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)

with problems.shown():
    st.markdown("### Geometry", anchors=False)
    given = subset.sides()
    sides = subset.rarefied(given)
    subset.about(given, sides)
    with st.container(horizontal=True, vertical_alignment="center"):
        family = report.family()
        st.space("stretch")
        actions = st.container(horizontal=True, width="content")
    if family == review.REVIEW:
        review.show(sides[0].space)
    elif family == report.OVERVIEW and len(sides) > 1:
        export.downloads(compared.show(sides), sides, actions)
    elif family == report.OVERVIEW:
        export.downloads([overview.one(sides[0])], sides, actions)
    else:
        if family == encoder.FAMILY:
            sides = encoder.sides(sides)
            encoder.panel(sides)
        measured = report.measure(family, sides)
        export.downloads(report.stored(measured, sides), sides, actions)
        report.full(measured, sides)
