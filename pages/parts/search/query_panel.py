"""Beside the results: this query's similarities, recall of the encoder, and vital signs."""

from collections.abc import Mapping
from math import isfinite

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ASSETS
from core.search import SearchResult
from core.types import SCOPE_NAMES, Kind
from pages.parts import charts, controls, formatting, jobs, problems, session, state, vital_signs

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
_FILES = ASSETS / "histogram"
_HISTOGRAM = st.components.v2.component(
    "sextant_histogram",
    css=(_FILES / "histogram.css").read_text("utf-8"),
    js=(_FILES / "histogram.js").read_text("utf-8"),
)
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
    for n, (kind, result) in enumerate(results.items()):
        if n:
            st.space("small")
        _verdict(kind, result, first=not n, alone=len(results) == 1)
        if result.n:
            _histogram(kind, result)


def encoder() -> None:
    """How well the encoder finds the images of this collection's captions."""
    if len(state.space().pairs) < 2 or jobs.busy(state.collection()):
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


def _verdict(kind: Kind, result: SearchResult, *, first: bool, alone: bool) -> None:
    """What matches, in few elements: each is one more message to every browser."""
    estimate, best = result.estimates.get(kind), formatting.chance(result.p_value)
    of = "" if alone else f" among {SCOPE_NAMES[kind]}"
    title = "##### This query" if first else ""
    if estimate and not result.no_match:
        title = f"{title}\n\n{formatting.plain(estimate.number.capitalize())}{of}"
    if title:
        st.markdown(title, anchors=False)
    if not result.n:
        st.caption(formatting.plain(result.sentence))
        return
    badge, rule, about = "", "", ABOUT_BEST
    if estimate:
        if isfinite(estimate.p):
            icon, color = ("check", "green") if estimate.probable else ("remove", "gray")
            badge = f":{color}-badge[:material/{icon}: P(match) {estimate.p:.2f}{of}] "
        rule = result.sentence if result.no_match else estimate.rule
        about = f"{formatting.plain(f'{result.sentence} {result.how}')}\n\n{ABOUT_BEST}"
    best = f"{badge}best of {result.n:,}: {best}"
    st.caption(f"{best}\n\n{formatting.plain(rule)}" if rule else best, help=about)


def _histogram(kind: Kind, result: SearchResult) -> None:
    edges, counts = result.edges, result.counts[kind]
    middles = (edges[1:] + edges[:-1]) / 2
    tail = result.nulls[kind].p(edges)
    expected = counts.sum() * (tail[:-1] - tail[1:]).clip(0)
    estimate = result.estimates.get(kind)
    matching = estimate.expected_counts(middles, counts) if estimate else None
    cutoffs = estimate.cutoffs(controls.MISSES) if estimate else []
    key = f"_query_{kind}"

    def moved() -> None:
        miss = session.sent(key, "moved")
        if miss is not None:
            session.preset("miss", miss)

    _HISTOGRAM(
        key=key,
        data={
            "title": "cosine with the query",
            "alt": f"Histogram of the cosines of the query with all {SCOPE_NAMES[kind]}. "
            f"{result.sentence}",
            "file": key.strip("_"),
            "edges": edges.round(6).tolist(),
            "aid": AID.format(
                n=formatting.count(result.n, SCOPE_NAMES[kind][:-1]),
                matches=", purple: expected matches" if matching is not None else "",
                cutoff="; dotted: the cutoff for the best, drag it" if cutoffs else "",
            ),
            "least": LEAST,
            "counts": counts.tolist(),
            "unrelated": expected.round(4).tolist(),
            "matches": None if matching is None else matching.round(4).tolist(),
            "hits": [
                {"x": hit.cosine, "tip": f"result {hit.rank}: cosine {hit.cosine:.3f}"}
                for hit in result.hits
            ],
            "bands": {
                band: least  # no candidate can be that near where it is infinite
                for band, least in (("likely", estimate.likely), ("strong", estimate.strong))
                if isfinite(least)
            } if estimate else {},
            "stops": [
                {"value": miss, "cosine": cosine, "label": controls.level_name(miss)}
                for miss, cosine in zip(controls.MISSES, cutoffs, strict=False)
            ],
            "at": controls.MISSES.index(estimate.miss) if cutoffs and estimate else 0,
            "colors": {
                "counts": charts.SCOPE_COLORS[kind], "matches": charts.PALETTE[2],
                "unrelated": charts.OTHER, "cutoff": charts.PALETTE[4],
            },
        },
        on_moved_change=moved,
    )  # fmt: skip
