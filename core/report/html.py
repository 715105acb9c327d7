"""The geometry report as one HTML file: no network, no scripts, light and dark, to keep or send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import Any

from core import ASSETS, measure
from core.registry import Plugin
from core.report import svg
from core.report.evidence import Evidence
from core.types import SCOPE_NAMES, Curve, Finding, Space

STYLE = ASSETS / "report.css"
AID = (
    "Dot and bar: value with its 95 % interval. Upright tick: what it is compared with. Colour: "
    "verdict."
)


@dataclass(frozen=True)
class Side:
    """What was measured, in words, and what was found."""

    name: str
    space: Space
    findings: tuple[Finding, ...]


def html_page(
    collection: str,
    sides: Sequence[Side],
    lacks: Mapping[str, str] | None = None,
    shown: Evidence | None = None,
) -> str:
    """The whole report.

    Args:
        collection: its name.
        sides: one, or two to compare.
        lacks: why a diagnostic could not be measured, by its name.
        shown: the items behind the numbers; without them the report has numbers only.
    """
    shown = shown or Evidence()
    found = {measure.measure(f.name).name for side in sides for f in side.findings}
    parts = [part for part in measure.measures() if part.name in found]
    body = [f"<h1>Geometry of {escape(collection)}</h1>", *_abouts(parts, sides)]
    if len(sides) > 1:
        body.append(f'<p class="aid">{escape(measure.COMPARE_AID)}</p>')
    body.append(f'<p class="aid">{AID} {escape(shown.about)}</p>{shown.pictures_once()}')
    for family in dict.fromkeys(p.family for p in parts):
        body.append(f"<h2>{escape(family)}</h2>")
        body += [_part(p, sides, shown) for p in parts if p.family == family]
    body.append(_not_measured(lacks or {}))
    style = STYLE.read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Geometry of {escape(collection)}</title><style>{style}</style></head>\n"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _abouts(parts: Sequence[Plugin[Any]], sides: Sequence[Side]) -> Iterator[str]:
    for i, side in enumerate(sides):
        space = side.space
        mark = f"{'AB'[i]}: " if len(sides) > 1 else ""
        counts = f"{space.n_images:,} pictures, {space.n - space.n_images:,} texts"
        counts += f" and {len(space.pairs):,} pairs; {space.d} dimensions"
        yield (
            f"<p><b>{mark}{escape(side.name)}</b><br>{counts}, "
            f"encoded with {escape(space.encoder)}.</p>{_summary(parts, side)}"
        )


def _summary(parts: Sequence[Plugin[Any]], side: Side) -> str:
    """How many numbers are bad, to watch or good, and which."""
    rows = []
    for verdict in ("bad", "watch", "good", "unknown"):
        found = [f for f in side.findings if f.verdict == verdict]
        names = [p.title for p in parts if any(_by(p, f) for f in found)]
        if names:
            title = "no verdict" if verdict == "unknown" else verdict
            rows.append(
                f'<tr><th><i class="{verdict}"></i>{title}</th><td>{len(found)}</td>'
                f"<td>{escape(', '.join(names))}</td></tr>"
            )
    return f"<table>{''.join(rows)}</table>"


def _part(plugin: Plugin[Any], sides: Sequence[Side], shown: Evidence) -> str:
    """One diagnostic: its figure, its numbers, what they mean and what to do."""
    found = [
        (side, f, f"{'AB'[i]} · " if len(sides) > 1 else "")
        for i, side in enumerate(sides)
        for f in side.findings
        if _by(plugin, f)
    ]
    lines = [(f"{mark}{name}", line) for side, f, mark in found for name, line in _lines(side, f)]
    figures = svg.curves(lines) if lines else ""
    if lines and plugin.traits.get("aid"):
        figures += f'<p class="aid">{escape(str(plugin.traits["aid"]))}</p>'
    names = [f"{mark}{_called(f)}" for _, f, mark in found]
    figures += svg.intervals([f for _, f, _ in found], names)
    rows = "".join(_row(f, name) for (_, f, _), name in zip(found, names, strict=True))
    items = "".join(
        shown.both_ends(side.space, f, name)
        for (side, f, _), name in zip(found, names, strict=True)
    )
    return (
        f'<section id="{plugin.name}"><h3>{escape(plugin.title)}</h3>'
        f'<p class="aid">{escape(plugin.summary)}</p>{figures}'
        f"<table><tr><th></th><th>value</th><th>95 % interval</th><th>compared with</th>"
        f"<th>what it says</th></tr>{rows}</table>"
        f"{_contrasts(plugin, sides)}{items}{_advice(plugin)}</section>"
    )


def _lines(side: Side, finding: Finding) -> list[tuple[str, Curve]]:
    if finding.curve is not None:
        return [(_called(finding), finding.curve)]
    if finding.per_item is not None and finding.scope != "joint":
        spread = measure.finding_curves(side.space, finding)
        return [(SCOPE_NAMES[kind], line) for kind, line in spread.items()]
    return []


def _row(finding: Finding, name: str) -> str:
    exact = finding.low == finding.high
    interval = "exact" if exact else f"{finding.low:.4g} to {finding.high:.4g}"
    reference = finding.reference
    compared = f"{reference.value:.4g}, " if isfinite(reference.value) else ""
    return (
        f'<tr><th><i class="{finding.verdict}"></i>{escape(name)}</th><td>{finding.value:.4g}</td>'
        f"<td>{interval}</td>"
        f"<td>{compared}{escape(reference.name)}</td>"
        f'<td>{escape(finding.sentence)} <span class="aid">{escape(finding.sampled)}</span></td>'
        "</tr>"
    )


def _contrasts(plugin: Plugin[Any], sides: Sequence[Side]) -> str:
    if len(sides) < 2:
        return ""
    a, b = ([f for f in side.findings if _by(plugin, f)] for side in sides[:2])
    lines = [
        f"<p><b>{escape(_called(c.a).capitalize())}.</b> {escape(c.sentence)}</p>"
        for c in measure.compare(a, b)
    ]
    return "".join(lines)


def _advice(plugin: Plugin[Any]) -> str:
    advice: measure.Advice = plugin.traits["advice"]
    rule: measure.Threshold = plugin.traits["threshold"]
    return (
        f"<p><b>Why it matters.</b> {escape(advice.why)}</p>"
        f"<p><b>What to do when it is bad</b> ({measure.SOURCE}). {escape(advice.what)}</p>"
        f'<p class="aid">Verdict: {escape(rule.words)} ({escape(rule.source)}).</p>'
        f'<p class="aid">Source: {escape(plugin.source)}</p>'
    )


def _not_measured(lacks: Mapping[str, str]) -> str:
    if not lacks:
        return ""
    rows = "".join(
        f"<li><b>{escape(measure.measure(name).title)}.</b> {escape(why)}</li>"
        for name, why in lacks.items()
    )
    return f"<h2>Not measured</h2><ul>{rows}</ul>"


def _by(plugin: Plugin[Any], finding: Finding) -> bool:
    return finding.name.partition(":")[0] == plugin.name


def _called(finding: Finding) -> str:
    """What tells a finding from the others of its part: the change it is about, or its scope."""
    return finding.name.partition(": ")[2] or SCOPE_NAMES[finding.scope]
