"""Map: all images and texts in a two-dimensional projection, with a lasso."""

import streamlit as st

from core import report
from pages.parts import empty_states, problems, selection, state
from pages.parts.map import beside, clusters, find, layout, maps, plot, truth
from pages.parts.map.selection import pairs, panel, select

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        request = layout.controls()
        chosen = beside.choose(request.options)
        projected = layout.layout(request)
        second = beside.second(chosen, request, projected)
    with right:
        box = find.box()
    with left:
        selection.of_link()
        rows = report.sample_for_map(projected.space)
        sought = find.on_map(box, projected)
        drawing = plot.Drawing(
            projected,
            rows,
            select=select,
            clear=selection.clear,
            select_named=clusters.select,
            items=state.items_key(),
            over=plot.Overlay(
                fade=truth.fade(projected, request),
                lines=[*truth.lines(projected, request), *pairs(projected, request)],
                marks=sought.marks,
                lit=sought.lit,
                path=sought.path,
                names=clusters.names(projected),
            ),
        )
        maps.show(drawing, second, request.colors)
        if second:
            beside.moved(projected, second)
        truth.sentence(projected, request)
    with right:
        panel(projected, request)
    state.settle()
