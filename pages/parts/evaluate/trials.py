"""Trials on the collection's labels, run when asked for: edits in words, labels from prompts."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.measure import Analogies
from core.search import LabelScores
from core.types import Curve, Score
from core.workbench import EncodedCollection
from pages.parts import charts, controls, formatting, problems, session, state

EDITS = "Edits in words"
ABOUT_EDITS = (
    "Take a picture, take one of its labels away in words and add another: is the nearest picture "
    "one with the new label that keeps the rest?"
)
LABELS = "Labels from words"
ABOUT_LABELS = (
    "Each label is put into sentences and compared with the pictures. **Accuracy** is of the "
    "likeliest label; **middle** is the label nearest to all that are likely (Loki)."
)


def edits() -> None:
    """Analogies on label pairs, at their best strength and at every strength."""
    st.markdown(f"##### {EDITS}", anchors=False)
    st.caption(ABOUT_EDITS)
    if _wanted("edits"):
        with problems.shown():
            found = _edits(state.space().key, state.opened())
            _scores(found.scores, "edits")
            line = Curve(found.strengths, found.curve, "strength of the edit", "success")
            charts.curve(line, key="_edits_curve", aid="Success of the edit against its strength.")
            st.caption(formatting.plain(found.sentence))


def labels() -> None:
    """How often labels from words are right, by both rules."""
    st.markdown(f"##### {LABELS}", anchors=False)
    st.caption(ABOUT_LABELS)
    if _wanted("labels"):
        with problems.shown():
            found = _labels(state.space().key, state.opened())
            _scores(found.scores, "labels")
            st.caption(formatting.plain(found.sentence))


@st.cache_resource(max_entries=8, show_spinner="Editing pictures in words…")
def _edits(key: str, _opened: EncodedCollection) -> Analogies:
    return state.workbench().analogies(_opened)


@st.cache_resource(max_entries=8, show_spinner="Labelling pictures…")
def _labels(key: str, _opened: EncodedCollection) -> LabelScores:
    return state.workbench().score_labels(_opened)


def _wanted(name: str) -> bool:
    """Whether the trial was asked for: it runs the encoder, so it does not start by itself."""
    asked = f"trial {name} {state.collection()} {state.encoder()}"
    if not session.kept(asked, False):
        st.button(
            "Measure", key=f"_measure_{name}", icon=":material/labs:",
            on_click=session.keep, args=(asked, True),
        )  # fmt: skip
    return session.kept(asked, False)


def _scores(scores: Mapping[str, Score], name: str) -> None:
    rows = [_row(metric, score) for metric, score in scores.items()]
    st.dataframe(rows, hide_index=True, key=f"_{name}_table")
    controls.download(rows, name)


def _row(metric: str, score: Score) -> dict[str, Any]:
    low, high = score.low, score.high
    return {
        "what": metric.replace("_", " "), "value": formatting.number(score.value, low, high),
        "95 % interval": formatting.interval(low, high),
        "guessing": formatting.number(score.chance),
        "of": score.n_queries,
    }  # fmt: skip
