"""Map: all images and texts in a two-dimensional projection, with a lasso."""

import streamlit as st

from core import report
from pages.parts import empty_states, problems, selection, state
from pages.parts.map import clusters, coloring, find, layout, plot
from pages.parts.map.selection import panel, select

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
    with right:
        box = find.box()
    with left:
        selection.of_link()
        rows = report.sample_for_map(projected.space)
        sought = find.on_map(box, projected)
        drawing = plot.Drawing(
            projected,
            rows,
            coloring.coloring(request.color, rows, request.row, projected),
            select=select,
            clear=selection.clear,
            items=state.items_key(),
            over=plot.Overlay(
                marks=sought.marks,
                lit=sought.lit,
                path=sought.path,
                names=clusters.names(projected),
            ),
        )
        plot.show(drawing, selection.mask())
        plot.under(drawing, layout.AIDS[projected.method])
    with right:
        panel(projected)
