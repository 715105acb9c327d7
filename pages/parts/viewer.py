"""One item in full: picture, captions, labels, attributes, its neighbours."""

import streamlit as st

from pages.parts import state


def open(id_: str) -> None:
    """Show an item over the page. Call it in the run in which it was clicked."""
    state.keep(state.VIEWED, id_)
    _dialog()


@st.dialog("Item", width="large", icon=":material/photo:")
def _dialog() -> None:
    st.write(state.kept(state.VIEWED, ""))
