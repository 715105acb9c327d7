"""Errors a user can correct are shown as sentences; of bugs only an id, which the log explains."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec
from uuid import uuid4

import streamlit as st

from core.errors import Busy, InputError, MissingPart, SextantError, StoreError
from pages.parts import formatting

P = ParamSpec("P")


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


@contextmanager
def door() -> Iterator[None]:
    """Draw a page or a part of it: what fails is one sentence, its details are in the server's log.

    With `sextant serve --debug` bugs are raised, for Streamlit to show where they are.
    """
    try:
        yield
    except SextantError as problem:
        show(problem)
    except Exception:
        if st.get_option("client.showErrorDetails") == "full":
            raise
        id_ = uuid4().hex[:8]
        logging.getLogger("sextant").exception("Error %s", id_)
        st.error(
            f"This page failed, which is a bug in Sextant. The log of the server tells more, at "
            f"error {id_}.",
            icon=":material/bug_report:",
        )


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """A fragment or a dialog behind the door, as it also runs without its page."""

    @wraps(draw)
    def behind_door(*arguments: P.args, **settings: P.kwargs) -> None:
        with door():
            draw(*arguments, **settings)

    return behind_door


def show(problem: SextantError) -> None:
    """One error as a sentence: a warning where it is no fault of the server, else an error."""
    if isinstance(problem, StoreError) and problem.__cause__:
        logging.getLogger("sextant").warning("%s (%s)", problem, problem.__cause__)
    box = st.warning if isinstance(problem, InputError | MissingPart | Busy) else st.error
    box(formatting.plain(problem), icon=":material/info:")


def nothing(title: str, sentence: str, *, icon: str = ":material/explore:") -> None:
    """An empty page: what is missing and what to do next."""
    with st.container(key="nothing", horizontal_alignment="center", gap="small"):
        st.space("large")
        st.markdown(f"# :primary[{icon}]", text_alignment="center", anchors=False)
        st.markdown(f"## {title}", text_alignment="center", anchors=False)
        st.markdown(sentence, text_alignment="center", width=600)
        st.space("small")
