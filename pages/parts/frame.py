"""The bar on top: which collection, which encoder, what is running."""

from pathlib import Path

import streamlit as st

from pages.parts import state

ASSETS = Path(__file__).parents[2] / "assets"
LOGO = str(ASSETS / "logo.svg")
ABOUT = (
    "**Sextant** measures the angles of multimodal embedding spaces: search across pictures and "
    "texts, next to the geometry that explains it. Everything stays on this machine."
)


def bar() -> None:
    """Draw the bar; it also settles which collection the page is about."""
    st.html(ASSETS / "frame.css")
    st.logo(LOGO, size="large")
    with st.container(key="frame", horizontal=True, vertical_alignment="center", gap="small"):
        _collection()


def _collection() -> None:
    names = [card.name for card in state.workbench().collections()]
    if names:
        state.linked(
            state.COLLECTION, names[0], st.selectbox, "Collection", names,
            label_visibility="collapsed",
        )  # fmt: skip
