"""How results are ranked beyond the cosine: full text, hubness correction, reranking."""

from typing import Any

import streamlit as st

from core.improve import HUB_CORRECTIONS
from core.registry import Registry
from core.search import RERANKERS
from core.types import FirstStage, FullText, Pooling, StoredTokens, Template
from core.workbench import tasks
from pages.parts import formatting, problems, session, state

FULL_TEXT: dict[FullText, str] = {"": "Vectors only", "rrf": "Rank fusion", "sum": "Weighted sum"}
TEMPLATES: dict[Template, str] = {
    "": "As they are",
    "photo": "a photo of a ...",
    "ensemble": "Mean of several templates",
}
FIRST_STAGES: dict[FirstStage, str] = {
    "": "Exact",
    "ivf": "Approximate (IVF)",
    "muvera": "Token vectors (MUVERA)",
}
ABOUT_FIRST_STAGE = "How candidates are found, before anything is fused or reranked."
EFFECT: dict[FirstStage, str] = {
    "": "",
    "ivf": "Faster with very many items, and misses a few: recall is measured on this collection "
    "and shown with the results. The first search builds the index, about a minute for a million "
    "items.",
    "muvera": "Patch and text tokens of each item in one long vector (MUVERA); the best candidates "
    "are reranked by MaxSim, each text token of the query against its most similar token of the "
    "item. Experimental: with the starter on held-out images it finds fewer right ones than one "
    "vector (About > Measurements). The first search builds the index, a minute for 200,000 "
    "items. Cutoff and p still use the one vector.",
}
NO_TOKENS = "A first stage by token vectors needs some: store them below, or `sextant tokens NAME`."
NAMES = ("words", "template", "first", "hubs", "rerank")
ABOUT_TEMPLATE = "Prompt template for texts of one to three words, before they are encoded."
ABOUT_FULL_TEXT = (
    "Also search captions, labels and names for the words of the query (full text), and fuse both "
    "rankings."
)


def popover() -> dict[str, Any]:
    """A button that opens the settings and says how many are on; the settings of a `Query`."""
    on = sum(bool(session.peek(name, "")) for name in NAMES)
    label = f"Ranking · {on}" if on else "Ranking"
    with (
        st.popover(label, icon=":material/swap_vert:", key="_ranking"),
        st.container(key="ranking", width=420),
    ):
        full_text: FullText = session.linked(
            "words", "", st.selectbox, "Full text", list(FULL_TEXT), among=list(FULL_TEXT),
            format_func=FULL_TEXT.__getitem__, help=ABOUT_FULL_TEXT, filter_mode=None,
        )  # fmt: skip
        template: Template = session.linked(
            "template", "", st.selectbox, "Short texts", list(TEMPLATES), among=list(TEMPLATES),
            format_func=TEMPLATES.__getitem__, help=ABOUT_TEMPLATE, filter_mode=None,
        )  # fmt: skip
        first_stage = _first_stage()
        correction = hub_correction()
        rerank = _part("rerank", "Reranker", RERANKERS)
        stored(needed=bool(rerank and RERANKERS.get(rerank).traits.get("tokens")))
        st.caption("What each did to recall on held-out pairs: About > Measurements.")
    return {
        "full_text": full_text,
        "template": template,
        "first_stage": first_stage,
        "hub_correction": correction,
        "rerank": rerank,
    }


def _first_stage() -> FirstStage:
    """The first stage, of those that this collection can offer; part of the link."""
    with problems.shown():
        offered = state.workbench().first_stages(state.opened())
        kept: FirstStage = session.peek("first", "")
        among = [*offered, *([kept] if kept in FIRST_STAGES and kept not in offered else [])]
        chosen: FirstStage = ""
        if len(among) > 1:
            chosen = session.linked(
                "first", "", st.selectbox, "First stage", among, among=among,
                format_func=FIRST_STAGES.__getitem__, help=ABOUT_FIRST_STAGE, filter_mode=None,
            )  # fmt: skip
        if EFFECT[chosen]:
            st.caption(EFFECT[chosen])
        if "muvera" not in offered:
            st.caption(NO_TOKENS)
        return chosen
    return ""


def hub_correction() -> str:
    """The hubness correction, for search and for recall; part of the link."""
    return _part("hubs", "Hubness correction", HUB_CORRECTIONS)


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
            format_func=lambda name: Pooling.parse(name).sentence,
        )  # fmt: skip
        of_these = now.poolings.get(chosen, 0)
        label = "Store token vectors" if of_these or not now.items else "Store them anew like this"
        if of_these < n and st.button(label, key="_tokens", icon=":material/grain:"):
            _store(Pooling.parse(chosen))


def _now() -> StoredTokens:
    return state.workbench().tokens_stored(state.opened())


def _told(items: int, n: int, size: float, poolings: dict[str, int]) -> str:
    about = f"{items:,} of {n:,} items have token vectors"
    if not items:
        return f"{about}."
    ways = [Pooling.parse(name).sentence for name in poolings]
    if len(ways) > 1:
        ways = [f"{Pooling.parse(name).sentence} ({k:,} items)" for name, k in poolings.items()]
    return formatting.plain(f"{about}, {size:,.0f} bytes each: {', '.join(ways)}.")


def _store(pooling: Pooling) -> None:
    name = state.collection()
    tasks.start(
        state.workbench(), "add_tokens", f"Token vectors of {name}",
        name=name, encoder=state.encoder(), pooling=pooling.name,
    )  # fmt: skip
    st.rerun()
