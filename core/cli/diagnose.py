"""`sextant diagnose`: the geometry of a collection, or of two subsets or encoders compared."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.cli import gate
from core.cli.output import Progress, echo, log, print_json, write_report
from core.errors import InputError

if TYPE_CHECKING:
    from core.report import Side
    from core.store import EncodedCollection
    from core.types import Finding, Space
    from core.workbench import Workbench

REST = "rest"


@dataclass(frozen=True)
class Measured:
    """What to measure, and its title."""

    title: str
    opened: EncodedCollection
    space: Space


def diagnose(workbench: Workbench, options: argparse.Namespace) -> int:
    """The geometry report of one side, or of two; returns the exit code."""
    from core.measure import PROBES
    from core.report import Side, html_page

    if options.report and not options.report.absolute().parent.is_dir():
        raise InputError(f"There is no folder {options.report.parent} to write the report to.")
    if gate.is_set(options) and (options.versus_subset or options.versus_encoder):
        raise InputError("--fail-under, --fail-over and --against decide on one side, not on two.")
    gate.check(options)
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    probes, diagnostics = _split(only)
    if probes and (options.subset or options.versus_subset):
        raise InputError(
            f"{', '.join(probes)}: the encoder is tested on images of the whole collection. "
            "Leave --subset and --versus-subset out."
        )
    sides = []
    for side in _sides(workbench, options):
        findings = _probe(workbench, side.opened, probes)
        if diagnostics or not only:
            measured, lacks = workbench.diagnose(
                side.opened,
                side.space,
                diagnostics,
                on_part=lambda part: log(f"measuring {part}"),
            )
            if only and lacks:
                raise InputError(" ".join(lacks.values()))
            findings += measured
        sides.append(Side(side.title, side.space, findings))
    if not only:
        names = ",".join(PROBES.all())
        log(f"left out: {names}, which run the encoder. To include them: --only {names}")
    if options.report:
        opened = workbench.open(options.name, options.encoder)
        evidence = workbench.evidence(opened, [(s.space, s.findings) for s in sides])
        write_report(
            options.report,
            html_page(options.name, sides, evidence=evidence, command=options.command),
        )
    return _show(sides, options)


def _sides(workbench: Workbench, options: argparse.Namespace) -> list[Measured]:
    """What is measured: one space, or the two that are compared."""
    from core.measure import rarefied

    opened = workbench.open(options.name, options.encoder, options.recipe)
    title = options.subset or "Everything"
    filters = workbench.parse_filters(opened, options.subset)
    first = Measured(title, opened, workbench.subset(opened, filters))
    if options.versus_encoder:
        versus = workbench.open(options.name, options.versus_encoder)
        if versus.passport == opened.passport:
            known = ", ".join(workbench.encoders(options.name))
            raise InputError(
                f"Both sides are encoded with '{options.versus_encoder}'. This collection has: "
                f"{known}."
            )
        second = Measured(title, versus, workbench.subset(versus, filters))
        sides = [replace(a, title=f"{title}, {a.space.encoder}") for a in (first, second)]
    elif options.versus_subset:
        sides = [first, _other_subset(workbench, options, first)]
    else:
        return [first]
    for side in sides:
        if not side.space.n:
            raise InputError(
                f"Nothing to compare: '{side.title}' has no items. Name another subset."
            )
    spaces = rarefied(*(side.space for side in sides))
    return [replace(side, space=space) for side, space in zip(sides, spaces, strict=True)]


def _other_subset(workbench: Workbench, options: argparse.Namespace, first: Measured) -> Measured:
    from core.report import rest_of_space

    opened, versus = first.opened, options.versus_subset
    if versus != REST:
        filters = workbench.parse_filters(opened, versus)
        return Measured(versus, opened, workbench.subset(opened, filters))
    if not options.subset:
        raise InputError("Without --subset there is no rest. Name a subset, such as: label = dog.")
    return Measured("The rest", opened, rest_of_space(opened.space, first.space))


def _show(sides: Sequence[Side], options: argparse.Namespace) -> int:
    """The findings of one side; of two, which differ significantly. Returns the exit code."""
    from core.measure import COMPARE_AID, by_size, compare
    from core.workbench import documents

    each = [
        {"collection": options.name, **documents.diagnosis(s.space.encoder, s.space.n, s.findings)}
        for s in sides
    ]
    if len(sides) == 1:
        decision = gate.decide(each[0], options)
        if options.json:
            print_json(decision.document, options)
        else:
            _one(sides[0].findings)
        return decision.finish(options)
    contrasts = by_size(compare(sides[0].findings, sides[1].findings))
    if options.json:
        a, b = ({"part": s.name, **d} for s, d in zip(sides, each, strict=True))
        print_json(documents.comparison(a, b, contrasts), options)
        return 0
    for mark, side in zip("AB", sides, strict=True):
        echo(f"{mark}  {side.name}: {side.space.n:,} items, encoded with {side.space.encoder}")
    for c in contrasts:
        differs = "differs" if c.differs else ""
        echo(f"{differs:<8} {c.a.name:<24} {c.a.scope:<6} {_number(c.a)}  {_number(c.b)}")
        echo(f"         {c.sentence}")
    both = {(c.a.name, c.a.scope) for c in contrasts}
    for mark, side in zip("AB", sides, strict=True):
        for f in side.findings:
            if (f.name, f.scope) not in both:
                echo(f"only {mark}   {f.name:<24} {f.scope:<6} {_number(f)}")
    echo(COMPARE_AID)
    return 0


def _one(findings: Sequence[Finding]) -> None:
    for f in findings:
        echo(f"{f.verdict:<8} {f.name:<24} {f.scope:<6} {f.value:>9.4g}  {_interval(f)}")
        echo(f"         {f.sentence} {f.detail}".rstrip())


def _number(finding: Finding) -> str:
    return f"{finding.value:>9.4g} {_interval(finding):<18} {finding.verdict:<7}"


def _interval(finding: Finding) -> str:
    return f"[{finding.low:.3g}, {finding.high:.3g}]" if finding.has_interval else "no interval"


def _split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Probes, which run the encoder, and diagnostics, which only need its vectors."""
    from core.measure import PROBES, measure

    for name in names:
        measure(name)  # an unknown name is an error
    probes = [name for name in names if name in PROBES.all()]
    return probes, [name for name in names if name not in probes]


def _probe(
    workbench: Workbench, opened: EncodedCollection, probes: Sequence[str]
) -> tuple[Finding, ...]:
    """Findings of probes; stored with the collection, so that a second call returns at once."""
    if not probes:
        return ()
    progress = Progress("encodings")
    report = workbench.encoder_report(opened, progress=progress)
    progress.end()
    for left_out, reason in report.left_out:
        log(f"left out  {left_out}: {reason}")
    if lacks := [report.lacks[probe] for probe in probes if probe in report.lacks]:
        raise InputError(" ".join(lacks))
    return tuple(f for probe in probes for f in report.of_probe(probe, opened.space))
