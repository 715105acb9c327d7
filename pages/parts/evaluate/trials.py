"""Experiments on the collection's labels, run on request: composed retrieval, zero-shot labels."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.measure import Analogies
from core.search import LabelScores
from core.types import Curve, Score
from core.workbench import EncodedCollection
from pages.parts import charts, controls, formatting, problems, session, state

EDITS = "Composed retrieval"
ABOUT_EDITS = (
    "Image − text of one of its labels + text of another: does the nearest image have the new "
    "label and otherwise the same labels?"
)
LABELS = "Zero-shot classification"
ABOUT_LABELS = (
    "Images are classified by their similarity to the text of each label. **Accuracy**: of the "
    "most probable label; **middle**: of the Fréchet mean of the label probabilities (Loki)."
)


def edits() -> None:
    """Analogies on pairs of labels, at the best strength and at every strength."""
    st.markdown(f"##### {EDITS}", anchors=False)
    st.caption(ABOUT_EDITS)
    if _requested("edits"):
        with problems.shown():
            result = _edits(state.space().key, state.opened())
            _scores(result.scores, "edits")
            line = Curve(result.strengths, result.curve, "strength of the edit", "success rate")
            charts.curve(line, key="_edits_curve", aid="Success rate by strength of the edit.")
            st.caption(formatting.plain(result.sentence))


def labels() -> None:
    """Zero-shot accuracy of both rules."""
    st.markdown(f"##### {LABELS}", anchors=False)
    st.caption(ABOUT_LABELS)
    if _requested("labels"):
        with problems.shown():
            result = _labels(state.space().key, state.opened())
            _scores(result.scores, "labels")
            st.caption(formatting.plain(result.sentence))


@st.cache_resource(max_entries=8, show_spinner="Composing queries…")
def _edits(key: str, _opened: EncodedCollection) -> Analogies:
    return state.workbench().analogies(_opened)


@st.cache_resource(max_entries=8, show_spinner="Classifying images…")
def _labels(key: str, _opened: EncodedCollection) -> LabelScores:
    return state.workbench().score_labels(_opened)


def _requested(name: str) -> bool:
    """Whether the experiment was started: it runs the encoder, so it does not start by itself."""
    key = f"trial {name} {state.collection()} {state.encoder()}"
    if not session.get(key, False):
        st.button(
            "Measure", key=f"_measure_{name}", icon=":material/labs:",
            on_click=session.store, args=(key, True),
        )  # fmt: skip
    return session.get(key, False)


def _scores(scores: Mapping[str, Score], name: str) -> None:
    rows = [_row(metric, score) for metric, score in scores.items()]
    st.dataframe(rows, hide_index=True, key=f"_{name}_table")
    controls.download(rows, name)


def _row(metric: str, score: Score) -> dict[str, Any]:
    low, high = score.low, score.high
    return {
        "metric": metric.replace("_", " "), "value": formatting.number(score.value, low, high),
        "95 % confidence interval": formatting.interval(score.value, low, high),
        "chance": formatting.number(score.chance),
        "queries": score.n_queries,
    }  # fmt: skip
