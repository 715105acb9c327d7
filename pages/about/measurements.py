"""Measurements: recall and speed of Sextant's parts, beside alternatives."""

import streamlit as st

from pages.parts.about import measurements

st.markdown("### Measurements", anchors=False)
st.caption("Bold: the 95% confidence interval of the difference excludes 0.")
measurements.show(measurements.tables())
