"""A user's mistake becomes a sentence; a bug keeps its traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import InputError, MissingPart, SextantError
from pages.parts import formatting


@contextmanager
def shown(*, stop: bool = False) -> Iterator[None]:
    """Show what the user can mend, where it happened; let bugs through.

    Call and draw inside the block: what follows it also runs after a problem, unless `stop`.
    """
    try:
        yield
    except SextantError as problem:
        tell(problem)
        if stop:
            st.stop()


def tell(problem: SextantError) -> None:
    """One problem as a sentence: asked for something impossible, or something is not here."""
    box = st.warning if isinstance(problem, InputError | MissingPart) else st.error
    box(formatting.plain(problem), icon=":material/info:")


def nothing(title: str, sentence: str, *, icon: str = ":material/explore:") -> None:
    """An empty screen: what is missing and what to do next."""
    with st.container(key="nothing", horizontal_alignment="center", gap="small"):
        st.space("large")
        st.markdown(f"# :primary[{icon}]", text_alignment="center", anchors=False)
        st.markdown(f"## {title}", text_alignment="center", anchors=False)
        st.markdown(sentence, text_alignment="center", width=600)
        st.space("small")
