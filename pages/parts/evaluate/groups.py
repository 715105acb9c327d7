"""Recall by group: labels, attributes, caption length; the lowest first."""

import plotly.graph_objects as go
import streamlit as st

from core.measure import Evaluation, GroupRecall
from pages.parts import charts, session, state
from pages.parts.evaluate.scores import Request, command, dots, tick

MOST = 30  # groups in the figure
AID = (
    "Dot and bar: recall@10 of a group; the intervals of all groups hold together with 95%, so "
    "those of small groups are wide. Dashed: recall of all queries. Vertical tick: chance."
)


def show(request: Request, scored: Evaluation, direction: str) -> None:
    """A field to group by, and each group's recall."""
    fields = _fields(request.key, direction, request)
    if not fields:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("##### Recall by", anchors=False, width="content")
        field = session.linked(
            "by", fields[0], st.selectbox, "Group by", fields, among=fields, width=220,
            label_visibility="collapsed", filter_mode=None,
        )  # fmt: skip
    found = _groups(request.key, direction, field, request, scored)
    if len(found) < 2:
        st.caption("Too few queries to compare: a group needs those of 3 images or more.")
        return
    lower = [g.name for g in found if g.differs == "lower"]
    everyone = getattr(scored, direction).scores["recall@10"].value
    _figure(found[:MOST], everyone, f"{len(found):,} groups", command(request, "--by", field))
    more = f" The {MOST} lowest of {len(found):,} are drawn." if len(found) > MOST else ""
    worse = f"Lower than over all queries: {len(lower):,}." if lower else "None is shown to differ."
    st.caption(f"{len(found):,} groups. {worse}{more}")


@st.cache_data(max_entries=32, show_spinner=False)
def _fields(key: str, direction: str, _request: Request) -> tuple[str, ...]:
    return state.workbench().group_fields(_request.opened, direction)


@st.cache_resource(max_entries=32, show_spinner="Comparing groups…")
def _groups(
    key: str, direction: str, field: str, _request: Request, _scored: Evaluation
) -> tuple[GroupRecall, ...]:
    return state.workbench().recall_by_group(_request.opened, _scored, direction, field)


def _figure(found: tuple[GroupRecall, ...], everyone: float, alt: str, line: str) -> None:
    scores = [g.score for g in found]
    figure = go.Figure(dots("recall@10", charts.PALETTE[0], scores))
    figure.add_scatter(
        x=[s.chance for s in scores], y=list(range(len(scores))), mode="markers", name="chance",
        marker={"symbol": "line-ns-open", "size": 12, "color": charts.OTHER, "line": {"width": 2}},
        hovertemplate="chance: %{x:.2%}",
    )  # fmt: skip
    figure.add_vline(everyone, line_dash="dash", line_color=charts.OTHER)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[-0.01, 1.02], tickformat=".0%", zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(found))), autorange="reversed", showgrid=False, zeroline=False,
        ticktext=[tick(f"{g.name} ({g.score.n_queries:,})") for g in found],
    )  # fmt: skip
    rows = [
        {
            "group": g.name, "recall@10": g.score.value, "low": g.score.low, "high": g.score.high,
            "chance": g.score.chance, "queries": g.score.n_queries, "images": g.n_images,
            "differs": g.differs, "command": line,
        }
        for g in found
    ]  # fmt: skip
    charts.chart(
        figure, key="_groups", aid=AID, rows=rows, alt=f"Recall@10 of {alt}",
        height=70 + 22 * max(4, len(found)),
    )  # fmt: skip
