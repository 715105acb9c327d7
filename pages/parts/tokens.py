"""Token vectors: what is stored, and making them."""

import streamlit as st

from core import background
from core.pooling import Pooling, named
from core.types import StoredTokens
from pages.parts import problems, state, words

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
    return words.plain(f"{about}, {size:,.0f} bytes each: {', '.join(ways)}.")


def _store(pooling: Pooling) -> None:
    name = state.collection()
    background.start(
        state.workbench(), "add_tokens", f"Token vectors of {name}",
        name=name, encoder=state.encoder(), pooling=pooling.name,
    )  # fmt: skip
    st.rerun()
