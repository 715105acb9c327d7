"""What labels alone evaluate: zero-shot accuracy, confusions, and image to image by label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import plotly.graph_objects as go
import streamlit as st

from core.measure import Confusion, LabelScore
from core.types import Score, Space
from core.workbench import Labels, documents
from pages.parts import charts, controls, formatting, gallery, item, session, state
from pages.parts.evaluate.scores import Request, command, dots, json_download, tick

TITLES = {
    "accuracy": "Zero-shot accuracy",
    "accuracy@5": "Accuracy@5",
    "precision@1": "Image → image: precision@1",
    "precision@10": "Precision@10",
    "recall@10": "Recall@10",
}
HELP = {
    "accuracy": "The label whose name is most similar to the image is one of its labels.",
    "accuracy@5": "One of the 5 most similar names is one of the image's labels.",
    "precision@1": "The most similar other image has the same label.",
    "precision@10": "Share of the 10 most similar other images that have the same label.",
    "recall@10": "Share of the other images of the label that are among the 10 most similar.",
}
MOST, LEAST = 25, 3  # labels in a figure, and images that a label in it has at least
CONFUSED, EXAMPLES = 12, 3  # confusions with images, and images of each
AID = (
    "Lowest first. The intervals of all labels hold together with 95%, so those of few images are "
    "wide. Vertical tick: chance."
)


def has_any() -> bool:
    """Whether the images of the collection on screen have labels."""
    if not state.workbench().encoders(state.collection()):
        return False
    here = state.space()
    return any(here.labels[: here.n_images])


def show(request: Request, *, at_once: bool) -> None:
    """The scores, labels that fail, and what is taken for what; on request beside pairs."""
    st.markdown("##### By label", anchors=False)
    key = f"by label {state.collection()} {state.encoder()}"
    if not at_once and not session.get(key, False):
        st.caption(
            "Zero-shot accuracy with the labels' names as texts, confusions, and image to image by "
            "label. Runs the encoder on the names."
        )
        st.button(
            "Measure", key="_measure_labels", icon=":material/labs:",
            on_click=session.store, args=(key, True),
        )  # fmt: skip
        return
    request = replace(request, correction="")  # of a ranking of pairs
    with st.spinner("Classifying images by the labels' names…"):
        found = state.workbench().score_by_label(request.opened)
    line = command(request, "--labels")
    _head(found, line)
    figures = {
        "Accuracy by label": found.classification,
        "Image to image, precision@10 by label": found.image_to_image,
    }
    enough = {
        title: one.by_label
        for title, one in figures.items()
        if one and sum(s.score.n_queries >= LEAST for s in one.by_label) > 1
    }
    for at, (column, title) in enumerate(
        zip(st.columns(len(enough) or 1, gap="large"), enough, strict=False)
    ):
        with column:
            st.markdown(f"###### {title}", anchors=False)
            _figure(enough[title], f"_by_label_{at}", line)
    if found.classification and found.classification.confusions:
        _confusions(request.opened.space, found.classification.confusions)


def _head(found: Labels, line: str) -> None:
    """The scores, what they were measured on, and what lacks."""
    each = [one for one in (found.classification, found.image_to_image) if one]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(formatting.plain(" ".join(one.sentence for one in each)), width="stretch")
        rows = [
            {"metric": name, **_row(score), "command": line}
            for one in each
            for name, score in one.scores.items()
        ]
        controls.download(rows, "by-label")
        json_download(documents.by_label(found), "by-label", line)
    with st.grid(5, min_column_width=150):
        for one in each:
            for name, score in one.scores.items():
                _metric(TITLES.get(name, name), score, HELP.get(name, ""))
    for lack in found.lacks.values():
        st.caption(f":material/info: {formatting.plain(lack)}")


def _metric(title: str, score: Score, about: str) -> None:
    low, high = formatting.percent(score.low), formatting.percent(score.high)
    st.metric(
        title, formatting.percent(score.value), delta=f"chance {formatting.percent(score.chance)}",
        delta_color="off", delta_arrow="off",
        help=f"{about} 95% confidence interval {low} to {high}.",
    )  # fmt: skip


def _row(score: Score) -> Mapping[str, float | int]:
    return {
        "value": score.value, "low": score.low, "high": score.high, "chance": score.chance,
        "queries": score.n_queries,
    }  # fmt: skip


def _figure(by_label: Sequence[LabelScore], key: str, line: str) -> None:
    large = [one for one in by_label if one.score.n_queries >= LEAST]
    drawn = large[:MOST]
    scores = [one.score for one in drawn]
    figure = go.Figure(dots(scores[0].metric, charts.PALETTE[0], scores))
    figure.add_scatter(
        x=[s.chance for s in scores], y=list(range(len(scores))), mode="markers", name="chance",
        marker={"symbol": "line-ns-open", "size": 12, "color": charts.OTHER, "line": {"width": 2}},
        hovertemplate="chance: %{x:.2%}",
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[-0.01, 1.02], tickformat=".0%", zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(drawn))), autorange="reversed", showgrid=False, zeroline=False,
        ticktext=[tick(f"{one.label} ({one.score.n_queries:,})") for one in drawn],
    )  # fmt: skip
    more = f"{len(drawn)} of {len(by_label):,} labels. " if len(by_label) > len(drawn) else ""
    rows = [{"label": one.label, **_row(one.score), "command": line} for one in by_label]
    charts.chart(
        figure, key=key, aid=f"{more}{AID}", rows=rows, alt="Score of each label",
        height=70 + 20 * max(4, len(drawn)),
    )  # fmt: skip


def _confusions(space: Space, confusions: Sequence[Confusion]) -> None:
    """The most frequent confusions with their images."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("###### Taken for another label", anchors=False, width="stretch")
        rows = [
            {"label": c.true, "taken for": c.named, "images": len(c.rows), "of": c.of}
            for c in confusions
        ]
        controls.download(rows, "confusions")
    shown = [(c, [space.ids[row] for row in c.rows[:EXAMPLES]]) for c in confusions[:CONFUSED]]
    base = {card.id: card for card in gallery.cards([id_ for _, ids in shown for id_ in ids])}
    cards = [
        replace(
            base[id_], labels=(), caption="", note=f"{c.true} → {c.named}, {len(c.rows)} of {c.of}"
        )
        for c, ids in shown
        for id_ in ids
        if id_ in base
    ]
    item.browse(cards, key="_confusions", size=165)
