"""Map: all images and texts in a two-dimensional projection, with a lasso."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.map import layout, plot, selection

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        request = layout.controls()
        projected = layout.layout(request)
        layers = layout.layers(request, projected)
        plot.of_link()
        drawing = plot.drawing(projected, layers)
        plot.show(plot.figure(projected, layers, plot.highlighted(drawing)), layers)
        layout.aid(projected, layers)
        plot.follow(plot.KEY, drawing, layers)
    with right:
        selection.panel(projected, state.selected())
