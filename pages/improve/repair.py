"""Repair: change the space, see what it did to held-out pairs, and take it along."""

import streamlit as st

from pages.parts import empty_states, problems, state
from pages.parts.repair import effect, recipes, steps, work

with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    if card.pairs < 2:
        empty_states.no_pairs(card)

with problems.shown():
    st.markdown("### Repair", anchors=False)
    st.caption(
        "A repair is fitted on some of the pairs and judged on the others. Vectors as they are "
        "stay stored: a kept recipe is applied when it is chosen at the top of the page."
    )
    st.markdown("##### Before", anchors=False)
    top = st.container()
    st.markdown("##### Choose", anchors=False)
    chosen = steps.choose()
    with problems.shown():
        if chosen:
            st.markdown("##### After", anchors=False)
        result = None if chosen is None else work.measured(chosen)
        known = result or state.workbench().known_repair(state.as_encoded(), ())
        with top:
            if known:
                effect.before(known)
            else:
                st.caption("Measured with the repair below.")
        if result and chosen:
            effect.show(result)
            recipes.keep(result)
            effect.moved(result)
            effect.geometry(result)
        elif result:
            steps.recommended(result)
    recipes.stored()
