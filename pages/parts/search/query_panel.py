"""Beside the results: the query's similarity distribution and the vital signs of the space."""

from collections.abc import Mapping, Sequence
from math import isfinite

import plotly.graph_objects as go
import streamlit as st

from core.search import SearchResult
from core.types import SCOPE_NAMES, Kind
from pages.parts import charts, controls, formatting, jobs, problems, state, vital_signs

AID = (
    "Bars: similarities of all {n}. Line: null distribution (unrelated items). Ticks: results on "
    "this page. Dashed: least cosine of likely and of strong matches."
)
ABOUT_BEST = (
    "The probability that the best of as many unrelated items reaches the highest similarity "
    "here. The null distribution is estimated from background queries of the same form, built from "
    "this collection's items, or assumed normal where there are too few. The p under a result is "
    "that of one item."
)


def query(results: Mapping[Kind, SearchResult]) -> None:
    """The query's similarities, null distribution, hits and bands; by kind."""
    if not results:
        return
    st.markdown("##### Similarity distribution", anchors=False)
    judged = False
    for n, (kind, result) in enumerate(results.items()):
        if n:
            st.space("small")
        if result.n:
            _verdict(kind, result, alone=len(results) == 1)
            _histogram(kind, result)
            judged = judged or any(isfinite(e.p) for e in result.estimates.values())
        else:
            st.caption(formatting.plain(result.sentence))
    if judged:
        controls.level()


def vital_signs_of_space() -> None:
    """The vital signs of the collection."""
    st.markdown("##### Vital signs", anchors=False)
    if jobs.busy(state.collection()):
        st.caption("Measured when the ingest has finished.")
        return
    with problems.shown():
        findings = vital_signs.vital()
        if not findings:
            st.caption("Too few items to measure. Add images and captions.")
            return
        vital_signs.show(findings, key="_vital")
        with st.container(horizontal=True, wrap=False, key="_aid_vital"):
            st.caption(vital_signs.AID, width="stretch")
            controls.download(vital_signs.rows(findings), "vital-signs")


def _verdict(kind: Kind, result: SearchResult, *, alone: bool) -> None:
    estimate, best = result.estimates.get(kind), formatting.chance(result.p_value)
    of = "" if alone else f" among {SCOPE_NAMES[kind]}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if estimate and isfinite(estimate.p):
            icon, color = (
                (":material/remove:", "gray")
                if estimate.no_match
                else (":material/check:", "green")
            )
            st.badge(f"P(match) {estimate.p:.2f}{of}", icon=icon, color=color)
        st.caption(f"best of {result.n:,}: {best}", width="content", help=ABOUT_BEST)


def _histogram(kind: Kind, result: SearchResult) -> None:
    edges, counts = result.edges, result.counts[kind]
    middles = (edges[1:] + edges[:-1]) / 2
    tail = result.nulls[kind].p(edges)
    expected = counts.sum() * (tail[:-1] - tail[1:]).clip(0)
    figure = go.Figure(
        [
            go.Bar(
                x=middles, y=counts, name="candidates", width=edges[1] - edges[0],
                marker={"color": charts.SCOPE_COLORS[kind], "opacity": 0.45, "line": {"width": 0}},
                hovertemplate="cosine %{x:.3f}: %{y:,} candidates<extra></extra>",
            ),
            go.Scatter(
                x=middles, y=expected, name="unrelated", mode="lines",
                line={"color": charts.OTHER, "width": 2},
                hovertemplate="unrelated, expected: %{y:.1f}<extra></extra>",
            ),
            _ticks(kind, result),
            *_bands(kind, result),
        ]
    )  # fmt: skip
    figure.update_layout(bargap=0, showlegend=False, hovermode="closest")
    figure.update_xaxes(title="cosine with the query", showgrid=False, zeroline=False)
    figure.update_yaxes(visible=False)
    charts.chart(
        figure,
        key=f"_query_{kind}",
        aid=AID.format(n=formatting.count(result.n, SCOPE_NAMES[kind][:-1])),
        rows=_rows(edges, counts, expected),
        alt=f"Histogram of the cosines of the query with all {SCOPE_NAMES[kind]}. "
        f"{result.sentence}",
        height=190,
    )


def _ticks(kind: Kind, result: SearchResult) -> go.Scatter:
    top = float(result.counts[kind].max())
    return go.Scatter(
        x=[hit.cosine for hit in result.hits],
        y=[-0.07 * top] * len(result.hits),
        name="hits",
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 9,
            "color": charts.SCOPE_COLORS[kind],
            "line": {"width": 1.6},
        },
        customdata=[[hit.rank, formatting.chance(hit.p_null)] for hit in result.hits],
        hovertemplate="result %{customdata[0]}: cosine %{x:.3f}, %{customdata[1]}<extra></extra>",
    )


def _bands(kind: Kind, result: SearchResult) -> list[go.Scatter]:
    """A vertical line at the least cosine of likely and of strong matches."""
    estimate = result.estimates.get(kind)
    least = {"likely": estimate.likely, "strong": estimate.strong} if estimate else {}
    return [
        go.Scatter(
            x=[cosine, cosine],
            y=[0, float(result.counts[kind].max())],
            name=band,
            mode="lines",
            line={"color": charts.OTHER, "width": 1.5, "dash": "dash"},
            hovertemplate=f"{band} from cosine %{{x:.3f}}<extra></extra>",
        )
        for band, cosine in least.items()
        if cosine < 1
    ]


def _rows(
    edges: Sequence[float], counts: Sequence[float], expected: Sequence[float]
) -> list[dict[str, float]]:
    return [
        {
            "from": float(a),
            "to": float(b),
            "candidates": int(n),
            "expected under the null": float(e),
        }
        for a, b, n, e in zip(edges[:-1], edges[1:], counts, expected, strict=True)
    ]
