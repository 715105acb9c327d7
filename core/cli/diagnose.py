"""`sextant diagnose`: the geometry of a collection, or of two parts or two encoders of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.cli.output import Progress, print_json, say, tell, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.report import Side
    from core.types import Finding, Space
    from core.workbench import Workbench


REST = "rest"


@dataclass(frozen=True)
class Measured:
    """What to measure, and what to call it; no encoder is the collection's first."""

    name: str
    encoder: str | None
    space: Space


def diagnose(workbench: Workbench, options: argparse.Namespace) -> None:
    """The geometry report of one side, or of two."""
    from core.measure import PROBES
    from core.report import Side as html_report_Side
    from core.report import html_page

    if options.report and not options.report.absolute().parent.is_dir():
        raise InputError(f"There is no folder {options.report.parent} to write the report to.")
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    probed, measured = _told_apart(only)
    if probed and (options.subset or options.versus_subset):
        raise InputError(
            f"{', '.join(probed)}: the encoder is tried on pictures of the whole collection. "
            "Leave --subset and --versus-subset out."
        )
    sides = []
    for asked in _asked(workbench, options):
        findings = _probe(workbench, options.name, asked.encoder, probed)
        if measured or not only:
            findings += workbench.measure(
                asked.space, measured, on_part=lambda part: tell(f"measuring {part}")
            )
        sides.append(html_report_Side(asked.name, asked.space, findings))
    if not only:
        names = ",".join(PROBES.all())
        tell(f"left out: {names}, which run the encoder. To have them: --only {names}")
    if options.report:
        shown = workbench.exhibits(options.name, [(s.space, s.findings) for s in sides])
        write_file(options.report, html_page(options.name, sides, shown=shown))
    _show(sides, as_json=options.json)


def _asked(workbench: Workbench, options: argparse.Namespace) -> list[Measured]:
    """What is measured: one space, or the two that are compared."""
    name, title, encoder = options.name, options.subset or "Everything", options.encoder
    filters = workbench.filters(name, options.subset)
    first = Measured(title, encoder, workbench.subset(name, filters, encoder))
    if options.versus_encoder:
        versus = options.versus_encoder
        if workbench.passport(name, versus) == workbench.passport(name, encoder):
            known = ", ".join(workbench.card(name).encoders)
            raise InputError(
                f"Both sides are encoded with '{versus}'. This collection has: {known}."
            )
        second = Measured(title, versus, workbench.subset(name, filters, versus))
        both = [replace(a, name=f"{title}, {a.space.encoder}") for a in (first, second)]
    elif options.versus_subset:
        both = [first, _other_part(workbench, options, first.space)]
    else:
        return [first]
    for asked in both:
        if not asked.space.n:
            raise InputError(f"Nothing to compare: '{asked.name}' has no items. Name another part.")
    return both


def _other_part(workbench: Workbench, options: argparse.Namespace, part: Space) -> Measured:
    from core.report import rest_of_space

    name, versus, encoder = options.name, options.versus_subset, options.encoder
    if versus != REST:
        filters = workbench.filters(name, versus)
        return Measured(versus, encoder, workbench.subset(name, filters, encoder))
    if not options.subset:
        raise InputError("Without --subset there is no rest. Name a part, such as: label = dog.")
    return Measured("The rest", encoder, rest_of_space(workbench.space(name, encoder), part))


def _show(sides: Sequence[Side], *, as_json: bool) -> None:
    """One side as it is; of two, which numbers surely differ."""
    from core.measure import COMPARE_AID, compare
    from core.workbench import documents

    each = [documents.diagnosis(s.space.encoder, s.space.n, s.findings) for s in sides]
    if len(sides) == 1:
        return print_json(each[0]) if as_json else _one(sides[0].findings)
    contrasts = compare(sides[0].findings, sides[1].findings)
    if as_json:
        a, b = ({"part": s.name, **d} for s, d in zip(sides, each, strict=True))
        return print_json(documents.comparison(a, b, contrasts))
    for mark, side in zip("AB", sides, strict=True):
        say(f"{mark}  {side.name}: {side.space.n:,} items, encoded with {side.space.encoder}")
    for c in contrasts:
        differs = "differs" if c.differs else ""
        say(f"{differs:<8} {c.a.name:<24} {c.a.scope:<6} {_number(c.a)}  {_number(c.b)}")
    both = {(c.a.name, c.a.scope) for c in contrasts}
    for mark, side in zip("AB", sides, strict=True):
        for f in side.findings:
            if (f.name, f.scope) not in both:
                say(f"only {mark}   {f.name:<24} {f.scope:<6} {_number(f)}")
    return say(COMPARE_AID)


def _one(findings: Sequence[Finding]) -> None:
    for f in findings:
        say(f"{f.verdict:<8} {f.name:<24} {f.scope:<6} {f.value:>9.4g}  {_interval(f)}")
        say(f"         {f.sentence}")


def _number(finding: Finding) -> str:
    return f"{finding.value:>9.4g} {_interval(finding):<18} {finding.verdict:<7}"


def _interval(finding: Finding) -> str:
    return f"[{finding.low:.3g}, {finding.high:.3g}]"


def _told_apart(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of them need the encoder, and which only its vectors."""
    from core.measure import PROBES, measure

    for name in names:
        measure(name)  # refuses what is none
    probed = [name for name in names if name in PROBES.all()]
    return probed, [name for name in names if name not in probed]


def _probe(
    workbench: Workbench, name: str, encoder: str | None, probes: Sequence[str]
) -> tuple[Finding, ...]:
    """What probes find; kept with the collection, so that a second call answers at once."""
    if not probes:
        return ()
    progress = Progress("encodings")
    report = workbench.encoder_report(name, encoder, progress=progress)
    progress.end()
    for left_out, reason in report.left_out:
        tell(f"left out  {left_out}: {reason}")
    if lacks := [report.lacks[probe] for probe in probes if probe in report.lacks]:
        raise InputError(" ".join(lacks))
    space = workbench.space(name, encoder)
    return tuple(f for probe in probes for f in report.of_probe(probe, space))
