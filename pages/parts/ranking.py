"""How answers are ranked beyond the cosine: hubs taken down, words, a second look at the best."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.hub_corrections import HUB_CORRECTIONS
from core.registry import Registry
from core.rerankers import RERANKERS
from core.types import First, Template, Words
from pages.parts import problems, state, tokens

WORDS: dict[Words, str] = {"": "Vectors only", "rrf": "Rank fusion", "sum": "Weighted sum"}
TEMPLATES: dict[Template, str] = {
    "": "As they are",
    "photo": "a photo of a ...",
    "ensemble": "Mean of several sentences",
}
FIRST: dict[First, str] = {
    "": "One vector an item, exactly",
    "ivf": "One vector, nearest cells only",
    "muvera": "Tokens (MUVERA)",
}
ABOUT_FIRST = "What finds the candidates, before anything is fused or ranked again."
EFFECT: dict[First, str] = {
    "": "",
    "ivf": "Quicker among very many items, and misses a few: how many is measured on this "
    "collection and said under the answers. The first search makes the cells, about a minute for "
    "a million items.",
    "muvera": "Vectors of an item's places and words, put together in a long one (MUVERA); the "
    "best by these are then compared word by word, each word of the query with the place or word "
    "most like it (MaxSim). Measured with the starter on pictures it never saw, several vectors an "
    "item alone find fewer of the right ones than one vector: `sextant bench multivector`. The "
    "first search makes the long vectors, a minute for 200,000 items. Cut and p still look at the "
    "one vector.",
}
NO_TOKENS = (
    "To search by tokens first (MUVERA), store token vectors: below, or `sextant tokens NAME`."
)
NAMES = ("words", "template", "first", "hubs", "rerank")
ABOUT_TEMPLATE = "What one to three words are put into before they are encoded."
ABOUT_WORDS = (
    "Also look for the query's words in captions, labels and names (full text), and fuse both "
    "rankings."
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Names of what is on; "" is off."""

    words: Words = ""
    template: Template = ""
    first: First = ""
    hub_correction: str = ""
    rerank: str = ""


def popover() -> Ranked:
    """A button that opens the settings and says how many are on."""
    on = sum(bool(state.peek(name, "")) for name in NAMES)
    label = f"Ranking · {on}" if on else "Ranking"
    with (
        st.popover(label, icon=":material/swap_vert:", key="_ranking"),
        st.container(key="ranking", width=420),
    ):
        words: Words = state.linked(
            "words", "", st.selectbox, "Words", list(WORDS), among=list(WORDS),
            format_func=WORDS.__getitem__, help=ABOUT_WORDS, filter_mode=None,
        )  # fmt: skip
        template: Template = state.linked(
            "template", "", st.selectbox, "Short texts", list(TEMPLATES), among=list(TEMPLATES),
            format_func=TEMPLATES.__getitem__, help=ABOUT_TEMPLATE, filter_mode=None,
        )  # fmt: skip
        first = _first()
        hubs = hub_correction()
        rerank = _part("rerank", "Rerank the best", RERANKERS)
        tokens.stored(needed=bool(rerank and RERANKERS.get(rerank).traits.get("tokens")))
        st.caption("What each did to recall on held-out pairs: README, and `sextant bench stages`.")
    return Ranked(words, template, first, hubs, rerank)


def _first() -> First:
    """What finds the candidates, of what this collection can offer; part of the link."""
    with problems.shown():
        offered = state.workbench().first_stages(state.collection(), state.encoder())
        kept: First = state.peek("first", "")
        among = [*offered, *([kept] if kept in FIRST and kept not in offered else [])]
        chosen: First = ""
        if len(among) > 1:
            chosen = state.linked(
                "first", "", st.selectbox, "First stage", among, among=among,
                format_func=FIRST.__getitem__, help=ABOUT_FIRST, filter_mode=None,
            )  # fmt: skip
        if EFFECT[chosen]:
            st.caption(EFFECT[chosen])
        if "muvera" not in offered:
            st.caption(NO_TOKENS)
        return chosen
    return ""


def hub_correction() -> str:
    """The hub correction that is on, for answers and for recall; part of the link."""
    return _part("hubs", "Hub correction", HUB_CORRECTIONS)


def _part(name: str, title: str, registry: Registry[Any]) -> str:
    parts = registry.all()
    chosen: str = state.linked(
        name, "", st.selectbox, title, ["", *parts], among=["", *parts], filter_mode=None,
        format_func=lambda part: parts[part].title if part else "None",
    )  # fmt: skip
    if chosen:
        st.caption(parts[chosen].summary)
    return chosen
