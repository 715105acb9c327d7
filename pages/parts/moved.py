"""What a hub correction or a reranker changed on a page of answers: what left it, to look at."""

import streamlit as st

from core.search import Answer, changes
from core.types import Kind
from pages.parts import gallery, viewer, words

SIZE = 120


def show(kind: Kind, answer: Answer) -> None:
    """A sentence, and behind it the hits that cosine alone would have put on this page."""
    told = words.plain(changes(answer))
    if not told:
        return
    if not answer.left:
        st.caption(told)
        return
    with st.expander(told, type="compact", key=f"_moved_{kind}"):
        st.caption("What left this page, with the rank that cosine alone gives it:")
        viewer.browse(gallery.hits(answer.left), key=f"_left_{kind}", size=SIZE)
