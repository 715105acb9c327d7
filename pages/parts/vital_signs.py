"""Vital signs of a space: on scales, as a table, and as one line on a card."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import ASSETS, measure
from core.measure import compare
from core.registry import Plugin
from core.types import SCOPE_NAMES, Finding, Scope, Space, Verdict
from pages.parts import formatting, problems, state

WORST_FIRST: tuple[Verdict, ...] = ("bad", "watch", "good")
DOTS = {"bad": ":red[●]", "watch": ":orange[●]", "good": ":green[●]"}
VERDICTS = {"good": "good", "watch": "watch", "bad": "bad", "unknown": "no verdict"}
AID = (
    "Dot and bar: value with its 95 % interval. Vertical tick: the reference it is compared with. "
    "Filled color: verdict; ring: no verdict."
)
FIRST = "pair_recall"  # where there are pairs, whether search finds what it should comes first
_FILES = ASSETS / "vital_signs"
_DRAWN = st.components.v2.component(
    "sextant_vital_signs",
    css=(_FILES / "vital_signs.css").read_text("utf-8"),
    js=(_FILES / "vital_signs.js").read_text("utf-8"),
)


def vital(of: Space | None = None) -> tuple[Finding, ...]:
    """The vital signs of a space that can be measured; by default of the one on screen."""
    signs: list[Finding] = []
    here = of or state.space()
    parts = _vital()
    for n, (part, scope) in enumerate(parts, 1):
        with st.spinner(f"{part.title}, {n} of {len(parts)}", show_time=True):
            findings = _measured(part.name, here)
        signs += [f for f in findings if f.scope == scope] or findings[:1]
    return tuple(signs)


def vital_of(*spaces: Space) -> list[tuple[Finding, ...]]:
    """The vital signs of each space; of two, in a scope that both have where there is one."""
    if len(spaces) == 1:
        return [vital(spaces[0])]
    findings: list[tuple[Finding, ...]] = [() for _ in spaces]
    for part, scope in _vital():
        each = [{f.scope: f for f in _measured(part.name, space)} for space in spaces]
        shared = [s for s in each[0] if all(s in one for one in each)]
        at = scope if scope in shared or not shared else shared[0]
        findings = [
            had + ((one[at],) if at in one else ()) for had, one in zip(findings, each, strict=True)
        ]
    return findings


def show(
    findings: Iterable[Finding],
    *,
    key: str,
    wide: bool = False,
    six: bool = False,
    other: Sequence[Finding] | None = None,
) -> None:
    """Draw findings as a list, side by side when `wide`, or six in a row where there is room.

    With the findings of another space in `other`, both are drawn and compared.
    """
    data = [_row(f) for f in findings] if other is None else _both([*findings], other)
    _DRAWN(key=key, data={"look": "six" if six else "wide" if wide else "", "signs": data})


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


def health(name: str, place: Any) -> None:
    """Write one line into its place: a dot, and the vital signs with the worst verdict."""
    with problems.shown():
        few, signs = _signs(state.workbench().version(name), name)
        if few:
            place.caption(formatting.plain(few))
            return
        worst = next((v for v in WORST_FIRST if any(s.verdict == v for s in signs)), None)
        if worst is None:
            return
        about = ", ".join(s.about for s in signs if s.verdict == worst)
        line = ["vital signs good" if worst == "good" else f"{worst}: {about}"]
        line += [
            s.about for s in signs if s.part == FIRST and (worst == "good" or s.verdict != worst)
        ]
        place.caption(f"{DOTS[worst]} {formatting.plain(' · '.join(line))}")


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


def _measured(name: str, here: Space) -> list[Finding]:
    return list(state.measured(name, of=here)[0])


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


@dataclass(frozen=True)
class Sign:
    """A vital sign on a card."""

    part: str
    verdict: Verdict
    about: str


@st.cache_data(max_entries=64, show_spinner=False)
def _signs(version: str, name: str) -> tuple[str, list[Sign]]:
    """Why a collection has no verdicts, or its vital signs that can be measured."""
    bench = state.workbench()
    space = bench.open(name).space
    if few := measure.too_few(space):
        return few, []
    signs = []
    for part, scope in _vital():
        findings, _ = bench.measure(space, [part.name])
        found = next((f for f in findings if f.scope == scope), None)
        if found and part.name == FIRST:
            value, chance = formatting.percent(found.value), found.reference.value
            about = f"{part.title} {value}, by guessing {formatting.percent(chance)}"
            signs.append(Sign(part.name, found.verdict, about))
        elif found:
            signs.append(Sign(part.name, found.verdict, part.title.lower()))
    return "", signs
