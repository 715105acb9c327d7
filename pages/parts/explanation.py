"""Why this result: where in the picture and which words, nearest captions, and who comes next."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.search import Competitor, Explanation
from core.types import Item, Query
from core.workbench import EncodedCollection
from pages.parts import charts, controls, formatting, gallery, state

EVERYTHING = "The whole question"
WORDS_AID = (
    "Each word's part of the cosine; with the rest, small words and marks, they sum to it. "
    "“Without” in the CSV is what is lost when the word is left out and the rest is read again."
)
WITHOUT_AID = "What the cosine loses when the word is left out; to the left: it gains."


def found(item: Item, query: Query) -> Explanation:
    """The explanation, once per question, item and state of the vectors."""
    key = f"{state.items_key()} {query.key} {item.id}"
    with st.spinner("Looking closer…", show_time=True):
        return _found(key, query, item.id, state.opened())


@st.cache_data(max_entries=32, show_spinner=False)
def _found(key: str, _query: Query, _id: str, _opened: EncodedCollection) -> Explanation:
    return state.workbench().explain(_opened, _query, _id)


def picture(item: Item, why: Explanation) -> None:
    """The picture under its map, with a choice of words and of how strong the colour is."""
    if not why.maps:
        return
    chosen = EVERYTHING
    said = [word for word in why.maps if word]
    if said:
        chosen = st.pills(
            "Where in the picture", [EVERYTHING, *said], default=EVERYTHING, required=True,
            key="_why_word", format_func=formatting.plain,
        )  # fmt: skip
    strength = st.slider("Colour", 0, 100, 70, 5, key="_why_strength", format="%d %%")
    map_ = why.maps["" if chosen == EVERYTHING else chosen]
    low, high = _scale(why, chosen)
    washed = state.workbench().overlay(
        state.opened(), item.id, map_, (low, high), view=why.view, strength=strength / 100
    )
    st.image(
        washed, width="stretch", alt=formatting.shorten(f"{item.name}, washed where it fits", 200)
    )
    with st.container(horizontal=True, wrap=False, key="_aid_why_map"):
        st.caption(_map_aid(why, chosen, low, high), width="stretch")
        rows = [
            {"row": r + 1, "column": c + 1, "value": float(map_[r, c])}
            for r in range(map_.shape[0])
            for c in range(map_.shape[1])
        ]
        controls.download(rows, "places", key="_save_why_map")


def rest(why: Explanation) -> tuple[str, str]:
    """Words, captions and rival. Returns what was clicked, as `gallery.show` does."""
    if why.note:
        st.caption(formatting.plain(why.note))
    if why.words:
        _words(why)
    if why.captions:
        _captions(why)
    return _rival(why, why.rival) if why.rival else ("", "")


def _scale(why: Explanation, chosen: str) -> tuple[float, float]:
    """Ends of the colour. A word begins at its mean, and all words reach equally far above it."""
    map_ = why.maps["" if chosen == EVERYTHING else chosen]
    if chosen == EVERYTHING:
        return (0.0 if why.exact else float(map_.min())), float(map_.max())
    reach = max(float(m.max() - m.mean()) for word, m in why.maps.items() if word)
    return float(map_.mean()), float(map_.mean()) + reach


def _map_aid(why: Explanation, chosen: str, low: float, high: float) -> str:
    most = formatting.number(high)
    if chosen != EVERYTHING:
        return (
            f"Coloured where the word's cosine is above its mean, {formatting.number(low)}; "
            "full at "
            f"{most}, as far above as any word reaches. Pale all over: the word has no place here."
        )
    if why.exact:
        return (
            f"Places give up to {most} each and sum to the cosine {formatting.number(why.cosine)}; "
            "what takes away from it stays clear."
        )
    return f"Coloured from cosine {formatting.number(low)} to {most}; the lowest place stays clear."


def _words(why: Explanation) -> None:
    exact = why.words[0].share is not None
    values = [w.share if w.share is not None else w.without for w in why.words]
    names = [formatting.shorten(w.text, 24).replace("<", "‹") for w in why.words]
    rows: list[dict[str, Any]] = [
        {"word": w.text, "share": w.share, "without": w.without, "best place": w.place}
        for w in why.words
    ]
    if exact:
        values, names = [*values, why.cosine - sum(values)], [*names, "(the rest)"]
    colours = [charts.PALETTE[0] if v >= 0 else charts.PALETTE[8] for v in values]
    # One place a bar, however often a word comes; its name is text that Plotly does not read.
    figure = go.Figure(go.Bar(x=values, y=list(range(len(values))), orientation="h"))
    figure.update_traces(marker_color=colours, hovertemplate="%{x:.3f}<extra></extra>")
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, autorange="reversed", ticklabelstandoff=6
    )
    figure.update_xaxes(title="part of the cosine" if exact else "lost without the word")
    st.markdown("###### What each word does", anchors=False)
    charts.chart(
        figure, key="_why_words", aid=WORDS_AID if exact else WITHOUT_AID, rows=rows,
        alt="What each word of the question adds to the cosine", height=90 + 26 * len(values),
    )  # fmt: skip


def _captions(why: Explanation) -> None:
    st.markdown("###### Texts nearest to this picture", anchors=False)
    if why.fits_better is not None:
        n = formatting.count(why.fits_better, "text")
        many = "fits" if why.fits_better == 1 else "fit"
        st.caption(f"{n.capitalize()} of the collection {many} it better than the question does.")
    texts = state.items([id_ for id_, _ in why.captions])
    with st.container(key="why_captions", gap="xsmall"):
        for id_, cosine in why.captions:
            if id_ in texts:
                st.text(f"{cosine:.3f}   {formatting.shorten(texts[id_].text, 160)}")


def _rival(why: Explanation, rival: Competitor) -> tuple[str, str]:
    title = "Just above it" if rival.above else "Just below it"
    st.markdown(f"###### {title}: what sets them apart", anchors=False)
    st.caption(_apart(why, rival))
    cards = gallery.cards([rival.id], notes={rival.id: f"by {formatting.number(rival.ahead)}"})
    return gallery.show(cards, key=f"_rival_{why.id}", size=160)


def _apart(why: Explanation, rival: Competitor) -> str:
    """What separates two neighbours in the ranking, and what would turn them round."""
    ahead = "ahead of this one" if rival.above else "behind this one"
    said = [f"It is {formatting.number(rival.ahead)} of cosine {ahead}."]
    most = _most(rival.words)
    if most:
        said.append(f"Of that, {most}.")
    if rival.turns:
        listed = ", ".join(f"“{formatting.plain(w)}”" for w in dict.fromkeys(rival.turns))
        any_ = "" if len(set(rival.turns)) == 1 else "any one of "
        said.append(f"Without {any_}{listed} the two would change places.")
    elif why.words:
        said.append("No single word decides between the two.")
    return " ".join(said)


def _most(parts: Sequence[tuple[str, float]]) -> str:
    """The two words that do most for the one ahead, and the one that does most against it."""
    shown = [*parts[:2], *parts[2:][-1:]]
    return ", ".join(
        f"“{formatting.plain(word)}” makes {'+' if value > 0 else ''}{formatting.number(value)}"
        for word, value in shown
        if value
    )
