"""Why this result: similarity map, contribution of each word, nearest captions, next in rank."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.search import Competitor, Explanation
from core.types import Item, Query
from core.workbench import EncodedCollection
from pages.parts import charts, controls, formatting, gallery, state

WHOLE = "Whole query"
SHARE_AID = (
    "Each word's share of the cosine; with function words and punctuation (other), the bars sum to "
    "it. The CSV also has the leave-one-word-out difference."
)
LEAVE_ONE_OUT_AID = "Leave-one-word-out: cosine with the whole query minus cosine without the word."


def explain(item: Item, query: Query) -> Explanation:
    """The explanation, computed once per query, item and state of the vectors."""
    here = state.opened()
    key = f"{state.workbench().results_key(here, query)} {item.id}"
    with st.spinner("Explaining…", show_time=True):
        return _explain(key, query, item.id, here)


@st.cache_data(max_entries=32, show_spinner=False)
def _explain(key: str, _query: Query, _id: str, _opened: EncodedCollection) -> Explanation:
    return state.workbench().explain(_opened, _query, _id)


def image(item: Item, why: Explanation) -> None:
    """The image under its similarity map, with a choice of the word and of the opacity."""
    if not why.maps:
        return
    chosen = WHOLE
    words = [word for word in why.maps if word]
    if words:
        chosen = st.pills(
            "Similarity map", [WHOLE, *words], default=WHOLE, required=True,
            key="_why_word", format_func=formatting.plain,
        )  # fmt: skip
    opacity = st.slider("Opacity", 0, 100, 70, 5, key="_why_strength", format="%d%%")
    map_ = why.maps["" if chosen == WHOLE else chosen]
    low, high = _color_range(why, chosen)
    overlaid = state.workbench().overlay(
        state.opened(), item.id, map_, (low, high), view=why.view, strength=opacity / 100
    )
    st.image(
        overlaid, width="stretch", alt=formatting.shorten(f"{item.name} with similarity map", 200)
    )
    with st.container(horizontal=True, wrap=False, key="_aid_why_map"):
        st.caption(_map_aid(why, chosen, low, high), width="stretch")
        rows = [
            {"row": r + 1, "column": c + 1, "value": float(map_[r, c])}
            for r in range(map_.shape[0])
            for c in range(map_.shape[1])
        ]
        controls.download(rows, "patches", key="_save_why_map")


def rest(why: Explanation) -> tuple[str, str]:
    """Words, captions and next in rank. Returns the click, as `gallery.show` does."""
    if why.note:
        st.caption(formatting.plain(why.note))
    st.caption(formatting.plain(_probabilities(why)))
    if why.words:
        _words(why)
    if why.captions:
        _captions(why)
    return _competitor(why, why.competitor) if why.competitor else ("", "")


def _probabilities(why: Explanation) -> str:
    match = f"P(match) {why.probability:.2f}; " if isfinite(why.probability) else ""
    return (
        f"{match}{formatting.chance(why.p_null)}, the probability that an unrelated item is at "
        "least as similar to the query."
    )


def _color_range(why: Explanation, chosen: str) -> tuple[float, float]:
    """Ends of the color scale. Words start at their mean, and share the width of the scale."""
    map_ = why.maps["" if chosen == WHOLE else chosen]
    if chosen == WHOLE:
        return (0.0 if why.exact else float(map_.min())), float(map_.max())
    width = max(float(m.max() - m.mean()) for word, m in why.maps.items() if word)
    return float(map_.mean()), float(map_.mean()) + width


def _map_aid(why: Explanation, chosen: str, low: float, high: float) -> str:
    most = formatting.number(high)
    if chosen != WHOLE:
        return (
            f"Color scale: from the mean cosine of the word over all patches, "
            f"{formatting.number(low)}, to {most}; all words share its width. No color: no patch "
            "stands out for this word."
        )
    if why.exact:
        return (
            f"Contributions of the patches, up to {most}; they sum to the cosine "
            f"{formatting.number(why.cosine)}. Negative contributions have no color."
        )
    return (
        f"Color scale: cosine of each patch, from the lowest, {formatting.number(low)}, to {most}."
    )


def _words(why: Explanation) -> None:
    exact = why.words[0].share is not None
    values = [w.share if w.share is not None else w.drop for w in why.words]
    names = [formatting.shorten(w.text, 24).replace("<", "‹") for w in why.words]
    rows: list[dict[str, Any]] = [
        {"word": w.text, "share": w.share, "leave one out": w.drop, "best patch": w.best_patch}
        for w in why.words
    ]
    if exact:
        values, names = [*values, why.cosine - sum(values)], [*names, "(other)"]
    colors = [charts.PALETTE[0] if v >= 0 else charts.PALETTE[8] for v in values]
    # One bar per position, as a word may repeat; names are tick labels without markup.
    figure = go.Figure(go.Bar(x=values, y=list(range(len(values))), orientation="h"))
    figure.update_traces(marker_color=colors, hovertemplate="%{x:.3f}<extra></extra>")
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, autorange="reversed", ticklabelstandoff=6
    )
    figure.update_xaxes(title="share of the cosine" if exact else "difference of the cosine")
    st.markdown("###### Contribution of each word", anchors=False)
    charts.chart(
        figure, key="_why_words", aid=SHARE_AID if exact else LEAVE_ONE_OUT_AID, rows=rows,
        alt="Contribution of each word of the query to the cosine", height=90 + 26 * len(values),
    )  # fmt: skip


def _captions(why: Explanation) -> None:
    st.markdown("###### Texts nearest to this image", anchors=False)
    if why.closer_texts is not None:
        n = formatting.count(why.closer_texts, "text")
        verb = "is" if why.closer_texts == 1 else "are"
        st.caption(f"{n.capitalize()} of the collection {verb} more similar to it than the query.")
    texts = state.items([id_ for id_, _ in why.captions])
    with st.container(key="why_captions", gap="xsmall"):
        for id_, cosine in why.captions:
            if id_ in texts:
                st.text(f"{cosine:.3f}   {formatting.shorten(texts[id_].text, 160)}")


def _competitor(why: Explanation, other: Competitor) -> tuple[str, str]:
    title = "Ranked just above" if other.above else "Ranked just below"
    st.markdown(f"###### {title}", anchors=False)
    st.caption(_difference(why, other))
    sign = "+" if other.above else "−"
    cards = gallery.cards([other.id], notes={other.id: f"{sign}{formatting.number(other.margin)}"})
    return gallery.show(cards, key=f"_competitor_{why.id}", size=160)


def _difference(why: Explanation, other: Competitor) -> str:
    """What separates two neighbors in the ranking, and which word would swap them."""
    direction = "higher" if other.above else "lower"
    sentences = [f"Its cosine is {formatting.number(other.margin)} {direction}."]
    parts = _largest(other.words)
    if parts:
        sentences.append(f"Of it by word: {parts}.")
    if other.decisive:
        listed = ", ".join(f"“{formatting.plain(w)}”" for w in dict.fromkeys(other.decisive))
        any_ = "" if len(set(other.decisive)) == 1 else "any one of "
        sentences.append(f"A search without {any_}{listed} swaps the two.")
    elif why.words:
        sentences.append("No search with one word less swaps the two.")
    return " ".join(sentences)


def _largest(parts: Sequence[tuple[str, float]]) -> str:
    """The two words that add most to the difference, and the last one."""
    shown = [*parts[:2], *parts[2:][-1:]]
    return ", ".join(
        f"“{formatting.plain(word)}” {'+' if value > 0 else ''}{formatting.number(value)}"
        for word, value in shown
        if value
    )
