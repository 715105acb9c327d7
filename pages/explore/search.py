"""Search: a query, its results, and the geometry of the collection."""

import streamlit as st

from core.types import Kind
from pages.parts import empty_states, encoder_steps, problems, state
from pages.parts.search import query_bar, query_panel, results


@st.fragment
def search(bar: query_bar.Bar, since: tuple[str, ...]) -> None:
    """What depends on the text: a keystroke redraws this fragment, not the rest of the page."""
    with problems.shown(), state.workbench().read_session():
        if state.stamp() != since:
            st.rerun()  # the collection has changed since the rest of the page was drawn
        request, again = query_bar.request(bar), query_bar.on_screen()
        if not again:
            query_bar.draw(bar, request)
        if bar.off:
            st.caption(bar.off, width=720)
        steps = st.empty()
        if request.query:
            shown: dict[Kind, results.Shown] = {}
            if any(not part.item for part in request.query.parts):
                encoder_steps.wait(steps)
            with problems.shown():
                shown = results.find(request.query)
            left, right = st.container(key="results").columns([2.9, 1], gap="large")
            with left:
                results.show(request.query, shown)
        if again:
            results.wait_for_browser()
            query_bar.draw(bar, request)
        if not bar.off:
            encoder_steps.show(steps)
        if not request.query:
            empty_states.show(state.card(), off=bar.off)
            return
        above = right.container(key="explain")
        with right.container(key="signs"):
            query_panel.vital_signs_of_space()
        with above:  # after the vital signs: this takes the browser longest
            query_panel.query({kind: one.result for kind, one in shown.items()})
        state.settle()


with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    off = state.workbench().text_search_off(state.opened())
    fields, since = state.workbench().fields(card.name), state.stamp()

search(query_bar.bar(fields, off=off), since)
if not off:
    state.warm()
