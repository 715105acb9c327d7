"""Results of a query by kind, and what hubness correction or reranking changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import sleep
from typing import NamedTuple

import streamlit as st

from core.search import SearchResult, describe_changes
from core.types import MISS, SCOPE_NAMES, Kind, Query
from pages.parts import controls, formatting, gallery, item, state

AID = (
    "Under each result: rank, cosine similarity to the query, and P(match), the probability that "
    "it matches; without it the p-value of an unrelated item. Hub ×3: in the nearest-neighbor "
    "lists of three times more items than average. Arrow keys move between results, Enter opens "
    "one."
)
WIDTHS = {"image": 190, "text": 330}
LEFT_WIDTH = 120
PAINT_S = 0.05


class Shown(NamedTuple):
    """A result and the cards that show its hits."""

    result: SearchResult
    cards: Sequence[gallery.Card]


def find(query: Query) -> dict[Kind, Shown]:
    """The open page of results by kind; images and texts are ranked separately."""
    page = controls.page(query=replace(query, miss=MISS).key)
    with st.spinner("Searching…", show_time=True):
        results = {
            kind: state.search(replace(query, kinds=(kind,), start=page * query.k))
            for kind in query.kinds
        }
        return {
            kind: Shown(result, gallery.hits(result.hits, by_band=bool(result.estimates)))
            for kind, result in results.items()
        }


def show(query: Query, shown: Mapping[Kind, Shown]) -> None:
    """Draw the results, images first."""
    for kind, (result, cards) in shown.items():
        if result.hits:
            _head(kind, result)
            of_kind = replace(query, kinds=(kind,), miss=MISS)
            item.browse(cards, key=f"_results_{kind}", size=WIDTHS[kind], query=of_kind)
            _changes(kind, result)
        elif len(shown) == 1:
            st.caption(f"No {SCOPE_NAMES[kind]} to search. {result.sentence}")
    if any(one.result.hits for one in shown.values()):
        st.caption(AID)
    controls.paging(max((one.result.n for one in shown.values()), default=0), query.k)


def wait_for_browser() -> None:
    """Wait while the browser draws the results; what is sent earlier would be drawn before them."""
    sleep(PAINT_S)


def _head(kind: Kind, result: SearchResult) -> None:
    name = SCOPE_NAMES[kind]
    first, last = result.hits[0].rank, result.hits[-1].rank
    with st.container(horizontal=True, vertical_alignment="center", key=f"head_{kind}"):
        st.markdown(
            f"**{_headline(result)}** &ensp; "
            f":gray[{name} {first}–{last} of {result.n:,}, best first]",
            width="stretch",
        )
        controls.download(gallery.rows(result.hits), f"results-{name}")
    st.caption(formatting.plain(result.sentence), help=formatting.plain(result.how))
    for note in result.notes:
        st.caption(f":material/info: {formatting.plain(note)}")


def _headline(result: SearchResult) -> str:
    if result.no_match:
        return "Probably no match"
    if not result.estimates:
        return "Best first"
    (estimate,) = result.estimates.values()
    strong, likely, _ = estimate.counts
    return f"{strong:,} strong and {likely:,} likely matches"


def _changes(kind: Kind, result: SearchResult) -> None:
    """What the ranking options changed, and the hits that left this page."""
    sentence = describe_changes(result)
    if not sentence:
        return
    st.caption(formatting.plain(sentence))
    if result.left:
        with st.expander("Results that left this page", type="compact", key=f"_moved_{kind}"):
            st.caption("Ranks by cosine similarity.")
            item.browse(gallery.hits(result.left), key=f"_left_{kind}", size=LEFT_WIDTH)
