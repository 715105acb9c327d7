"""The geometry report as one HTML file: no network, no scripts, light and dark.

The page is the template `assets/report.html`; this file computes what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from core import ASSETS, measure
from core.registry import Plugin
from core.report import svg
from core.report.evidence import Evidence
from core.types import SCOPE_NAMES, Curve, Finding, Space

if TYPE_CHECKING:
    from jinja2 import Environment

AID = (
    "Dot and bar: value with its 95% interval. Vertical tick: the reference it is compared with. "
    "Color: verdict."
)


@dataclass(frozen=True)
class Side:
    """What was measured, in words, and its findings."""

    name: str
    space: Space
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Section:
    """One diagnostic: its figures (SVG), its findings with the side and name of each.

    `head` is the title of the part that stands for its cause, "" where it speaks for itself; `also`
    is one line on the findings that its own cause explains.
    """

    part: Plugin[Any]
    curves: str
    intervals: str
    rows: Sequence[tuple[Side, Finding, str]]
    contrasts: Sequence[tuple[str, str]]
    head: str = ""
    also: str = ""


def html_page(
    collection: str,
    sides: Sequence[Side],
    lacks: Mapping[str, str] | None = None,
    evidence: Evidence | None = None,
    command: str = "",
) -> str:
    """The whole report.

    Args:
        collection: its name.
        sides: one, or two to compare.
        lacks: why a diagnostic could not be measured, by its name.
        evidence: the items behind the numbers; without them the report has numbers only.
        command: the command line that reproduces it.
    """
    marks = [f"{'AB'[i]}" if len(sides) > 1 else "" for i in range(len(sides))]
    measured = {_part_name(f) for side in sides for f in side.findings}
    parts = [part for part in measure.measures() if part.name in measured]
    sections = [_section(part, sides, marks) for part in parts]
    return (
        _templates()
        .get_template("report.html")
        .render(
            collection=collection,
            sides=[
                (mark, side, _verdicts(parts, side), measure.concerns(side.findings))
                for mark, side in zip(marks, sides, strict=True)
            ],
            families={
                family: [s for s in sections if s.part.family == family]
                for family in dict.fromkeys(part.family for part in parts)
            },
            lacks=[(measure.measure(name).title, why) for name, why in (lacks or {}).items()],
            evidence=evidence or Evidence(),
            command=command,
            aid=AID,
            usual=measure.USUAL,
            compare_aid=measure.COMPARE_AID,
            advice_source=measure.SOURCE,
        )
    )


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["number"] = lambda value: measure.format_value(value)
    templates.globals["shown"] = measure.shown
    templates.tests["finite"] = isfinite
    return templates


def _verdicts(parts: Sequence[Plugin[Any]], side: Side) -> list[tuple[str, int, list[str]]]:
    """Each verdict, how many findings have it, and the titles of their parts."""
    repeated = {id(f) for found in measure.folded(side.findings).values() for f in found}
    counted = [f for f in side.findings if id(f) not in repeated]
    result = []
    for verdict in ("bad", "watch", "good", "unknown"):
        names = [_part_name(f) for f in counted if f.verdict == verdict]
        if names:
            result.append((verdict, len(names), [p.title for p in parts if p.name in names]))
    return result


def _section(part: Plugin[Any], sides: Sequence[Side], marks: Sequence[str]) -> Section:
    rows, lines = [], []
    for mark, side in zip(marks, sides, strict=True):
        prefix = f"{mark} · " if mark else ""
        for finding in _of_part(part, side):
            rows.append((side, finding, f"{prefix}{_label(finding)}"))
            lines += [(f"{prefix}{name}", line) for name, line in _lines(side, finding)]
    contrasts = []
    if len(sides) > 1:
        pairs = measure.compare(_of_part(part, sides[0]), _of_part(part, sides[1]))
        contrasts = [(_label(pair.a).capitalize(), pair.sentence) for pair in pairs]
    intervals = svg.intervals([f for _, f, _ in rows], [name for _, _, name in rows])
    title, also = "", ""
    if len(sides) == 1:
        heads = measure.folded(sides[0].findings)
        also = measure.folded_sentence(heads[part.name]) if part.name in heads else ""
        head = next((h for h, found in heads.items() if any(f in found for _, f, _ in rows)), "")
        title = measure.measure(head).title if head else ""
    return Section(
        part, svg.curves(lines) if lines else "", intervals, rows, contrasts, title, also
    )


def _lines(side: Side, finding: Finding) -> Iterable[tuple[str, Curve]]:
    if finding.curve is not None:
        return [(_label(finding), finding.curve)]
    if finding.per_item is not None and finding.scope != "joint":
        lines = measure.finding_curves(side.space, finding)
        return [(SCOPE_NAMES[kind], line) for kind, line in lines.items()]
    return []


def _of_part(part: Plugin[Any], side: Side) -> list[Finding]:
    return [finding for finding in side.findings if _part_name(finding) == part.name]


def _part_name(finding: Finding) -> str:
    return finding.name.partition(":")[0]


def _label(finding: Finding) -> str:
    """The detail after the part's name, such as the augmentation of a probe, or else the scope."""
    return finding.name.partition(": ")[2] or SCOPE_NAMES[finding.scope]
