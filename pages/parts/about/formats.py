"""The forms of data on a page, from the registry of the readers."""

from itertools import groupby

import streamlit as st

from core.workbench import FORMS
from pages.parts import formatting


def show() -> None:
    """A row for each form: how it is recognized, what is taken, and an example."""
    for kind, forms in groupby(FORMS, lambda form: form.kind):
        st.markdown(f"#### {formatting.plain(kind)}", anchors=False)
        for form in forms:
            with st.container(border=True, key=f"_form_{form.name}"):
                text, example = st.columns([3, 2], gap="medium")
                with text:
                    with st.container(horizontal=True, vertical_alignment="center"):
                        st.markdown(f"**{formatting.plain(form.title)}**", width="stretch")
                        st.badge(form.name, color="gray")
                    st.markdown(formatting.plain(form.recognized))
                    st.caption(f"**Taken**: {formatting.plain(form.taken)}")
                example.code(form.example, language=None, wrap_lines=True)
