"""Methods: every part of Sextant with its source."""

import streamlit as st

from pages.parts.about import methods

st.markdown("### Methods", anchors=False)
st.caption("The methods behind every number in Sextant, with their settings and sources.")
methods.show(methods.chosen())
