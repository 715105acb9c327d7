"""The findings of a collection, measured once for each state of its vectors and stored with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import measure, numerics
from core.errors import InputError
from core.measure import DIAGNOSTICS, FIGURES, Concern, Figure
from core.types import Finding, Floats, Progress, Space, digest
from core.workbench.ingest import no_progress
from core.workbench.jobs import begin_step
from core.workbench.measure import measure as measure_part

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench.collections import Workbench

FIRST = ("pair_recall", *FIGURES)  # what a person looks at first; heavy ones last
LAST = ("gap_curve", "codebook_collapse", "local_dimension", "alpha_req")
COMPLETE = "complete"  # the part that says which version of the collection was measured


@dataclass(frozen=True)
class StoredFindings:
    """What is stored about the vectors of a collection.

    Args:
        findings: by diagnostic, without their values for single items.
        lacks: why a diagnostic or figure cannot be measured, such as too few items, by its name.
        figures: by name.
        missing: diagnostics and figures that are not measured yet.
    """

    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Finding, ...]:
        """Every finding, by diagnostic in alphabetical order, as `measure` returns them."""
        return tuple(f for name in sorted(self.findings) for f in self.findings[name])


@dataclass(frozen=True)
class Glance:
    """What a collection's stored findings say, for a card.

    Args:
        recall: recall@10 from text to image, None where there are no pairs.
        concerns: what to mend, then what to watch, in the order in which to act.
        fine: number of findings that are good.
        current: whether the collection is still as it was measured.
    """

    recall: Finding | None
    concerns: tuple[Concern, ...]
    fine: int
    current: bool


def measure_all(
    opened: EncodedCollection,
    *,
    progress: Progress = no_progress,
    on_part: Callable[[str], None] = lambda part: None,
) -> StoredFindings:
    """Measure what is not stored yet, and store each part at once: a run that stopped resumes.

    Args:
        opened: the collection with the vectors of one encoder.
        progress: called with (parts done, all parts); may raise to stop.
        on_part: called with the name of each part before it is measured.
    """
    missing, total = stored_findings(opened).missing, len(_parts())
    begin_step(progress, "measuring", unit="measurements")
    for done, name in enumerate(missing, total - len(missing)):
        progress(done, total)
        on_part(name)
        _measure(opened, name)
    if missing or _stamp(opened) != opened.version:
        report = {"version": opened.version}
        opened.collection.artifacts.write_findings(_place(opened, COMPLETE), _state(opened), report)
    if missing:
        opened.collection.artifacts.optimize_findings()
    progress(total, total)
    return stored_findings(opened)


def measure_space(
    space: Space, *, on_part: Callable[[str], None] = lambda part: None
) -> StoredFindings:
    """The same of a part of a collection, in which nothing is stored.

    Args:
        space: what to measure.
        on_part: called with the name of each part before it is measured.
    """
    reports = {}
    for name in _parts():
        on_part(name)
        reports[name] = _report(space, name)[0]
    return _stored(reports)


def stored_findings(opened: EncodedCollection) -> StoredFindings:
    """What is stored about these vectors; nothing is measured."""
    known = opened.collection.artifacts.read_findings()
    reports, state = {}, _state(opened)
    for name in _parts():
        of, report = known.get(_place(opened, name), ("", {}))
        if of == state:
            reports[name] = report
    return _stored(reports)


def findings(opened: EncodedCollection, name: str) -> tuple[tuple[Finding, ...], str]:
    """The findings of one diagnostic with their values for single items, or what it lacks.

    Measured and stored where they are not stored yet.

    Raises:
        UnknownName: no such diagnostic.
    """
    DIAGNOSTICS.get(name)
    artifacts, place = opened.collection.artifacts, _place(opened, name)
    state, report = artifacts.read_findings().get(place, ("", {}))
    if state != _state(opened):
        report = _measure(opened, name)
    found = [Finding.from_dict(plain) for plain in report.get("findings", ())]
    if any(with_items := report.get("with_items", ())):
        values = iter(artifacts.read_finding_items(place, opened.space.n))
        found = [
            replace(f, per_item=next(values)) if has else f
            for f, has in zip(found, with_items, strict=True)
        ]
    return tuple(found), report.get("lacks", "")


def diagnose(
    opened: EncodedCollection,
    space: Space,
    names: Sequence[str] = (),
    *,
    on_part: Callable[[str], None] = lambda part: None,
) -> tuple[tuple[Finding, ...], dict[str, str]]:
    """As `measure`; of the whole collection what is stored is read and the rest is stored.

    Args:
        opened: the collection.
        space: all of it, or a part.
        names: of diagnostics; all of them without.
        on_part: called with the name of each diagnostic that has to be measured.
    """
    chosen = [DIAGNOSTICS.get(name).name for name in names] or [*DIAGNOSTICS.all()]
    whole = space.key == opened.space.key
    missing = set(stored_findings(opened).missing if whole else chosen)
    found, lacks = list[Finding](), dict[str, str]()
    for name in chosen:
        if name in missing:
            on_part(name)
        if whole:
            each, lack = findings(opened, name)
        else:
            each, some = measure_part(space, [name])
            lack = some.get(name, "")
        found += each
        if lack:
            lacks[name] = lack
    return tuple(found), lacks


def glance(bench: Workbench, name: str, encoder: str | None = None) -> Glance | None:
    """What is stored about a collection, without reading its vectors; None while there is nothing.

    Args:
        bench: the workbench.
        name: the collection.
        encoder: which vectors; those of the collection's first encoder without.
    """
    collection = bench.home.open(name)
    if not collection.passports():
        return None
    key, known = collection.passport(encoder).key, collection.artifacts.read_findings()
    state, stamp = known.get(f"{key} {COMPLETE}", ("", {}))
    parts = {part: known.get(f"{key} {part}", ("", {})) for part in _parts()}
    stored = _stored({part: report for part, (of, report) in parts.items() if of == state != ""})
    if not stored.findings:
        return None
    recall = next(iter(stored.findings.get("pair_recall", ())), None)
    return Glance(
        recall,
        measure.concerns(stored.all),
        sum(f.verdict == "good" for f in stored.all),
        stamp["version"] == collection.version() and state.endswith(_code()),
    )


def _parts() -> tuple[str, ...]:
    """Diagnostics and figures in the order in which they are measured."""
    names = [n for n in DIAGNOSTICS.all() if n not in (*FIRST, *LAST)]
    return (*FIRST, *names, *LAST)


def _measure(opened: EncodedCollection, name: str) -> dict[str, Any]:
    """Measure and store one part; returns its report."""
    report, items = _report(opened.space, name)
    place = _place(opened, name)
    opened.collection.artifacts.write_findings(place, _state(opened), report, items)
    return report


def _report(space: Space, name: str) -> tuple[dict[str, Any], Floats | None]:
    """What is stored of one part, and the (m, n) values of single items."""
    try:
        if name in FIGURES:
            return {"figure": FIGURES[name](space).to_dict()}, None
        found = DIAGNOSTICS.get(name)(space)
    except InputError as lack:  # of whatever kind: no part keeps the others from being measured
        return {"lacks": str(lack)}, None
    report = {
        "findings": [replace(f, per_item=None).to_dict() for f in found],
        "with_items": [f.per_item is not None for f in found],
    }
    each = [f.per_item for f in found if f.per_item is not None]
    return report, np.stack(each) if each else None


def _stored(reports: Mapping[str, Mapping[str, Any]]) -> StoredFindings:
    return StoredFindings(
        {
            name: tuple(Finding.from_dict(plain) for plain in report["findings"])
            for name, report in reports.items()
            if "findings" in report
        },
        {name: report["lacks"] for name, report in reports.items() if "lacks" in report},
        {
            name: Figure.from_dict(report["figure"])
            for name, report in reports.items()
            if "figure" in report
        },
        tuple(name for name in _parts() if name not in reports),
    )


def _stamp(opened: EncodedCollection) -> str:
    """The version of the collection that was measured last."""
    known = opened.collection.artifacts.read_findings()
    state, report = known.get(_place(opened, COMPLETE), ("", {}))
    return report["version"] if state == _state(opened) else ""


def _place(opened: EncodedCollection, name: str) -> str:
    repaired = f" {opened.recipe}" if opened.recipe else ""
    return f"{opened.passport.key}{repaired} {name}"


def _state(opened: EncodedCollection) -> str:
    """What findings hold for: the vectors, and the code that measures them."""
    return f"{opened.space.key} {_code()}"


@cache
def _code() -> str:
    """Identity of the code that measures: after an update nothing old is shown."""
    folders = [Path(package.__file__).parent for package in (measure, numerics) if package.__file__]
    return digest(*(p.read_bytes() for folder in folders for p in sorted(folder.rglob("*.py"))))
