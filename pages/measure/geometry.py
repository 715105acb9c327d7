"""Geometry: all diagnostics of the space, with interpretation and advice."""

import streamlit as st

from core import measure
from pages.parts import empty_states, problems, state, vital_signs
from pages.parts.geometry import encoder, export, report, subset

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)

with problems.shown():
    st.markdown("### Geometry", anchors=False)
    sides = subset.sides()
    subset.about(sides)
    with st.container(key="_vital_strip"):
        vital = vital_signs.vital_of(*(side.space for side in sides))
        vital_signs.show(
            vital[0], key="_vital_six", six=True, other=vital[1] if vital[1:] else None
        )
    if len(sides) > 1:
        st.caption(measure.COMPARE_AID)
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
