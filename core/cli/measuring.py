"""`sextant evaluate`, `diagnose` and `bench`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cli.printing import Progress, print_json, say, tell, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.types import Finding
    from core.workbench import Workbench


def evaluate(workbench: Workbench, options: argparse.Namespace) -> None:
    """Recall both ways."""
    from core import documents

    result = workbench.evaluate(
        options.name, options.encoder, hub_correction=options.hub_correction
    )
    if options.json:
        return print_json(documents.evaluation(result))
    for title, direction in (
        ("text to image", result.text_to_image),
        ("image to text", result.image_to_text),
    ):
        say(f"{title} ({len(direction.queries):,} queries)")
        for name, s in direction.scores.items():
            interval = f"[{s.low:.3f}, {s.high:.3f}]"
            say(f"  {name:<12} {s.value:>8.3f}  {interval:<18} chance {s.chance:.3f}")
    say(result.sentence)


def diagnose(workbench: Workbench, options: argparse.Namespace) -> None:
    """The geometry report."""
    from core import documents
    from core.probes import PROBES

    if options.report and not options.report.absolute().parent.is_dir():
        raise InputError(f"There is no folder {options.report.parent} to write the report to.")
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    filters = workbench.filters(options.name, options.subset)
    space = workbench.subset(options.name, filters, options.encoder)
    probed, measured = _told_apart(only)
    if probed and filters:
        raise InputError(
            f"{', '.join(probed)}: the encoder is tried on pictures of the whole collection. "
            "Leave --subset out."
        )
    findings = _probe(workbench, options, probed)
    if measured or not only:
        findings += workbench.diagnose(
            options.name,
            measured,
            options.encoder,
            filters=filters,
            on_part=lambda name: tell(f"measuring {name}"),
        )
    if not only:
        names = ",".join(PROBES.all())
        tell(f"left out: {names}, which run the encoder. To have them: --only {names}")
    if options.report:
        from core import html_report

        side = html_report.Side(options.subset or "Everything", space, findings)
        shown = workbench.exhibits(options.name, [(space, findings)])
        write_file(options.report, html_report.page(options.name, [side], shown=shown))
    if options.json:
        return print_json(documents.diagnosis(space.encoder, space.n, findings))
    for f in findings:
        interval = f"[{f.low:.3g}, {f.high:.3g}]"
        say(f"{f.verdict:<8} {f.name:<24} {f.scope:<6} {f.value:>9.4g}  {interval}")
        say(f"         {f.sentence}")


def _told_apart(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of them need the encoder, and which only its vectors."""
    from core.catalog import measure
    from core.probes import PROBES

    for name in names:
        measure(name)  # refuses what is none
    probed = [name for name in names if name in PROBES.all()]
    return probed, [name for name in names if name not in probed]


def _probe(
    workbench: Workbench, options: argparse.Namespace, names: Sequence[str]
) -> tuple[Finding, ...]:
    """What probes find; kept with the collection, so that a second call answers at once."""
    if not names:
        return ()
    progress = Progress("encodings")
    report = workbench.encoder_report(options.name, options.encoder, progress=progress)
    progress.end()
    for name, reason in report.left_out:
        tell(f"left out  {name}: {reason}")
    if lacks := [report.lacks[name] for name in names if name in report.lacks]:
        raise InputError(" ".join(lacks))
    space = workbench.space(options.name, options.encoder)
    return tuple(f for name in names for f in report.of_probe(name, space))


def bench(workbench: Workbench, options: argparse.Namespace) -> None:
    """One benchmark's rows."""
    from core import bench

    print_json(bench.run(options.what))
