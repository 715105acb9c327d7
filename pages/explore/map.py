"""Map: all pictures and texts on one plane; draw around some and see what they are."""

import streamlit as st

from pages.parts import layouts, points, preview, problems, selection, state, welcome

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        welcome.no_collections()
    if not card.images + card.texts:
        welcome.no_items(card.name)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        asked = layouts.controls()
        layout = layouts.layout(asked)
        layers = layouts.layers(asked, layout)
        drawing = points.drawing(layout, layers)
        points.show(points.figure(layout, layers, points.lit(drawing)), layers)
        layouts.aid(layout, layers)
        preview.follow(points.KEY, drawing, layers)
    with right:
        selection.panel(layout, points.selected())
