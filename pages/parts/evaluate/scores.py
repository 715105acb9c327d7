"""Evaluation on a page: scores with their intervals, recall at every k, the hardest queries."""

import json
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import measure
from core.measure import Direction, Evaluation
from core.types import Score
from core.workbench import Card, EncodedCollection, documents
from pages.parts import (
    charts,
    controls,
    empty_states,
    formatting,
    gallery,
    item,
    problems,
    ranking_options,
    session,
    state,
)

WAYS = {"text_to_image": "Text → picture", "image_to_text": "Picture → text"}
TITLES = {"median_rank": "Median rank", "mAP": "mAP"}
HARDEST = 12
AID = (
    "Dot and bar: the score with its 95 % interval; upright tick: what guessing would give. Bars "
    "that do not overlap differ for sure; bars that do may still differ."
)
CURVE_AID = (
    "Share of queries whose true item is among the first k. The grey lines are guessing. A curve "
    "that is high on the left finds the right item at once."
)


def no_pairs(card: Card) -> None:
    """Pictures or texts without each other. Ends the page."""
    problems.nothing(
        "No pairs to judge by",
        f"{formatting.plain(card.name)} has {formatting.count(card.images, 'picture')} and "
        f"{formatting.count(card.texts, 'text')}, but not two that belong together. Add a "
        "captions file "
        "(items.jsonl, CSV or COCO captions) that names these pictures: what is there is not "
        "encoded again.",
        icon=":material/link_off:",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Add captions", key="_add_captions", type="primary"):
            st.switch_page(empty_states.COLLECTIONS)
    st.stop()


def evaluation() -> Evaluation:
    """The scores of the collection on screen, once per state of its vectors."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("### Evaluate", anchors=False, width="stretch")
        with st.container(width=320):
            correction = ranking_options.hub_correction()
    return _evaluation(state.items_key(), correction, state.opened())


@st.cache_resource(max_entries=16, show_spinner="Ranking every pair against all candidates…")
def _evaluation(key: str, correction: str, _opened: EncodedCollection) -> Evaluation:
    return state.workbench().evaluate(_opened, hub_correction=correction)


def ways(found: Evaluation) -> dict[str, Direction]:
    """Both directions by name."""
    return {"text_to_image": found.text_to_image, "image_to_text": found.image_to_text}


def rows(found: Evaluation) -> list[dict[str, Any]]:
    """Every score as a row of a table."""
    return [
        {
            "direction": WAYS[way], "metric": TITLES.get(score.metric, score.metric.capitalize()),
            "value": score.value, "low": score.low, "high": score.high, "chance": score.chance,
            "queries": score.n_queries,
        }
        for way, direction in ways(found).items()
        for score in direction.scores.values()
    ]  # fmt: skip


def head(found: Evaluation) -> None:
    """The median ranks, which pairs were judged, and the numbers to download."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(formatting.plain(found.sentence), width="stretch")
        controls.download(rows(found), "evaluation")
        st.download_button(
            "JSON",
            json.dumps(documents.evaluation(found), indent=2),
            "evaluation.json",
            "application/json",
            key="_save_evaluation_json",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )
    with st.grid(4, min_column_width=180):
        for way, direction in ways(found).items():
            recall, rank = direction.scores["recall@10"], direction.scores["median_rank"]
            st.metric(
                f"{WAYS[way]}: recall@10",
                _percent(recall.value),
                delta=f"guessing {_percent(recall.chance)}",
                delta_color="off",
                delta_arrow="off",
                help=_spread(recall),
            )
            st.metric(
                f"{WAYS[way]}: median rank",
                formatting.number(rank.value, rank.low, rank.high),
                delta=f"of {direction.n_candidates:,}",
                delta_color="off",
                delta_arrow="off",
                help=f"Half of the queries find their item at this rank or before. {_spread(rank)}",
            )


def intervals(found: Evaluation) -> None:
    """Recall and mAP of both directions on one scale, with intervals and chance."""
    figure = go.Figure()
    for hue, (way, direction) in enumerate(ways(found).items()):
        scores = [s for s in direction.scores.values() if s.metric != "median_rank"]
        figure.add_trace(_dots(WAYS[way], charts.PALETTE[hue], scores, shift=0.16 - 0.32 * hue))
        figure.add_trace(_chance(scores, shift=0.16 - 0.32 * hue, shown=hue == 1))
    names = [TITLES.get(s.metric, s.metric.capitalize()) for s in scores]
    most = max(row["high"] for row in rows(found) if row["high"] <= 1)
    figure.update_xaxes(range=[0, min(1.02, 1.15 * most)], tickformat=".0%", zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=names,
        autorange="reversed",
        showgrid=False,
        zeroline=False,
    )
    charts.chart(figure, key="_scores", aid=AID, rows=rows(found), alt=_alt(found), height=300)


def curves(found: Evaluation) -> None:
    """Recall at every k."""
    figure, table = go.Figure(), []
    for hue, (way, direction) in enumerate(ways(found).items()):
        line = measure.recall_curve(direction)
        figure.add_scatter(
            x=line.x,
            y=line.y,
            name=WAYS[way],
            mode="lines",
            line={"color": charts.PALETTE[hue], "width": 2},
            hovertemplate="recall@%{x:,}: %{y:.1%}",
        )
        figure.add_scatter(
            x=line.x,
            y=line.x / direction.n_candidates,
            name="guessing",
            mode="lines",
            line={"color": charts.OTHER, "width": 1, "dash": "dot"},
            showlegend=hue == 0,
            hoverinfo="skip",
        )
        table += [
            {"direction": WAYS[way], "k": int(x), "recall": float(y)}
            for x, y in zip(line.x, line.y, strict=True)
        ]
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(title="k", type="log", dtick=1)
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    charts.chart(
        figure, key="_curves", aid=CURVE_AID, rows=table, alt="Recall at every k", height=300
    )


def hardest(found: Evaluation) -> None:
    """The queries whose true item comes latest, to look at."""
    way = session.linked(
        "hardest",
        "text_to_image",
        st.segmented_control,
        "Hardest queries",
        list(WAYS),
        among=list(WAYS),
        format_func=WAYS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    direction, space = ways(found)[way], state.space()
    worst = [(space.ids[row], rank) for row, rank in measure.hardest(direction, HARDEST)]
    st.caption(
        "Their true item comes at the rank shown. Often the caption is vague, wrong, or fits many "
        "pictures alike: open one to see."
    )
    notes = {id_: f"rank {rank:,} of {direction.n_candidates:,}" for id_, rank in worst}
    cards = gallery.cards([id_ for id_, _ in worst], notes=notes)
    item.browse(cards, key=f"_hardest_{way}", size=230 if way == "text_to_image" else 170)


def _dots(name: str, colour: str, scores: list[Score], *, shift: float) -> go.Scatter:
    return go.Scatter(
        x=[s.value for s in scores],
        y=[i + -shift for i in range(len(scores))],
        error_x={
            "array": [s.high - s.value for s in scores],
            "arrayminus": [s.value - s.low for s in scores],
            "thickness": 5,
            "width": 0,
            "color": colour,
        },
        mode="markers",
        name=name,
        marker={"color": colour, "size": 11, "line": {"width": 1.5, "color": "white"}},
        customdata=[[s.low, s.high] for s in scores],
        hovertemplate="%{x:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})",
    )


def _chance(scores: list[Score], *, shift: float, shown: bool) -> go.Scatter:
    return go.Scatter(
        x=[s.chance for s in scores],
        y=[i + -shift for i in range(len(scores))],
        mode="markers",
        name="guessing",
        showlegend=shown,
        marker={"symbol": "line-ns-open", "size": 14, "color": charts.OTHER, "line": {"width": 2}},
        hovertemplate="guessing: %{x:.2%}",
    )


def _percent(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def _spread(score: Score) -> str:
    number = formatting.number if score.metric == "median_rank" else _percent
    return f"95 %: {number(score.low)} to {number(score.high)}; guessing: {number(score.chance)}."


def _alt(found: Evaluation) -> str:
    parts = [
        f"{WAYS[way]} recall@10 {_percent(direction.scores['recall@10'].value)}"
        for way, direction in ways(found).items()
    ]
    return f"Scores with intervals: {'; '.join(parts)}"
