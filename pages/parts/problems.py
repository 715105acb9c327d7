"""Errors a user can correct are shown as sentences; bugs keep their traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import InputError, MissingPart, SextantError
from pages.parts import formatting


@contextmanager
def shown(*, stop: bool = False) -> Iterator[None]:
    """Show errors that a user can correct in their place; bugs are raised.

    Call and draw inside the block: what follows it also runs after an error, unless `stop`.
    """
    try:
        yield
    except SextantError as problem:
        show(problem)
        if stop:
            st.stop()


def show(problem: SextantError) -> None:
    """One error as a sentence: a warning for wrong input or a missing part, else an error."""
    box = st.warning if isinstance(problem, InputError | MissingPart) else st.error
    box(formatting.plain(problem), icon=":material/info:")


def nothing(title: str, sentence: str, *, icon: str = ":material/explore:") -> None:
    """An empty page: what is missing and what to do next."""
    with st.container(key="nothing", horizontal_alignment="center", gap="small"):
        st.space("large")
        st.markdown(f"# :primary[{icon}]", text_alignment="center", anchors=False)
        st.markdown(f"## {title}", text_alignment="center", anchors=False)
        st.markdown(sentence, text_alignment="center", width=600)
        st.space("small")
