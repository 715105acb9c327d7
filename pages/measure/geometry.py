"""Geometry."""

import streamlit as st

st.title("Geometry")
