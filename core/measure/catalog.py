"""Diagnostics and probes together: in the order of a report, and by the name of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import nan
from typing import Any

from core.errors import UnknownName
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.findings import format_value, interval, percent, share
from core.measure.probes import PROBES
from core.measure.verdicts import CAUSES
from core.registry import Plugin
from core.types import SCOPE_NAMES, Finding

# Reading order of the families; others follow.
FAMILIES = (
    "Pairs",
    "Spread",
    "Modality gap",
    "Collapse",
    "Neighborhoods",
    "Groups",
    "Encoder",
    "Map",
    "Hubs",
    "Reranking",
)


def measures() -> list[Plugin[Any]]:
    """Diagnostics and probes, by family, then title."""
    parts = [*DIAGNOSTICS.all().values(), *PROBES.all().values()]
    return sorted(parts, key=lambda p: (family_rank(p.family), p.title))


def measure(name: str) -> Plugin[Any]:
    """The diagnostic or probe of that name, or that of a finding of that name.

    Raises:
        UnknownName: there is none.

    >>> measure("invariance: rotation").title
    'Invariance'
    """
    parts = {part.name: part for part in measures()}
    part = parts.get(name.partition(":")[0])
    if part is None:
        raise UnknownName(DIAGNOSTICS.what, name, parts)
    return part


def title(name: str) -> str:
    """The title of a finding, by its name.

    >>> title("hubness"), title("invariance: rotation")
    ('Hubness', 'Invariance: rotation')
    """
    return measure(name).title + "".join(name.partition(":")[1:])


def shown(finding: Finding) -> tuple[str, str, str]:
    """The value, its interval and its reference as they are read: shares in percent.

    The interval is "exact" for a value that is, and "no interval" where there is none.
    """
    low, high, reference = finding.low, finding.high, finding.reference.value
    if measure(finding.name).traits.get("percent"):
        value, _, ends = percent(finding.value, low, high).partition(" (")
        texts = value, ends.removesuffix(")"), share(reference)
    else:
        ends = interval(finding.value, low, high)
        texts = format_value(finding.value, low, high), ends, format_value(reference)
    if not finding.has_interval:
        return texts[0], "no interval", texts[2]
    return texts[0], texts[1] or "exact", texts[2]


def folded(findings: Iterable[Finding]) -> Mapping[str, tuple[Finding, ...]]:
    """The findings that only repeat a common cause, by the part that stands for it.

    A cause counts once: where that part's finding is not good, those of the other parts with the
    same cause that are "watch" say nothing more.
    """
    known = list(findings)
    listed = {f.name for f in known if f.verdict in ("watch", "bad")}
    result: dict[str, tuple[Finding, ...]] = {}
    for finding in known:
        head = CAUSES.get(measure(finding.name).traits.get("cause", ""), "")
        if head in listed and finding.name != head and finding.verdict == "watch":
            result[head] = (*result.get(head, ()), finding)
    return result


def folded_sentence(findings: Iterable[Finding]) -> str:
    """One line on findings with a common cause.

    >>> from core.types import Reference
    >>> folded_sentence([Finding("image", 2.04, 1.5, 2.5, Reference(3, ""), "", "", "stable_rank")])
    'From the same cause: Stable rank (NESum) 2.04 (images).'
    """
    each: dict[str, list[str]] = {}
    for f in findings:
        alone = shown(replace(f, low=nan, high=nan))[0]
        each.setdefault(title(f.name), []).append(f"{alone} ({SCOPE_NAMES[f.scope]})")
    listed = "; ".join(f"{name} {', '.join(values)}" for name, values in each.items())
    return f"From the same cause: {listed}."


def reading(about: str) -> str:
    r"""The prose of a part's docstring, without its technical sections.

    >>> reading("0 is best.\n\nArgs:\n    space: n rows."), reading("Args:\n    space: n rows.")
    ('0 is best.', '')
    """
    return f"\n{about}".partition("\nArgs:")[0].strip()


def family_rank(family: str) -> tuple[int, str]:
    """Sorts families in reading order; those that are not listed come last, by name."""
    known = family in FAMILIES
    return (FAMILIES.index(family) if known else len(FAMILIES), "" if known else family)
