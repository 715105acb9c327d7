"""What a recipe did to the held-out pairs: gains, geometry, and queries that moved."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.improve import Step
from core.measure import Versus
from core.workbench import EncodedCollection, Repaired
from pages.parts import charts, controls, figures, formatting, gallery, item, session, state

JUDGED = "mAP"
METRICS = ("recall@1", "recall@5", "recall@10", JUDGED)
SHOWN = 6  # queries that moved
APART = 0.14  # of the two directions from the line of their metric
ICONS = {
    "helps": (":material/trending_up:", st.success),
    "hurts": (":material/trending_down:", st.warning),
    "no clear effect": (":material/trending_flat:", st.info),
}
AID = (
    "Gain on the same held-out queries with its 95 % interval over other images like these, as "
    "queries and as candidates. Gray line: no difference."
)


def measured(steps: Sequence[Step]) -> Repaired:
    """The effect of a recipe, computed once per state of the vectors."""
    opened = state.as_encoded()
    return _measured(f"{opened.space.key} {','.join(map(str, steps))}", opened, tuple(steps))


@st.cache_resource(max_entries=8, show_spinner="Fitting on some pairs, judging on the others…")
def _measured(key: str, _opened: EncodedCollection, _steps: tuple[Step, ...]) -> Repaired:
    return state.workbench().repair(_opened, _steps)


def before() -> None:
    """Held-out recall as the vectors are, and what to do next."""
    found = measured(()).before
    with st.grid(4, min_column_width=180):
        for name, title in controls.DIRECTIONS.items():
            for metric in ("recall@10", JUDGED):
                score = getattr(found, name).scores[metric]
                st.metric(
                    f"{title}: {metric}", formatting.percent(score.value),
                    delta=f"{formatting.percent(score.low)} to {formatting.percent(score.high)}",
                    delta_color="off", delta_arrow="off",
                )  # fmt: skip
    st.caption(
        f"{formatting.plain(found.sentence)} Choose a repair above, or let Sextant suggest one."
    )


def show(result: Repaired) -> None:
    """The verdict, the gains, both geometries, and who gained and lost."""
    icon, box = ICONS[result.verdict]
    box(formatting.plain(result.sentence), icon=icon)
    left, right = st.columns([1, 1], gap="large")
    with left:
        _gains(result)
    with right:
        _table(result)
    if result.recipe.fitted:
        st.markdown("##### Geometry of the held-out items", anchors=False)
        st.caption("A: as encoded. B: repaired, without a hubness correction: it moves no vector.")
        figures.show(result.figures, result.findings)
    _moved(result.versus)


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


def _moved(found: Mapping[str, Versus]) -> None:
    """Queries that find their item in the top 10 only before or only after."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("##### Queries that moved", anchors=False, width="content")
        name = controls.direction("moved")
        sides = {"lost": "Worse", "won": "Better"}
        side = session.linked(
            "side", "lost", st.segmented_control, "Which", list(sides), among=list(sides),
            format_func=lambda s: f"{sides[s]} {len(getattr(found[name], s)):,}", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
    versus = found[name]
    places = getattr(versus, side)[:SHOWN].tolist()
    if not places:
        st.caption(f"No query finds its item in the first {versus.k} only on one side.")
        return
    cards = gallery.of_queries(state.space(), versus, places, ("after", "before"))
    item.browse(cards, key="_moved_queries", size=170)
    controls.download(lambda: _rows(versus), f"moved-{name}")


def _rows(found: Versus) -> list[dict[str, Any]]:
    ids = state.space().ids
    return [
        {"id": ids[row], "rank before": before, "rank after": after}
        for row, (after, before) in zip(found.queries.tolist(), found.ranks.tolist(), strict=True)
    ]
