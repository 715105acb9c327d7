"""Evaluate: does search find what it should, where does it fail, and why."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.evaluate import encoders, groups, labels, misses, scores, trials

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    if card.pairs < 2 and not labels.has_any():
        empty_states.no_pairs(card)

with problems.shown():
    request = scores.request(pairs=card.pairs >= 2)
    if card.pairs >= 2:
        scored = scores.evaluation(request)
        scores.head(request, scored)
        left, right = st.columns(2, gap="large")
        with left:
            scores.intervals(scored)
        with right:
            scores.curves(scored)
        direction = misses.direction()
        with problems.shown():
            misses.show(request, scored, direction)
        with problems.shown():
            groups.show(request, scored, direction)
        with problems.shown():
            encoders.show(request)
        with problems.shown():
            trials.rankings()
    with problems.shown():
        if labels.has_any():
            labels.show(request, at_once=card.pairs < 2)
    with problems.shown():
        if labels.has_any() and card.texts:
            trials.edits()
