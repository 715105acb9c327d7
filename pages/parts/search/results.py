"""The results of a query, by kind, and what hubness correction or reranking changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import sleep
from typing import NamedTuple

import streamlit as st

from core.search import SearchResult, describe_changes
from core.types import Kind, Query
from pages.parts import charts, controls, formatting, gallery, item, state

AID = (
    "Under each result: rank, cosine with the query, and p, the probability that one unrelated "
    "item is this similar. A hub is a result of far more queries than average. Arrow keys move, "
    "Enter opens."
)
WIDTHS = {"image": 190, "text": 330}
SMALL = 120
PAINT = 0.05  # seconds


class Found(NamedTuple):
    """A result and the cards that show its hits."""

    result: SearchResult
    cards: Sequence[gallery.Card]


def find(query: Query) -> dict[Kind, Found]:
    """The open page of results, by kind; kinds are never ranked against each other."""
    page = controls.page(asked=replace(query, strictness=None).key)
    loading = not all(part.item for part in query.parts) and not state.ready()
    label = "Loading the encoder (once)…" if loading else "Searching…"
    with st.spinner(label, show_time=True):
        results = {
            kind: state.search(replace(query, kinds=(kind,), start=page * query.k))
            for kind in query.kinds
        }
        return {
            kind: Found(result, gallery.hits(result.hits, divider=_divider(kind, result)))
            for kind, result in results.items()
        }


def show(query: Query, found: Mapping[Kind, Found]) -> None:
    """Draw them, images first."""
    for kind, (result, cards) in found.items():
        if result.hits:
            _head(kind, result)
            of_kind = replace(query, kinds=(kind,), strictness=None)
            item.browse(cards, key=f"_answers_{kind}", size=WIDTHS[kind], asked=of_kind)
            _changes(kind, result)
        elif len(found) == 1:
            what = formatting.count(0, charts.KIND_NAMES[kind][:-1])
            st.caption(f"There are {what} to compare with here. {result.sentence}")
    if any(one.result.hits for one in found.values()):
        st.caption(AID)
    controls.paging(max((one.result.n for one in found.values()), default=0), query.k)


def wait_for_browser() -> None:
    """Wait while a browser draws the results: what it is sent sooner, it draws before them."""
    sleep(PAINT)


def _head(kind: Kind, result: SearchResult) -> None:
    name = charts.KIND_NAMES[kind]
    first, last = result.hits[0].rank, result.hits[-1].rank
    with st.container(horizontal=True, vertical_alignment="center", key=f"head_{kind}"):
        st.markdown(
            f"**{_headline(result)}** &ensp; "
            f":gray[{name} {first}–{last} of {result.n:,}, best first]",
            width="stretch",
        )
        controls.download(gallery.rows(result.hits), f"results-{name}")
    sentence = result.cutoff.promise if result.matches else result.sentence
    st.caption(formatting.plain(sentence), help=formatting.plain(result.how))
    for note in result.notes:
        st.caption(f":material/info: {formatting.plain(note)}")


def _headline(result: SearchResult) -> str:
    if result.no_match:
        return "Nothing here matches"
    return formatting.count(result.matches, "match", "matches")


def _divider(kind: Kind, result: SearchResult) -> str:
    least = result.cutoff.cosines[kind]
    return f"Cutoff: no match below cosine {least:.3f}" if least < 1 else ""


def _changes(kind: Kind, result: SearchResult) -> None:
    """A sentence, and behind it the hits that cosine alone would have put on this page."""
    sentence = describe_changes(result)
    if not sentence:
        return
    st.caption(formatting.plain(sentence))
    if result.left:
        with st.expander("What left this page", type="compact", key=f"_moved_{kind}"):
            st.caption("Ranks are those by cosine alone.")
            item.browse(gallery.hits(result.left), key=f"_left_{kind}", size=SMALL)
