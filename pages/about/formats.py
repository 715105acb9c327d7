"""Formats: every form of data that can be ingested."""

import streamlit as st

from pages.parts.about import formats

st.markdown("### Formats", anchors=False)
st.caption(
    "What can be added as a collection. The form is detected; `sextant ingest PATH --dry-run` says "
    "which one it is and what every column becomes, and `--form NAME` sets it."
)
formats.show()
