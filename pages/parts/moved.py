"""What a hub correction or a reranker changed on a page of answers: what left it, to look at."""

import streamlit as st

from core.search import Answer, changes
from core.types import Kind
from pages.parts import gallery, viewer, words

SIZE = 120


def show(kind: Kind, answer: Answer) -> None:
    """A sentence, and behind it the hits that cosine alone would have put on this page."""
    told = changes(answer)
    if not told:
        return
    st.caption(words.plain(told))
    if answer.left:
        with st.expander("What left this page", type="compact", key=f"_moved_{kind}"):
            st.caption("Ranks are those that cosine alone gives.")
            viewer.browse(gallery.hits(answer.left), key=f"_left_{kind}", size=SIZE)
