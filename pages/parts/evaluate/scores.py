"""Retrieval scores with confidence intervals, recall at k, and the hardest queries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import measure
from core.measure import Direction, Evaluation
from core.types import Score
from core.workbench import EncodedCollection, documents
from pages.parts import (
    charts,
    controls,
    formatting,
    ranking_options,
    session,
    state,
)

METRICS = {"median_rank": "Median rank", "mAP": "mAP"}
AID = (
    "Dot and bar: score with its 95% confidence interval over other images like these, as queries "
    "and as candidates. Vertical tick: expected score of a random order."
)
CURVE_AID = "Share of queries with a true match among the first k results. Dotted: random order."


@dataclass(frozen=True)
class Request:
    """What is evaluated: the collection without what bears some tags, and how it is ranked."""

    opened: EncodedCollection
    correction: str
    without: tuple[str, ...]

    @property
    def key(self) -> str:
        """A cache key; names and attributes count, which groups are made of."""
        return f"{self.opened.version} {self.opened.space.key} {self.correction}"

    def of_encoder(self, model: str) -> EncodedCollection:
        """The same items with the vectors of another encoder."""
        return _without(state.opened(model), self.without)


def request(*, pairs: bool) -> Request:
    """The title of the page with its settings: tags that are left out, hubness correction."""
    bench, name = state.workbench(), state.collection()
    tags = bench.tag_names(name)
    without: tuple[str, ...] = ()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("### Evaluate", anchors=False, width="stretch")
        if tags:
            with st.container(width=260):
                without = session.linked(
                    "without", ("",)[:0], st.multiselect, "Leave out", tags, among=tags,
                    placeholder="Tags to leave out",
                    help="Items and pairs that bear one of these tags are no queries and no "
                    "candidates.",
                )  # fmt: skip
        correction = ""
        if pairs:
            with st.container(width=320):
                correction = ranking_options.hub_correction()
    return Request(_without(state.opened(), without), correction, without)


def _without(opened: EncodedCollection, tags: tuple[str, ...]) -> EncodedCollection:
    return state.workbench().without_tags(opened, tags) if tags else opened


def evaluation(request: Request) -> Evaluation:
    """The scores, computed once per state of the vectors."""
    return _evaluation(request.key, request)


@st.cache_resource(max_entries=16, show_spinner="Ranking all candidates for every pair…")
def _evaluation(key: str, _request: Request) -> Evaluation:
    return state.workbench().evaluate(_request.opened, hub_correction=_request.correction)


def command(request: Request, *options: str) -> str:
    """The command that gives the numbers on this page."""
    chosen = {
        "--encoder": state.encoder(), "--recipe": state.recipe(),
        "--hub-correction": request.correction,
    }  # fmt: skip
    words = [word for option, name in chosen.items() if name for word in (option, name)]
    words += [word for tag in request.without for word in ("--without-tag", tag)]
    return documents.command("evaluate", state.collection(), *words, *options, "--json")


def json_download(document: Mapping[str, Any], name: str, line: str) -> None:
    """A button that saves a document with the collection, the encoder and the command."""
    head = {"collection": state.collection(), "encoder": state.opened().passport.model}
    whole = documents.with_command({**head, **document}, line)
    st.download_button(
        "JSON", json.dumps(whole, indent=2), f"{name}.json", "application/json",
        key=f"_save_{name}_json", type="tertiary", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def directions(scored: Evaluation) -> dict[str, Direction]:
    """Both directions by name."""
    return {"text_to_image": scored.text_to_image, "image_to_text": scored.image_to_text}


def rows(scored: Evaluation) -> list[dict[str, Any]]:
    """Every score as a row of a table."""
    return [
        {
            "direction": controls.DIRECTIONS[name], "metric": _metric(score),
            "value": score.value, "low": score.low, "high": score.high, "chance": score.chance,
            "queries": score.n_queries,
        }
        for name, direction in directions(scored).items()
        for score in direction.scores.values()
    ]  # fmt: skip


def head(request: Request, scored: Evaluation) -> None:
    """Recall@10 and median rank of both directions, the evaluated pairs, and downloads."""
    line = command(request)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(formatting.plain(scored.sentence), width="stretch")
        table = [{**row, "command": line} for row in rows(scored)]
        controls.download(table, "evaluation")
        json_download(documents.evaluation(scored), "evaluation", line)
    with st.grid(4, min_column_width=180):
        for name, direction in directions(scored).items():
            recall, rank = direction.scores["recall@10"], direction.scores["median_rank"]
            st.metric(
                f"{controls.DIRECTIONS[name]}: recall@10",
                formatting.percent(recall.value),
                delta=f"chance {formatting.percent(recall.chance)}",
                delta_color="off",
                delta_arrow="off",
                help=_interval(recall),
            )
            st.metric(
                f"{controls.DIRECTIONS[name]}: median rank",
                formatting.number(rank.value, rank.low, rank.high),
                delta=f"of {direction.n_candidates:,}",
                delta_color="off",
                delta_arrow="off",
                help=f"Median over the queries of the rank of the first match. {_interval(rank)}",
            )


def intervals(scored: Evaluation) -> None:
    """Recall and mAP of both directions on one scale, with intervals and chance."""
    figure = go.Figure()
    for hue, (name, direction) in enumerate(directions(scored).items()):
        scores = [s for s in direction.scores.values() if s.metric != "median_rank"]
        figure.add_trace(
            dots(controls.DIRECTIONS[name], charts.PALETTE[hue], scores, shift=0.16 - 0.32 * hue)
        )
        figure.add_trace(_chance(scores, shift=0.16 - 0.32 * hue, in_legend=hue == 1))
    names = [_metric(score) for score in scores]
    most = max(row["high"] for row in rows(scored) if row["high"] <= 1)
    figure.update_xaxes(range=[0, min(1.02, 1.15 * most)], tickformat=".0%", zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=names,
        autorange="reversed",
        showgrid=False,
        zeroline=False,
    )
    charts.chart(figure, key="_scores", aid=AID, rows=rows(scored), alt=_alt(scored), height=300)


def curves(scored: Evaluation) -> None:
    """Recall as a function of k."""
    figure, table = go.Figure(), []
    for hue, (name, direction) in enumerate(directions(scored).items()):
        line = measure.recall_curve(direction)
        figure.add_scatter(
            x=line.x,
            y=line.y,
            name=controls.DIRECTIONS[name],
            mode="lines",
            line={"color": charts.PALETTE[hue], "width": 2},
            hovertemplate="recall@%{x:,}: %{y:.1%}",
        )
        figure.add_scatter(
            x=line.x,
            y=measure.chance_curve(direction).y,
            name="chance",
            mode="lines",
            line={"color": charts.OTHER, "width": 1, "dash": "dot"},
            showlegend=hue == 0,
            hoverinfo="skip",
        )
        table += [
            {"direction": controls.DIRECTIONS[name], "k": int(x), "recall": float(y)}
            for x, y in zip(line.x, line.y, strict=True)
        ]
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title="k", type="log", dtick=1)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    charts.chart(figure, key="_curves", aid=CURVE_AID, rows=table, alt="Recall at k", height=300)


def dots(name: str, color: str, scores: Sequence[Score], *, shift: float = 0.0) -> go.Scatter:
    """Scores with their intervals, one in a row."""
    return go.Scatter(
        x=[s.value for s in scores],
        y=[i - shift for i in range(len(scores))],
        error_x={
            "array": [s.high - s.value for s in scores],
            "arrayminus": [s.value - s.low for s in scores],
            "thickness": 5,
            "width": 0,
            "color": color,
        },
        mode="markers",
        name=name,
        marker={"color": color, "size": 11, "line": {"width": 1.5, "color": "white"}},
        customdata=[[s.low, s.high] for s in scores],
        hovertemplate="%{x:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})",
    )


def _chance(scores: list[Score], *, shift: float, in_legend: bool) -> go.Scatter:
    return go.Scatter(
        x=[s.chance for s in scores],
        y=[i - shift for i in range(len(scores))],
        mode="markers",
        name="chance",
        showlegend=in_legend,
        marker={"symbol": "line-ns-open", "size": 14, "color": charts.OTHER, "line": {"width": 2}},
        hovertemplate="chance: %{x:.2%}",
    )


def tick(text: str) -> str:
    """User text as the label of an axis, which reads markup."""
    return escape(formatting.shorten(text, 30))


def points(value: float) -> str:
    """A difference of shares in points.

    >>> points(-0.0123)
    '−1.2 points'
    """
    return f"{100 * value:+.1f} points".replace("-", "−")


def _metric(score: Score) -> str:
    return METRICS.get(score.metric, score.metric.capitalize())


def _interval(score: Score) -> str:
    number = formatting.number if score.metric == "median_rank" else formatting.percent
    interval = f"{number(score.low)} to {number(score.high)}"
    return f"95% confidence interval {interval}; a random order gives {number(score.chance)}."


def _alt(scored: Evaluation) -> str:
    parts = [
        f"{controls.DIRECTIONS[name]} recall@10 {formatting.percent(one.scores['recall@10'].value)}"
        for name, one in directions(scored).items()
    ]
    return f"Scores with intervals: {'; '.join(parts)}"
