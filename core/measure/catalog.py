"""Diagnostics and probes together: in the order of a report, and by the name of a finding."""

from __future__ import annotations

from typing import Any

from core.errors import UnknownName
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.probes import PROBES
from core.registry import Plugin

# Reading order of the families; others follow.
FAMILIES = (
    "Pairs",
    "Spread",
    "Modality gap",
    "Collapse",
    "Neighbourhoods",
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
