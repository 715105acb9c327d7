"""Compress: fewer bytes for each vector, what that costs in recall, and who loses."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.compress import kept, losers, studies, ways, work

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)

with problems.shown():
    st.markdown("### Compress", anchors=False)
    st.caption(
        "Each way is fitted on some of the items and judged with others as queries, against the "
        "exact ranking of the float vectors. Float vectors stay stored."
    )
    level, names = ways.choose()
    lab = work.measured(names, level)
    if lab:
        ways.show(lab)
        way = ways.chosen(lab)
        kept.keep(lab, way)
        losers.show(lab, way)
        losers.geometry(way)
        losers.changed(lab, way)
    studies.equal_bytes()
    studies.fewer_layers()
