"""Methods: every part of Sextant and whose idea it is."""

import streamlit as st

from pages.parts import methods

st.markdown("### Methods", anchors=False)
st.caption("Every number and picture in Sextant comes from one of these parts.")
methods.show(methods.chosen())
