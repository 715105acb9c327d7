"""How answers are ranked beyond the cosine: hubs taken down, words, a second look at the best."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.improve import HUB_CORRECTIONS
from core.registry import Registry
from core.search import RERANKERS
from core.types import First, Pooling, StoredTokens, Template, Words, named
from core.workbench import tasks
from pages.parts import formatting, problems, session, state

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
    on = sum(bool(session.peek(name, "")) for name in NAMES)
    label = f"Ranking · {on}" if on else "Ranking"
    with (
        st.popover(label, icon=":material/swap_vert:", key="_ranking"),
        st.container(key="ranking", width=420),
    ):
        words: Words = session.linked(
            "words", "", st.selectbox, "Words", list(WORDS), among=list(WORDS),
            format_func=WORDS.__getitem__, help=ABOUT_WORDS, filter_mode=None,
        )  # fmt: skip
        template: Template = session.linked(
            "template", "", st.selectbox, "Short texts", list(TEMPLATES), among=list(TEMPLATES),
            format_func=TEMPLATES.__getitem__, help=ABOUT_TEMPLATE, filter_mode=None,
        )  # fmt: skip
        first = _first()
        hubs = hub_correction()
        rerank = _part("rerank", "Rerank the best", RERANKERS)
        stored(needed=bool(rerank and RERANKERS.get(rerank).traits.get("tokens")))
        st.caption("What each did to recall on held-out pairs: README, and `sextant bench stages`.")
    return Ranked(words, template, first, hubs, rerank)


def _first() -> First:
    """What finds the candidates, of what this collection can offer; part of the link."""
    with problems.shown():
        offered = state.workbench().first_stages(state.collection(), state.encoder())
        kept: First = session.peek("first", "")
        among = [*offered, *([kept] if kept in FIRST and kept not in offered else [])]
        chosen: First = ""
        if len(among) > 1:
            chosen = session.linked(
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
    chosen: str = session.linked(
        name, "", st.selectbox, title, ["", *parts], among=["", *parts], filter_mode=None,
        format_func=lambda part: parts[part].title if part else "None",
    )  # fmt: skip
    if chosen:
        st.caption(parts[chosen].summary)
    return chosen


POOLINGS = (
    *(Pooling(clusters, keep=k) for clusters in ("ward", "kmeans") for k in (8, 4, 16)),
    *(Pooling(clusters, ratio=r) for clusters in ("ward", "kmeans") for r in (0.25, 0.5)),
)


def stored(*, needed: bool) -> None:
    """How many items have token vectors and how they were pooled; a button to make them."""
    with problems.shown(), st.expander("Token vectors", expanded=needed, key="_token_vectors"):
        now, n = _now(), state.space().n
        st.caption(_told(now.items, n, now.bytes_per_item, now.poolings))
        usual = max(now.poolings, key=now.poolings.get) if now.poolings else Pooling().name
        names = list(dict.fromkeys([usual, *(pooling.name for pooling in POOLINGS)]))
        chosen = st.selectbox(
            "An item keeps", names, key="_pooling", filter_mode=None,
            format_func=lambda name: named(name).sentence,
        )  # fmt: skip
        of_these = now.poolings.get(chosen, 0)
        label = "Store token vectors" if of_these or not now.items else "Store them anew like this"
        if of_these < n and st.button(label, key="_tokens", icon=":material/grain:"):
            _store(named(chosen))


def _now() -> StoredTokens:
    return state.workbench().tokens_stored(state.collection(), state.encoder())


def _told(items: int, n: int, size: float, poolings: dict[str, int]) -> str:
    about = f"{items:,} of {n:,} items have token vectors"
    if not items:
        return f"{about}."
    ways = [named(name).sentence for name in poolings]
    if len(ways) > 1:
        ways = [f"{named(name).sentence} ({k:,} items)" for name, k in poolings.items()]
    return formatting.plain(f"{about}, {size:,.0f} bytes each: {', '.join(ways)}.")


def _store(pooling: Pooling) -> None:
    name = state.collection()
    tasks.start(
        state.workbench(), "add_tokens", f"Token vectors of {name}",
        name=name, encoder=state.encoder(), pooling=pooling.name,
    )  # fmt: skip
    st.rerun()
