"""Of one way: who loses, the geometry of its rows, and queries whose results changed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.types import Finding
from core.workbench import Lab, Way
from pages.parts import charts, formatting, gallery, session, state, two_lists, vital_signs
from pages.parts.compress import ways

GROUPINGS = {
    "hubness": "By how often it is a result",
    "distance": "By distance to the center",
    "density": "By local density",
    "label": "By label",
}
LOSERS = {  # in a sentence
    "hubness": "items in {} lists lose",
    "distance": "items at a distance of {} lose",
    "density": "items with a density of {} lose",
    "label": "items labeled {} lose",
}
SHOWN, MOST = 6, 24  # queries that changed; groups in the figure
AID = (
    "Share of its places in the exact first ten that a group loses, with 95% intervals. Gray: the "
    "95% range of all groups together if each query lost any of its results at random; that "
    "results near place ten are lost more easily is left out."
)


def show(lab: Lab, way: Way) -> None:
    """Losses of groups of items against random loss."""
    st.markdown("##### Who loses", anchors=False)
    among = {name: title for name, title in GROUPINGS.items() if way.losers.get(name)}
    if not among:
        st.caption("Too few results for a share by group.")
        return
    name = session.linked(
        "group", next(iter(among)), st.segmented_control, "Groups", list(among), among=list(among),
        format_func=among.__getitem__, required=True, label_visibility="collapsed",
    )  # fmt: skip
    losses = way.losers[name]
    worse = [one for one in losses if one.more]
    total = sum(one.value * one.places for one in losses) / sum(one.places for one in losses)
    most = max(worse, key=lambda one: one.value - one.expected) if worse else None
    said = f"{formatting.percent(total)} of the exact results are lost"
    if most:
        said += (
            f"; {LOSERS[name].format(most.group)} most: {formatting.percent(most.value)} "
            f"({formatting.percent(most.low)} to {formatting.percent(most.high)}) where random "
            f"loss would take {formatting.percent(most.expected)}."
        )
    else:
        said += "; no group loses more than random loss would take."
    st.caption(formatting.plain(said))
    if name == "label":
        losses = tuple(sorted(losses, key=lambda one: one.expected - one.value)[:MOST])
    figure, names = go.Figure(), [formatting.shorten(one.group, 30) for one in losses]
    figure.add_bar(
        y=names, base=[one.null_low for one in losses], orientation="h", name="random loss",
        x=[one.null_high - one.null_low for one in losses], marker={"color": charts.OTHER},
        opacity=0.4, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        y=names, x=[one.value for one in losses], mode="markers", name="lost",
        marker={"color": charts.PALETTE[0], "size": 10},
        error_x={
            "array": [one.high - one.value for one in losses],
            "arrayminus": [one.value - one.low for one in losses], "thickness": 3, "width": 0,
        },
        hovertemplate="%{y}: %{x:.1%}",
    )  # fmt: skip
    figure.update_xaxes(title="share of places lost", tickformat=".1%", rangemode="tozero")
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    rows: list[dict[str, Any]] = [
        {"group": one.group, "lost": one.value, "low": one.low, "high": one.high,
         "expected": one.expected, "null low": one.null_low, "null high": one.null_high,
         "places": one.places}
        for one in losses
    ]  # fmt: skip
    charts.chart(
        figure, key="_losers", aid=AID, rows=rows, height=90 + 28 * len(losses),
        alt=f"Losses by group. {said}",
    )  # fmt: skip


def geometry(way: Way) -> None:
    """Vital signs of the float vectors and of the rows as codes give them."""
    st.markdown("##### Geometry", anchors=False)
    st.caption("A: float vectors. B: as the codes give them.")
    with st.spinner("Measuring the geometry…"):
        before, after = state.workbench().compressed_geometry(state.opened(), way.way)
    vital_signs.show(_signs(before), key="_signs", wide=True, other=_signs(after))


def _signs(findings: Sequence[Finding]) -> list[Finding]:
    """Vital signs, and the uniformity of images and of texts."""
    even = (f for f in findings if f.name == "uniformity" and f.scope != "joint")
    return [*vital_signs.among(findings), *even]


def changed(lab: Lab, way: Way) -> None:
    """Queries with the fewest of their exact results, both lists side by side."""
    st.markdown("##### Queries that changed", anchors=False)
    names = [task.name for task in lab.tasks]
    name = session.linked(
        "task", names[0], st.segmented_control, "Task", names, among=names,
        format_func=ways.TASKS.__getitem__, required=True, label_visibility="collapsed",
    )  # fmt: skip
    task = next(task for task in lab.tasks if task.name == name)
    ids = state.space().ids
    queries = state.workbench().changed_queries(task, way, SHOWN)
    at = {ids[query.row]: query for query in queries}
    if not at:
        st.caption("No query has other first results than by float vectors.")
        return
    cards = [
        replace(card, note=f"{at[card.id].kept} of {len(at[card.id].exact)} exact results")
        for card in gallery.cards([*at])
    ]
    shown = at[two_lists.choose(cards, name=state.CHANGED_QUERY, key="_changed_queries")]
    two_lists.show({
        "By float vectors": _results(shown.exact, shown.exact),
        "By codes": _results(shown.found, shown.exact),
    })  # fmt: skip


def _results(rows: Sequence[int], exact: Sequence[int]) -> list[gallery.Card]:
    """One list; what is not among the exact results is marked."""
    ids, right = state.space().ids, set(exact)
    place = {ids[row]: (n, row in right) for n, row in enumerate(rows, 1)}
    return [
        replace(card, rank=str(place[card.id][0]), badge="" if place[card.id][1] else "not exact")
        for card in gallery.cards([*place])
    ]
