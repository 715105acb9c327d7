"""Experiments, run on request: gains of rankings on the pairs, composed retrieval on the labels."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.measure import Analogies
from core.types import Curve, Score
from core.workbench import EncodedCollection, RankingGain
from pages.parts import (
    charts,
    controls,
    formatting,
    problems,
    ranking_options,
    session,
    state,
)

EDITS = "Composed retrieval"
ABOUT_EDITS = (
    "Image − text of one of its labels + text of another: does the nearest image have the new "
    "label and otherwise the same labels?"
)
RANKINGS = "What a ranking gains here"


def rankings() -> None:
    """The gains of rankings in recall@10 on the collection's own pairs, and a way to measure."""
    st.markdown(f"##### {RANKINGS}", anchors=False)
    bench, opened = state.workbench(), state.opened()
    presets = [p.settings for p in ranking_options.PRESETS.values() if p.settings]
    known = [gain for p in presets if (gain := bench.ranking_gain(opened, p))]
    known += [g for g in bench.ranking_gains(opened).values() if g.ranking not in presets]
    if known:
        rows = [_gain_row(gain) for gain in sorted(known, key=lambda g: -g.gain)]
        st.dataframe(rows, hide_index=True, key="_gains_table", alt="Gain of each ranking")
        controls.download(rows, "ranking-gains")
    unmeasured = []
    for ranking in presets:
        if lack := bench.ranking_lack(opened, ranking):
            about = f"{ranking_options.title_of(ranking)}: {lack[0].lower()}{lack[1:]}"
            st.caption(f":material/info: {formatting.plain(about)}")
        elif not bench.ranking_gain(opened, ranking):
            unmeasured.append(dict(ranking))
    ranking_options.measuring(unmeasured)


def _gain_row(gain: RankingGain) -> dict[str, Any]:
    return {
        "ranking": ranking_options.title_of(gain.ranking),
        "recall@10": formatting.percent(gain.recall),
        "plain": formatting.percent(gain.plain),
        "gain (95% interval)": gain.points,
        "queries": gain.queries,
    }


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


@st.cache_resource(max_entries=8, show_spinner="Composing queries…")
def _edits(key: str, _opened: EncodedCollection) -> Analogies:
    return state.workbench().analogies(_opened)


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
        "95% confidence interval": formatting.interval(score.value, low, high),
        "chance": formatting.number(score.chance),
        "queries": score.n_queries,
    }  # fmt: skip
