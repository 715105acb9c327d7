"""What the first use of an encoder takes: the steps that are running, with their times."""

import streamlit as st

from pages.parts import formatting, state

LEAST_S = 1.0  # shorter steps are not shown
ABOUT = (
    "Once for each encoder on this machine. Searches work meanwhile, with torch; the converted "
    "encoder is kept for the next start."
)


def show() -> None:
    """The steps, updated every second until there are none; nothing where all is prepared."""
    if not _over():
        _watch()


def lines() -> list[str]:
    """One line for each step that has been running for a while."""
    return [
        f"{formatting.plain(step.name)}, {step.seconds:.0f} s"
        for step in state.workbench().encoder_steps()
        if step.seconds >= LEAST_S
    ]


@st.fragment(run_every=1.0)
def _watch() -> None:
    if _over():
        st.rerun()
    for line in lines():
        st.caption(f":material/hourglass_top: {line}", help=ABOUT)


def _over() -> bool:
    return state.ready() and state.workbench().finish_encoders(0)
