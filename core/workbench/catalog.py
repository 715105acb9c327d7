"""Every part with its source, for the Methods page and the tests; its families for the README.

python -m core.workbench.catalog --check README.md     exit with 1 when the table is out of date
python -m core.workbench.catalog --write README.md     update it
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from core.errors import InputError, UnreadableFile
from core.improve import COMPRESSORS, HUB_CORRECTIONS, REPAIRS
from core.measure import DIAGNOSTICS, PROBES, PROJECTIONS, Threshold, family_rank
from core.registry import Choices, Param, Plugin
from core.search import RERANKERS

REGISTRIES = (
    DIAGNOSTICS, PROBES, PROJECTIONS, REPAIRS, HUB_CORRECTIONS, COMPRESSORS, RERANKERS
)  # fmt: skip
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
    threshold: Threshold | None = None


def entries() -> tuple[Entry, ...]:
    """All parts of all registries: by kind, then family, then title."""
    every = [_entry(r.what, part) for r in REGISTRIES for part in r.all().values()]
    kinds = [r.what for r in REGISTRIES]
    return tuple(
        sorted(every, key=lambda e: (kinds.index(e.kind), family_rank(e.family), e.title.lower()))
    )


def table() -> str:
    """The parts of each family by name, as the Markdown table between the README's markers."""
    lines = ["| kind | family | count | parts |", "|---|---|---|---|"]
    for (kind, family), group in groupby(entries(), key=lambda e: (e.kind, e.family)):
        names = [f"`{entry.name}`" for entry in group]
        lines.append(f"| {kind} | {family} | {len(names)} | {', '.join(names)} |")
    return "\n".join(lines)


def refreshed(text: str, name: str) -> str:
    """The text with the present table between the markers.

    Raises:
        UnreadableFile: the two markers are missing.
    """
    head, start, rest = text.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise UnreadableFile(name, f"it has no lines '{START}' and '{END}'")
    return f"{head}{START}\n{table()}\n{END}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write the table of a file; 0 done, 1 out of date, 2 not possible."""
    parser = ArgumentParser(
        prog="python -m core.workbench.catalog", description="The table of all parts."
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument(
        "--check", type=Path, metavar="FILE", help="exit with 1 when it is out of date"
    )
    action.add_argument("--write", type=Path, metavar="FILE", help="update the table")
    options = parser.parse_args(arguments)
    path: Path = options.check or options.write
    try:
        text = path.read_text(encoding="utf-8")
        fresh = refreshed(text, path.name)
    except FileNotFoundError:
        sys.stderr.write(f"{UnreadableFile(path.name, 'there is no such file')}\n")
        return 2
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.write:
        path.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.stderr.write(
            f"{path.name} is out of date: python -m core.workbench.catalog --write {path}\n"
        )
        return 1
    return 0


def _entry(kind: str, part: Plugin[Any]) -> Entry:
    settings = tuple((p.name, str(p.default), _allowed(p)) for p in part.params)
    return Entry(
        kind, part.name, part.title, part.family, part.summary, part.about, part.source, settings,
        part.traits.get("threshold"),
    )  # fmt: skip


def _allowed(param: Param) -> str:
    """What a setting does and which values it takes."""
    if isinstance(param.allowed, Choices):
        return f"{param.allowed.help}; {', '.join(param.allowed.values)}"
    return f"{param.allowed.help}; {param.allowed.low:g} to {param.allowed.high:g}"


if __name__ == "__main__":
    sys.exit(main())
