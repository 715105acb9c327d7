"""Findings on scales and as a table; the vital signs among them."""

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from core import ASSETS, measure
from core.measure import compare
from core.registry import Plugin
from core.types import SCOPE_NAMES, Finding, Scope
from pages.parts import state

DOTS = {"bad": ":red[●]", "watch": ":orange[●]", "good": ":green[●]"}
VERDICTS = {"good": "good", "watch": "watch", "bad": "bad", "unknown": "no verdict"}
AID = (
    "Dot and bar: value with its 95% interval. Vertical tick: the reference it is compared with. "
    "Filled color: verdict; ring: no verdict."
)
FIRST = "pair_recall"  # where there are pairs, whether search finds what it should comes first
_FILES = ASSETS / "vital_signs"
_DRAWN = st.components.v2.component(
    "sextant_vital_signs",
    css=(_FILES / "vital_signs.css").read_text("utf-8"),
    js=(_FILES / "vital_signs.js").read_text("utf-8"),
)


def vital() -> tuple[Finding, ...]:
    """The vital signs of the collection on screen that can be measured."""
    signs, parts = list[Finding](), _vital()
    for n, (part, scope) in enumerate(parts, 1):
        with st.spinner(f"{part.title}, {n} of {len(parts)}", show_time=True):
            findings, _ = state.measured(part.name)
        signs += [f for f in findings if f.scope == scope] or findings[:1]
    return tuple(signs)


def among(findings: Iterable[Finding]) -> list[Finding]:
    """Those of findings that are vital signs, in their scope."""
    scopes = {part.name: scope for part, scope in _vital()}
    return [f for f in findings if scopes.get(f.name) == f.scope]


def show(
    findings: Iterable[Finding],
    *,
    key: str,
    wide: bool = False,
    other: Sequence[Finding] | None = None,
) -> None:
    """Draw findings as a list, or side by side when `wide`.

    With the findings of another space in `other`, both are drawn and compared.
    """
    data = [_row(f) for f in findings] if other is None else _both([*findings], other)
    _DRAWN(key=key, data={"look": "wide" if wide else "", "signs": data})


def rows(findings: Iterable[Finding]) -> list[dict[str, str | float]]:
    """The same as a table."""
    return [
        {
            "diagnostic": f.name, "scope": f.scope, "value": f.value, "low": f.low,
            "high": f.high, "reference": f.reference.value, "reference name": f.reference.name,
            "verdict": f.verdict, "sentence": f.sentence, "detail": f.detail, "sampled": f.sampled,
            "over": f.over,
        }
        for f in findings
    ]  # fmt: skip


def _vital() -> list[tuple[Plugin[Any], Scope]]:
    """The diagnostics that are vital signs, each with the scope that counts."""
    parts = [(p, p.traits["vital"]) for p in measure.measures() if p.traits.get("vital")]
    return sorted(parts, key=lambda part: part[0].name != FIRST)


def _both(findings: Sequence[Finding], other: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings of two spaces; those that only one has come last."""
    contrasts = compare(findings, other)
    both = [
        {**_row(c.a), "other": _row(c.b), "differs": c.differs, "contrast": c.sentence}
        for c in contrasts
    ]
    known = {(c.a.name, c.a.scope) for c in contrasts}
    alone = [
        {**_row(f), "sentence": f"Only {side} has this value. {f.sentence}"}
        for side, found in (("A", findings), ("B", other))
        for f in found
        if (f.name, f.scope) not in known
    ]
    return both + alone


def _row(finding: Finding) -> dict[str, str | float | None]:
    low, high = finding.low, finding.high
    reference = finding.reference.value
    value_text, interval_text, reference_text = measure.shown(finding)
    return {
        "title": measure.title(finding.name),
        "scope": SCOPE_NAMES[finding.scope],
        "verdict": finding.verdict,
        "verdict_text": VERDICTS[finding.verdict],
        "value": float(finding.value),
        "low": float(low) if finding.has_interval else None,
        "high": float(high) if finding.has_interval else None,
        "reference": reference if reference == reference else None,
        "reference_text": reference_text,
        "reference_name": finding.reference.name,
        "value_text": value_text,
        "interval_text": interval_text,
        "over": finding.over,
        "sentence": finding.sentence,
    }
