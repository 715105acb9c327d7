"""Security: what protects this server, and what does not."""

import streamlit as st

from pages.parts.about import security

st.markdown("### Security", anchors=False)
st.caption("As this server was started.")
security.show()
