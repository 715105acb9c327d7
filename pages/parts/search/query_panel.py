"""Beside the answers: is there a match at all, and what the space does to every search."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from core.search import SearchResult
from core.types import Kind
from pages.parts import charts, controls, formatting, jobs, problems, state, vital_signs

AID = (
    "Bars: all {n}. Line: what unrelated ones would give. Ticks: the answers here; dashes: the cut "
    "that matches reach."
)
ABOUT_BEST = (
    "The chance that the best of as many unrelated items is as similar as the most similar here, "
    "told by other questions of the same form, made of this collection's items; where there are "
    "too few, as if cosines were normal. The p under an answer is that of one item alone."
)


def query(answers: Mapping[Kind, SearchResult]) -> None:
    """This query's cosines, what chance would give, and where the answers lie; by kind."""
    if not answers:
        return
    st.markdown("##### This query", anchors=False)
    drawn: set[str] = set()
    for n, (kind, answer) in enumerate(answers.items()):
        if n:
            st.space("small")
        if answer.n:
            _verdict(kind, answer, alone=len(answers) == 1)
            _histogram(kind, answer)
            if answer.cut.rule not in drawn:
                controls.level(answer.cut)
            drawn.add(answer.cut.rule)
        else:
            st.caption(formatting.plain(answer.sentence))


def space() -> None:
    """The vital signs of the collection."""
    st.markdown("##### Vital signs", anchors=False)
    if jobs.busy(state.collection()):
        st.caption("Measured as soon as the collection is filled.")
        return
    with problems.shown():
        findings = vital_signs.vital()
        if not findings:
            st.caption("Too few items to measure: add pictures and captions.")
            return
        vital_signs.show(findings, key="_vital")
        with st.container(horizontal=True, wrap=False, key="_aid_vital"):
            st.caption(vital_signs.AID, width="stretch")
            controls.download(vital_signs.rows(findings), "vital-signs")


def _verdict(kind: Kind, answer: SearchResult, *, alone: bool) -> None:
    colour, icon = ("gray", ":material/remove:")
    if answer.matches:
        colour, icon = ("green", ":material/check:")
    of = "" if alone else f" among {charts.KIND_NAMES[kind]}"
    label = formatting.count(answer.matches, "match", "matches").capitalize()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(f"{label}{of}", icon=icon, color=colour)
        best = f"best of {answer.n:,} by chance: {formatting.chance(answer.p_value)}"
        st.caption(best, width="content", help=ABOUT_BEST)


def _histogram(kind: Kind, answer: SearchResult) -> None:
    edges, counts = answer.edges, answer.counts[kind]
    middles = (edges[1:] + edges[:-1]) / 2
    tail = answer.nulls[kind].p(edges)
    expected = counts.sum() * (tail[:-1] - tail[1:]).clip(0)
    figure = go.Figure(
        [
            go.Bar(
                x=middles, y=counts, name="candidates", width=edges[1] - edges[0],
                marker={"color": charts.KIND_COLOURS[kind], "opacity": 0.45, "line": {"width": 0}},
                hovertemplate="cosine %{x:.3f}: %{y:,} candidates<extra></extra>",
            ),
            go.Scatter(
                x=middles, y=expected, name="unrelated", mode="lines",
                line={"color": charts.OTHER, "width": 2},
                hovertemplate="unrelated, expected: %{y:.1f}<extra></extra>",
            ),
            _ticks(kind, answer),
            *_cut(kind, answer),
        ]
    )  # fmt: skip
    figure.update_layout(bargap=0, showlegend=False, hovermode="closest")
    figure.update_xaxes(title="cosine with the query", showgrid=False, zeroline=False)
    figure.update_yaxes(visible=False)
    charts.chart(
        figure,
        key=f"_query_{kind}",
        aid=AID.format(n=formatting.count(answer.n, charts.KIND_NAMES[kind][:-1])),
        rows=_rows(edges, counts, expected),
        alt=f"Histogram of the query's cosines with all {charts.KIND_NAMES[kind]}. "
        f"{answer.sentence}",
        height=190,
    )


def _ticks(kind: Kind, answer: SearchResult) -> go.Scatter:
    top = float(answer.counts[kind].max())
    return go.Scatter(
        x=[hit.cosine for hit in answer.hits],
        y=[-0.07 * top] * len(answer.hits),
        name="answers",
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 9,
            "color": charts.KIND_COLOURS[kind],
            "line": {"width": 1.6},
        },
        customdata=[[hit.rank, formatting.chance(hit.p_null)] for hit in answer.hits],
        hovertemplate="answer %{customdata[0]}: cosine %{x:.3f}, %{customdata[1]}<extra></extra>",
    )


def _cut(kind: Kind, answer: SearchResult) -> list[go.Scatter]:
    """The cut as an upright line; none where it lies beyond every cosine that there can be."""
    least = answer.cut.cosines[kind]
    if least > 1:
        return []
    line = go.Scatter(
        x=[least, least],
        y=[0, float(answer.counts[kind].max())],
        name="cut",
        mode="lines",
        line={"color": charts.OTHER, "width": 1.5, "dash": "dash"},
        hovertemplate="cut: cosine %{x:.3f}<extra></extra>",
    )
    return [line]


def _rows(
    edges: Sequence[float], counts: Sequence[float], expected: Sequence[float]
) -> list[dict[str, float]]:
    return [
        {"from": float(a), "to": float(b), "candidates": int(n), "expected by chance": float(e)}
        for a, b, n, e in zip(edges[:-1], edges[1:], counts, expected, strict=True)
    ]
