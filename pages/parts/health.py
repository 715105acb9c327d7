"""How a collection is, in one line: the worst of its vital signs."""

from typing import Any

import streamlit as st

from core.diagnostics import DIAGNOSTICS
from core.errors import TooFew
from core.types import Scope, Verdict
from pages.parts import problems, signs, state

WORST_FIRST: tuple[Verdict, ...] = ("bad", "watch", "good")
DOTS = {"bad": ":red[●]", "watch": ":orange[●]", "good": ":green[●]"}


def show(name: str, place: Any) -> None:
    """Write the line into its place: a dot, and what the worst verdict is about."""
    with problems.shown():
        verdicts = _verdicts(state.workbench().home.open(name).version(), name)
        worst = next((v for v in WORST_FIRST if v in verdicts.values()), None)
        about = ", ".join(title for title, verdict in verdicts.items() if verdict == worst)
        if worst == "good":
            place.caption(f"{DOTS[worst]} vital signs good")
        elif worst:
            place.caption(f"{DOTS[worst]} {worst}: {about.lower()}")


@st.cache_data(max_entries=64, show_spinner=False)
def _verdicts(version: str, name: str) -> dict[str, Verdict]:
    """The verdict of each vital sign that can be measured, by title."""
    verdicts = {}
    for part, scope in signs.VITAL:
        if verdict := _verdict(name, part, scope):
            verdicts[DIAGNOSTICS.get(part).title] = verdict
    return verdicts


def _verdict(name: str, part: str, scope: Scope) -> Verdict | None:
    try:
        findings = state.workbench().diagnose(name, only=(part,))
    except TooFew:
        return None
    return next((f.verdict for f in findings if f.scope == scope), None)
