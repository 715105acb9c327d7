"""What a recipe did to the held-out pairs: gains, geometry, and queries that moved."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.measure import Ranked, Versus
from core.workbench import Repaired
from pages.parts import (
    charts,
    controls,
    figures,
    formatting,
    gallery,
    session,
    state,
    two_lists,
    vital_signs,
)

JUDGED, HUBS = "mAP", "hub_tails"
METRICS = ("recall@1", "recall@5", "recall@10", JUDGED)
SHOWN = 6  # queries that moved
APART = 0.14  # of the two directions from the line of their metric
ICONS = {
    "helps": (":material/trending_up:", st.success),
    "hurts": (":material/trending_down:", st.warning),
    "no clear effect": (":material/trending_flat:", st.info),
}
AID = (
    "Gain on the same held-out queries with its 95% interval over other images like these, as "
    "queries and as candidates. Gray line: no difference."
)


def before(found: Repaired) -> None:
    """Held-out recall and the vital signs, as the vectors are."""
    with st.grid(4, min_column_width=180):
        for name, title in controls.DIRECTIONS.items():
            for metric in ("recall@10", JUDGED):
                score = getattr(found.before, name).scores[metric]
                st.metric(
                    f"{title}: {metric}", formatting.percent(score.value),
                    delta=f"{formatting.percent(score.low)} to {formatting.percent(score.high)}",
                    delta_color="off", delta_arrow="off",
                )  # fmt: skip
    st.caption(formatting.plain(found.before.sentence))
    vital_signs.show(vital_signs.among(found.findings[0]), key="_signs_before", wide=True)


def show(result: Repaired) -> None:
    """The verdict and the gains."""
    icon, box = ICONS[result.verdict]
    box(formatting.plain(result.sentence), icon=icon)
    left, right = st.columns([1, 1], gap="large")
    with left:
        _gains(result)
    with right:
        _table(result)


def geometry(result: Repaired) -> None:
    """Vital signs and figures of the held-out items, before and after."""
    st.markdown("##### Geometry of the held-out items", anchors=False)
    sides, found = result.figures, result.findings
    if result.recipe.fitted:
        st.caption(
            "A: as encoded. B: repaired. A hubness correction moves no vector: it shows under Hubs."
        )
        vital_signs.show(
            vital_signs.among(found[0]), key="_signs", wide=True, other=vital_signs.among(found[1])
        )
    else:
        st.caption("A: as encoded. B: corrected. No vector moves, so that only the lists change.")
        sides, found = (
            tuple({n: f for n, f in side.items() if n == HUBS} for side in sides),
            ((), ()),
        )
    figures.show(sides, found)


def _gains(result: Repaired) -> None:
    figure, rows = go.Figure(), list[dict[str, Any]]()
    sides = zip(result.delta.items(), charts.PALETTE, (-APART, APART), strict=False)
    for (name, gains), color, shift in sides:
        ends = [[100 * end for end in gains[metric]] for metric in METRICS]
        figure.add_scatter(
            x=[value for value, _, _ in ends], y=[n + shift for n in range(len(METRICS))],
            mode="markers", name=controls.DIRECTIONS[name], marker={"color": color, "size": 11},
            error_x={
                "array": [high - value for value, _, high in ends],
                "arrayminus": [value - low for value, low, _ in ends],
                "thickness": 4, "width": 0,
            },
            customdata=METRICS, hovertemplate="%{customdata}: %{x:+.1f} points",
        )  # fmt: skip
        rows += [
            {"direction": name, "metric": m, "gain": g, "low": low, "high": high}
            for m, (g, low, high) in gains.items()
        ]
    figure.add_vline(0, line_color=charts.OTHER, line_width=1.5)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, tickvals=list(range(len(METRICS))), ticktext=METRICS
    )
    figure.update_xaxes(title="gain in points", zeroline=False)
    charts.chart(
        figure, key="_gains", aid=AID, rows=rows, height=270,
        alt=f"Gains by metric and direction. {result.sentence}",
    )  # fmt: skip


def _table(result: Repaired) -> None:
    """Before and after as a table, with what the repair costs."""
    lines = ["| | before | after | gain |", "|---|---|---|---|"]
    for name, title in controls.DIRECTIONS.items():
        for metric in METRICS:
            values = (getattr(side, name).scores[metric] for side in (result.before, result.after))
            shown = (formatting.percent(score.value) for score in values)
            gain = result.points(name, metric)
            lines.append(f"| {title}, {metric} | {' | '.join(shown)} | {gain} |")
    st.markdown("\n".join(lines))
    st.caption(
        f"Fitted on {result.n_train:,} pairs, judged on {result.n_test:,} others. Adds "
        f"{1e6 * result.query_seconds:,.0f} µs to a query."
    )


def moved(result: Repaired) -> None:
    """Queries that find their item in the top 10 only before or only after."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("##### Queries that moved", anchors=False, width="content")
        name = controls.direction("moved")
        found, sides = result.versus[name], {"lost": "Worse", "won": "Better"}
        side = session.linked(
            "side", "lost", st.segmented_control, "Which", list(sides), among=list(sides),
            format_func=lambda s: f"{sides[s]} {len(getattr(found, s)):,}", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
    places = getattr(found, side)[:SHOWN].tolist()
    if not places:
        st.caption(f"No query finds its item in the first {found.k} only on one side.")
        return
    space = state.as_encoded().space
    cards = gallery.of_queries(space, found, places, ("after", "before"), as_queries=True)
    shown = two_lists.choose(cards, name=state.MOVED_QUERY, key="_moved_queries")
    lists = result.lists[name].get(space.row[shown])
    if lists:
        _lists(shown, lists)
    controls.download(lambda: _rows(space.ids, found), f"moved-{name}")


def _lists(query: str, lists: tuple[Ranked, Ranked]) -> None:
    """The first results of a query before and after, side by side; its own are marked."""
    space = state.as_encoded().space
    row = space.row[query]
    says = state.items([query])[query].text
    st.caption(
        f"Results for: {formatting.plain(formatting.shorten(says, 200))}"
        if says
        else "Results for this image:"
    )
    own = {int(b if a == row else a) for a, b in space.pairs[(space.pairs == row).any(axis=1)]}
    two_lists.show({"Before": _results(lists[0], own), "After": _results(lists[1], own)})


def _results(ranked: Ranked, own: set[int]) -> list[gallery.Card]:
    """One list with cosines; the items that belong to the query are marked."""
    ids = state.as_encoded().space.ids
    about = {ids[r]: (n, cosine, r in own) for n, (r, cosine) in enumerate(ranked, 1)}
    return [
        replace(
            card, rank=str(about[card.id][0]), value=f"{about[card.id][1]:.3f}",
            badge="its own" if about[card.id][2] else "",
        )
        for card in gallery.cards([*about])
    ]  # fmt: skip


def _rows(ids: Sequence[str], found: Versus) -> list[dict[str, Any]]:
    return [
        {"id": ids[row], "rank before": before, "rank after": after}
        for row, (after, before) in zip(found.queries.tolist(), found.ranks.tolist(), strict=True)
    ]
