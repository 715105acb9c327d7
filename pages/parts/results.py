"""The answers: pictures and texts apart, each ranked, with pages and a download."""

from collections.abc import Mapping, Sequence
from time import sleep
from typing import NamedTuple

import streamlit as st

from core.search import Answer
from core.types import Kind
from pages.parts import controls, draw, gallery, moved, state, viewer, words
from pages.parts.ask import Asked

AID = (
    "Under each answer: rank, cosine with the query, and p, the chance that one unrelated item is "
    "this similar. A hub answers far more queries than others do. Arrow keys walk, Enter opens."
)
WIDTHS = {"image": 190, "text": 330}
PAINT = 0.05  # seconds


class Found(NamedTuple):
    """An answer and the cards that show it."""

    answer: Answer
    cards: Sequence[gallery.Card]


def find(asked: Asked) -> dict[Kind, Found]:
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


def show(asked: Asked, found: Mapping[Kind, Found]) -> None:
    """Draw them, pictures first."""
    for kind, (answer, cards) in found.items():
        if answer.hits:
            _head(kind, answer)
            size = WIDTHS[kind]
            viewer.browse(cards, key=f"_answers_{kind}", size=size, asked=asked.query(kind, 0))
            moved.show(kind, answer)
        elif len(found) == 1:
            _none(kind, answer)
    if any(one.answer.hits for one in found.values()):
        st.caption(AID)
    controls.paging(max((one.answer.n for one in found.values()), default=0), asked.k)


def painted() -> None:
    """Wait while a browser draws the answers: what it is sent sooner, it draws before them."""
    sleep(PAINT)


def _head(kind: Kind, answer: Answer) -> None:
    name = draw.KIND_NAMES[kind]
    first, last = answer.hits[0].rank, answer.hits[-1].rank
    with st.container(horizontal=True, vertical_alignment="center", key=f"head_{kind}"):
        st.markdown(
            f"**{_headline(answer)}** &ensp; "
            f":gray[{name} {first}–{last} of {answer.n:,}, best first]",
            width="stretch",
        )
        controls.download(gallery.rows(answer.hits), f"answers-{name}")
    verdict = answer.cut.promise if answer.matches else answer.sentence
    st.caption(words.plain(verdict), help=words.plain(answer.how))
    for note in answer.notes:
        st.caption(f":material/info: {words.plain(note)}")


def _headline(answer: Answer) -> str:
    if answer.no_match:
        return "Nothing here matches"
    return words.count(answer.matches, "match", "matches")


def _divider(kind: Kind, answer: Answer) -> str:
    least = answer.cut.cosines[kind]
    return f"Cut: below cosine {least:.3f} nothing counts as a match" if least < 1 else ""


def _none(kind: Kind, answer: Answer) -> None:
    what = words.count(0, draw.KIND_NAMES[kind][:-1])
    st.caption(f"There are {what} to compare with here. {answer.sentence}")
