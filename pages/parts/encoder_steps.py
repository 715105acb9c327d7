"""What the first use of an encoder takes: the steps that are running, with their times."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts import formatting, problems, state

LEAST_S, EVERY_S = 1.0, 0.5  # shorter steps are not shown; how often they are looked at
ABOUT = (
    "Once for each encoder on this machine. Searches work meanwhile, with torch; the converted "
    "encoder is cached for the next start."
)


def wait(place: DeltaGenerator) -> None:
    """Wait until the encoder is loaded, and show its steps meanwhile."""
    loading = state.warm()
    if loading is None or not loading.is_alive():
        return
    while loading.is_alive():
        place.caption("  \n".join(map(_line, lines() or ["Loading the encoder (once)…"])))
        loading.join(EVERY_S)
    place.empty()


def show(place: DeltaGenerator) -> None:
    """The steps, updated every second until there are none; nothing where all is prepared."""
    if not _over():
        with place.container(key="encoder_steps"):
            _watch()


def lines() -> list[str]:
    """One line for each step that has been running for a while."""
    return [
        f"{formatting.plain(step.name)}, {step.seconds:.0f} s"
        for step in state.workbench().encoder_steps()
        if step.seconds >= LEAST_S
    ]


@st.fragment(run_every=1.0)
@problems.guarded
def _watch() -> None:
    if _over():
        st.rerun()
    if lines():
        st.caption("  \n".join(map(_line, lines())), help=ABOUT)


def _line(text: str) -> str:
    return f":material/hourglass_top: {text}"


def _over() -> bool:
    return state.ready() and state.workbench().finish_encoders(0)
