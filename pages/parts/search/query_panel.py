"""Beside the results: this query's similarities, recall of the encoder, and vital signs."""

from collections.abc import Mapping, Sequence
from math import isfinite, log10

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.search import MatchEstimate, SearchResult
from core.types import SCOPE_NAMES, Kind
from pages.parts import charts, controls, formatting, jobs, problems, state, vital_signs

AID = (
    "Logarithmic counts. Bars: all {n}. Gray: unrelated items (null distribution){matches}. Ticks: "
    "results on this page. Dashed: least cosine of likely and of strong matches{cutoff}."
)
ABOUT_BEST = (
    "The probability that the best of as many unrelated items reaches the highest similarity "
    "here. The null distribution is estimated from background queries of the same form, built from "
    "this collection's items, or assumed normal where there are too few. The p under a result is "
    "that of one item."
)
LEAST = 0.35  # the lowest count of the logarithmic axis; ticks lie there
RECALL = "pair_recall"
DOTS = {"good": ":green[●]", "watch": ":orange[●]", "bad": ":red[●]"}


def show(place: DeltaGenerator, results: Mapping[Kind, SearchResult]) -> None:
    """The query, the encoder, and the vital signs."""
    with place.container(key="explain"):
        query(results)
    with place.container(key="signs"):
        encoder()
        vital_signs_of_space()


def query(results: Mapping[Kind, SearchResult]) -> None:
    """The query's similarities, null distribution, hits and bands; by kind."""
    if not results:
        return
    st.markdown("##### This query", anchors=False)
    for n, (kind, result) in enumerate(results.items()):
        if n:
            st.space("small")
        if result.n:
            _verdict(kind, result, alone=len(results) == 1)
            _histogram(kind, result)
        else:
            st.caption(formatting.plain(result.sentence))


def encoder() -> None:
    """How well the encoder finds the images of this collection's captions."""
    if state.card().pairs < 2 or jobs.busy(state.collection()):
        return
    findings, _ = state.measured(RECALL)
    for found in findings[:1]:
        value, low, high = map(formatting.percent, (found.value, found.low, found.high))
        interval = f" ({low} to {high})" if found.has_interval else ""
        verdict = f"{DOTS.get(found.verdict, '')} {vital_signs.VERDICTS[found.verdict]}"
        st.caption(
            f"**Encoder on this data:** recall@10 {value}{interval} {verdict}",
            help=formatting.plain(found.sentence),
        )


def vital_signs_of_space() -> None:
    """The vital signs of the collection, measured when they are opened."""
    with st.expander("Vital signs", key="_signs", on_change="rerun") as box:
        if not box.open:
            return
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
    if estimate and not result.no_match:
        st.markdown(f"{formatting.plain(estimate.number.capitalize())}{of}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if estimate and isfinite(estimate.p):
            icon, color = (
                (":material/remove:", "gray")
                if estimate.no_match
                else (":material/check:", "green")
            )
            st.badge(
                f"P(match) {estimate.p:.2f}{of}", icon=icon, color=color,
                help=formatting.plain(f"{result.sentence} {result.how}"),
            )  # fmt: skip
        st.caption(f"best of {result.n:,}: {best}", width="content", help=ABOUT_BEST)
    if estimate and isfinite(estimate.p):
        st.caption(formatting.plain(result.sentence if result.no_match else estimate.rule))


def _histogram(kind: Kind, result: SearchResult) -> None:
    edges, counts = result.edges, result.counts[kind]
    middles = (edges[1:] + edges[:-1]) / 2
    tail = result.nulls[kind].p(edges)
    expected = counts.sum() * (tail[:-1] - tail[1:]).clip(0)
    estimate = result.estimates.get(kind)
    matching = estimate.expected_counts(middles, counts) if estimate else None
    color, top = charts.SCOPE_COLORS[kind], float(counts.max())
    figure = go.Figure(
        [
            go.Bar(
                x=middles, y=counts, name="candidates", width=edges[1] - edges[0],
                marker={"color": color, "opacity": 0.4, "line": {"width": 0}},
                hovertemplate="cosine %{x:.3f}: %{y:,} candidates<extra></extra>",
            ),
            go.Scatter(
                x=middles, y=expected, name="unrelated", mode="lines",
                line={"color": charts.OTHER, "width": 2},
                hovertemplate="unrelated, expected: %{y:.1f}<extra></extra>",
            ),
            *([] if matching is None else [_matches(middles, matching, edges[1] - edges[0])]),
            _ticks(kind, result),
            *_bands(estimate, top),
        ]
    )  # fmt: skip
    figure.update_layout(bargap=0, barmode="overlay", showlegend=False, hovermode="closest")
    figure.update_xaxes(title="cosine with the query", showgrid=False, zeroline=False)
    figure.update_yaxes(
        type="log", range=[log10(LEAST) - 0.15, log10(max(top, 1)) + 0.1], visible=False
    )
    judged = bool(estimate) and isfinite(estimate.cutoff)
    charts.chart(
        figure,
        key=f"_query_{kind}",
        aid=AID.format(
            n=formatting.count(result.n, SCOPE_NAMES[kind][:-1]),
            matches=", purple: expected matches" if matching is not None else "",
            cutoff="; dotted: the cutoff for the best" if judged else "",
        ),
        rows=_rows(edges, counts, expected, matching),
        alt=f"Histogram of the cosines of the query with all {SCOPE_NAMES[kind]}. "
        f"{result.sentence}",
        height=190,
    )


def _matches(middles: Sequence[float], expected: Sequence[float], width: float) -> go.Bar:
    return go.Bar(
        x=middles, y=expected, name="matches", width=width,
        marker={"color": charts.PALETTE[2], "opacity": 0.55, "line": {"width": 0}},
        hovertemplate="matches, expected: %{y:.1f}<extra></extra>",
    )  # fmt: skip


def _ticks(kind: Kind, result: SearchResult) -> go.Scatter:
    return go.Scatter(
        x=[hit.cosine for hit in result.hits],
        y=[LEAST] * len(result.hits),
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


def _bands(estimate: MatchEstimate | None, top: float) -> list[go.Scatter]:
    """Vertical lines: least cosine of likely and strong matches, and the cutoff for the best."""
    if estimate is None:
        return []
    least = {"likely": estimate.likely, "strong": estimate.strong, "cutoff": estimate.cutoff}
    return [
        go.Scatter(
            x=[cosine, cosine],
            y=[LEAST, top],
            name=name,
            mode="lines",
            line={
                "color": charts.PALETTE[4] if name == "cutoff" else charts.OTHER,
                "width": 1.5,
                "dash": "dot" if name == "cutoff" else "dash",
            },
            hovertemplate=f"{name} from cosine %{{x:.3f}}<extra></extra>",
        )
        for name, cosine in least.items()
        if -1 < cosine < 1
    ]


def _rows(
    edges: Sequence[float],
    counts: Sequence[float],
    expected: Sequence[float],
    matching: Sequence[float] | None,
) -> list[dict[str, float]]:
    matches = [{} for _ in counts] if matching is None else [
        {"expected matches": float(m)} for m in matching
    ]  # fmt: skip
    return [
        {
            "from": float(a),
            "to": float(b),
            "candidates": int(n),
            "expected under the null": float(e),
            **m,
        }
        for a, b, n, e, m in zip(edges[:-1], edges[1:], counts, expected, matches, strict=True)
    ]
