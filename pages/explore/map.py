"""Map: all pictures and texts on one plane; draw around some and see what they are."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.map import plot, selection
from pages.parts.map.layout import aid, controls
from pages.parts.map.layout import layers as layouts_layers
from pages.parts.map.layout import layout as layouts_layout

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        asked = controls()
        layout = layouts_layout(asked)
        layers = layouts_layers(asked, layout)
        drawing = plot.drawing(layout, layers)
        plot.show(plot.figure(layout, layers, plot.lit(drawing)), layers)
        aid(layout, layers)
        plot.follow(plot.KEY, drawing, layers)
    with right:
        selection.panel(layout, state.selected())
