"""Map: all images and texts in a two-dimensional projection, with a lasso."""

import streamlit as st

from core import report
from pages.parts import empty_states, problems, state
from pages.parts.map import coloring, layout, plot, selection

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
        selection.of_link()
        rows = report.sample_for_map(projected.space)
        drawing = plot.Drawing(
            projected,
            rows,
            coloring.coloring(request.color, rows, request.row),
            select=selection.select,
            clear=selection.clear,
            items=state.items_key(),
        )
        plot.show(drawing, selection.mask(projected.space, state.selected()))
        plot.under(drawing, layout.AIDS[projected.method])
    with right:
        selection.panel(projected, state.selected())
