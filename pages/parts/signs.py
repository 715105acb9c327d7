"""Vital signs: findings at a glance, each with its verdict, interval, reference and sentence."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from core.diagnostics import DIAGNOSTICS
from core.errors import TooFew
from core.types import Finding, Scope, Space
from pages.parts import state, words

# The six that explain most of what a search shows, each with the scope to look at first.
VITAL: tuple[tuple[str, Scope], ...] = (
    ("alignment", "pairs"),
    ("modality_gap", "joint"),
    ("uniformity", "image"),
    ("effective_rank", "image"),
    ("hubness", "image"),
    ("near_duplicates", "image"),
)
SCOPES = {"image": "pictures", "text": "texts", "joint": "both", "pairs": "pairs"}
VERDICTS = {"good": "good", "watch": "watch", "bad": "bad", "unknown": "no verdict"}
AID = (
    "Dot and bar: today's value with its 95 % interval. Upright tick: what it is compared with. "
    "Filled colour: verdict; ring: none."
)
_ASSETS = Path(__file__).parents[2] / "assets" / "signs"
_SIGNS = st.components.v2.component(
    "sextant_signs",
    css=(_ASSETS / "signs.css").read_text("utf-8"),
    js=(_ASSETS / "signs.js").read_text("utf-8"),
)


def vital() -> tuple[Finding, ...]:
    """The vital signs of the collection on screen that it has enough items for."""
    found: list[Finding] = []
    here = state.space()
    names = [(name, scope) for name, scope in VITAL if name in DIAGNOSTICS.all()]
    for n, (name, scope) in enumerate(names, 1):
        title = f"{DIAGNOSTICS.get(name).title}, {n} of {len(names)}"
        with st.spinner(title, show_time=True):
            findings = _measured(name, here)
        found += [f for f in findings if f.scope == scope] or findings[:1]
    return tuple(found)


def show(findings: Iterable[Finding], *, key: str, wide: bool = False) -> None:
    """Draw findings as a list, or side by side when `wide`."""
    _SIGNS(key=key, data={"wide": wide, "signs": [_row(f) for f in findings]})


def rows(findings: Iterable[Finding]) -> list[dict[str, str | float]]:
    """The same as a table."""
    return [
        {
            "diagnostic": f.name, "scope": f.scope, "value": f.value, "low": f.low,
            "high": f.high, "reference": f.reference.value, "reference name": f.reference.name,
            "verdict": f.verdict, "sentence": f.sentence, "sampled": f.sampled,
        }
        for f in findings
    ]  # fmt: skip


def _measured(name: str, here: Space) -> list[Finding]:
    try:
        return list(state.findings(name, of=here))
    except TooFew:
        return []


def _row(finding: Finding) -> dict[str, str | float | None]:
    exact = finding.low == finding.high
    reference = finding.reference.value
    return {
        "title": DIAGNOSTICS.get(finding.name).title,
        "scope": SCOPES[finding.scope],
        "verdict": finding.verdict,
        "verdict_text": VERDICTS[finding.verdict],
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "reference": reference if reference == reference else None,
        "reference_text": words.number(reference),
        "reference_name": finding.reference.name,
        "value_text": words.number(finding.value, finding.low, finding.high),
        "interval_text": "" if exact else words.interval(finding.low, finding.high),
        "sentence": finding.sentence,
    }
