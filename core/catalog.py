"""Every part with its source, as one table: for the Methods page, the README and the tests.

python -m core.catalog --check README.md     say whether the table in the file is fresh
python -m core.catalog --write README.md     make it so
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.diagnostics import DIAGNOSTICS
from core.errors import InputError, UnknownName, UnreadableFile
from core.hub_corrections import HUB_CORRECTIONS
from core.probes import PROBES
from core.projections import PROJECTIONS
from core.registry import Choices, Param, Plugin
from core.rerankers import RERANKERS

REGISTRIES = (DIAGNOSTICS, PROBES, PROJECTIONS, HUB_CORRECTIONS, RERANKERS)
# The order a reader meets them in; a family that is not named here comes after these.
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
START, END = "<!-- catalog: start -->", "<!-- catalog: end -->"


@dataclass(frozen=True)
class Entry:
    """One part as a reader sees it. `settings` are (name, default, what it does)."""

    kind: str
    name: str
    title: str
    family: str
    summary: str
    about: str
    source: str
    settings: tuple[tuple[str, str, str], ...]


def entries() -> tuple[Entry, ...]:
    """All parts of all registries: by kind, then family, then title."""
    found = [_entry(r.what, part) for r in REGISTRIES for part in r.all().values()]
    kinds = [r.what for r in REGISTRIES]
    return tuple(
        sorted(found, key=lambda e: (kinds.index(e.kind), family_rank(e.family), e.title.lower()))
    )


def measures() -> list[Plugin[Any]]:
    """Everything that gives findings, diagnostics and probes: by family, then title."""
    parts = [*DIAGNOSTICS.all().values(), *PROBES.all().values()]
    return sorted(parts, key=lambda p: (family_rank(p.family), p.title))


def measure(name: str) -> Plugin[Any]:
    """The diagnostic or probe of that name, or the one that made a finding of that name.

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
    """What a finding is called, by its name.

    >>> title("hubness"), title("invariance: rotation")
    ('Hubness', 'Invariance: rotation')
    """
    return measure(name).title + "".join(name.partition(":")[1:])


def reading(about: str) -> str:
    r"""The prose of a part's docstring: how to read its number, without its technical sections.

    >>> reading("0 is best.\n\nArgs:\n    space: n rows."), reading("Args:\n    space: n rows.")
    ('0 is best.', '')
    """
    return f"\n{about}".partition("\nArgs:")[0].strip()


def family_rank(family: str) -> tuple[int, str]:
    """Sorts families in reading order; those that are not listed come last, by name."""
    known = family in FAMILIES
    return (FAMILIES.index(family) if known else len(FAMILIES), "" if known else family)


def table() -> str:
    """The parts as a Markdown table.

    Every line of it stands in the README between the two markers.
    """
    lines = ["| part | kind | family | what it tells | source |", "|---|---|---|---|---|"]
    for e in entries():
        cells = (f"**{e.title}** `{e.name}`", e.kind, e.family, e.summary, e.source)
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines)


def refreshed(text: str, name: str) -> str:
    """The text with today's table between the markers.

    Raises:
        UnreadableFile: the two markers are not there.
    """
    head, start, rest = text.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise UnreadableFile(name, f"it has no lines '{START}' and '{END}'")
    return f"{head}{START}\n{table()}\n{END}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write the table of a file; 0 done, 1 stale, 2 refused."""
    parser = ArgumentParser(prog="python -m core.catalog", description="The table of all parts.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 when it is stale")
    action.add_argument("--write", type=Path, metavar="FILE", help="put today's table in")
    options = parser.parse_args(arguments)
    path: Path = options.check or options.write
    try:
        text = path.read_text(encoding="utf-8")
        fresh = refreshed(text, path.name)
    except FileNotFoundError:
        sys.stderr.write(f"{UnreadableFile(path.name, 'there is no such file')}\n")
        return 2
    except InputError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    if options.write:
        path.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.stderr.write(
            f"The table in {path.name} is stale: python -m core.catalog --write {path}\n"
        )
        return 1
    return 0


def _entry(kind: str, part: Plugin[Any]) -> Entry:
    settings = tuple((p.name, str(p.default), _allowed(p)) for p in part.params)
    return Entry(
        kind, part.name, part.title, part.family, part.summary, part.about, part.source, settings
    )


def _allowed(param: Param) -> str:
    """What a setting does and which values it takes."""
    if isinstance(param.allowed, Choices):
        return f"{param.allowed.help}; {', '.join(param.allowed.values)}"
    return f"{param.allowed.help}; {param.allowed.low:g} to {param.allowed.high:g}"


if __name__ == "__main__":
    sys.exit(main())
