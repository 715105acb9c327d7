"""Evaluate: cross-modal retrieval scores on the collection's own pairs."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.evaluate import scores, trials

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    if card.pairs < 2:
        scores.no_pairs(card)
    scored = scores.evaluation()

scores.head(scored)
left, right = st.columns(2, gap="large")
with left:
    st.markdown("##### Scores", anchors=False)
    scores.intervals(scored)
with right:
    st.markdown("##### Recall at k", anchors=False)
    scores.curves(scored)
st.markdown("##### Hardest queries", anchors=False)
scores.hardest(scored)
if any(field.name == "label" for field in state.workbench().fields(card.name)):
    left, right = st.columns(2, gap="large")
    with left:
        trials.edits()
    with right:
        trials.labels()
