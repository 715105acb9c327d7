"""Search: a query, its results, and the geometry of the collection."""

import streamlit as st

from core.types import Kind
from pages.parts import empty_states, encoder_steps, problems, state
from pages.parts.search import query_bar, query_panel, results, side_by_side, turns


@st.fragment
@problems.guarded
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
        query, shown, panel = results.on_page(request.query), dict[Kind, results.Shown](), None
        if query:
            if any(not part.item for part in query.parts):
                encoder_steps.wait(steps)
            with problems.shown():
                state.encode(query)
                with turns.turn(steps):
                    shown = results.find(query)
                    panel = side_by_side.draw(query, shown)
        if again:
            results.wait_for_browser()
            query_bar.draw(bar, request)
        results.export(bar.export, query, shown)
        if not bar.off:
            encoder_steps.show(steps)
        if not query:
            browsed = bar.settings["kinds"], bar.settings["filters"]
            empty_states.show(state.card(), *browsed, off=bar.off)
        elif panel:
            query_panel.show(panel, {kind: one.result for kind, one in shown.items()})
        state.settle()


with problems.shown(stop=True):
    card = state.card()
    if card is None:
        empty_states.no_collections()
    if not card.images + card.texts:
        empty_states.no_items(card.name)
    off = state.workbench().text_search_off(state.opened())
    fields, since = state.workbench().fields(card.name), state.stamp()
    bar = query_bar.bar(fields, off=off)

search(bar, since)
if not off:
    state.warm()
