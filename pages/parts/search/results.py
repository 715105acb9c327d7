"""What a hub correction or a reranker changed on a page of answers: what left it, to look at."""

from collections.abc import Mapping, Sequence
from time import sleep
from typing import NamedTuple

import streamlit as st

from core.search import SearchResult, describe_changes
from core.types import Kind
from pages.parts import charts, controls, formatting, gallery, item, state
from pages.parts.search.query_bar import SearchRequest

SIZE = 120


def ranking_changes(kind: Kind, answer: SearchResult) -> None:
    """A sentence, and behind it the hits that cosine alone would have put on this page."""
    told = describe_changes(answer)
    if not told:
        return
    st.caption(formatting.plain(told))
    if answer.left:
        with st.expander("What left this page", type="compact", key=f"_moved_{kind}"):
            st.caption("Ranks are those that cosine alone gives.")
            item.browse(gallery.hits(answer.left), key=f"_left_{kind}", size=SIZE)


AID = (
    "Under each answer: rank, cosine with the query, and p, the chance that one unrelated item is "
    "this similar. A hub answers far more queries than others do. Arrow keys walk, Enter opens."
)
WIDTHS = {"image": 190, "text": 330}
PAINT = 0.05  # seconds


class Found(NamedTuple):
    """An answer and the cards that show it."""

    answer: SearchResult
    cards: Sequence[gallery.Card]


def find(asked: SearchRequest) -> dict[Kind, Found]:
    """The page of answers that is open, by kind; draws only a spinner, where it takes long."""
    page = controls.page(asked=repr([asked.query(kind, 0).key for kind in asked.kinds]))
    loading = not all(part.item for part in asked.parts) and not state.ready()
    label = "Loading the encoder, once…" if loading else "Searching…"
    with st.spinner(label, show_time=True):
        answers = {
            kind: state.ask(controls.at_level(asked.query(kind, page * asked.k)))
            for kind in asked.kinds
        }
        return {
            kind: Found(answer, gallery.hits(answer.hits, divider=_divider(kind, answer)))
            for kind, answer in answers.items()
        }


def show(asked: SearchRequest, found: Mapping[Kind, Found]) -> None:
    """Draw them, pictures first."""
    for kind, (answer, cards) in found.items():
        if answer.hits:
            _head(kind, answer)
            size = WIDTHS[kind]
            item.browse(cards, key=f"_answers_{kind}", size=size, asked=asked.query(kind, 0))
            ranking_changes(kind, answer)
        elif len(found) == 1:
            _none(kind, answer)
    if any(one.answer.hits for one in found.values()):
        st.caption(AID)
    controls.paging(max((one.answer.n for one in found.values()), default=0), asked.k)


def painted() -> None:
    """Wait while a browser draws the answers: what it is sent sooner, it draws before them."""
    sleep(PAINT)


def _head(kind: Kind, answer: SearchResult) -> None:
    name = charts.KIND_NAMES[kind]
    first, last = answer.hits[0].rank, answer.hits[-1].rank
    with st.container(horizontal=True, vertical_alignment="center", key=f"head_{kind}"):
        st.markdown(
            f"**{_headline(answer)}** &ensp; "
            f":gray[{name} {first}–{last} of {answer.n:,}, best first]",
            width="stretch",
        )
        controls.download(gallery.rows(answer.hits), f"answers-{name}")
    verdict = answer.cut.promise if answer.matches else answer.sentence
    st.caption(formatting.plain(verdict), help=formatting.plain(answer.how))
    for note in answer.notes:
        st.caption(f":material/info: {formatting.plain(note)}")


def _headline(answer: SearchResult) -> str:
    if answer.no_match:
        return "Nothing here matches"
    return formatting.count(answer.matches, "match", "matches")


def _divider(kind: Kind, answer: SearchResult) -> str:
    least = answer.cut.cosines[kind]
    return f"Cut: below cosine {least:.3f} nothing counts as a match" if least < 1 else ""


def _none(kind: Kind, answer: SearchResult) -> None:
    what = formatting.count(0, charts.KIND_NAMES[kind][:-1])
    st.caption(f"There are {what} to compare with here. {answer.sentence}")
