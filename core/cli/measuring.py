"""`sextant evaluate`, `diagnose` and `bench`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.printing import print_json, say, tell, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.workbench import Workbench


def evaluate(workbench: Workbench, options: argparse.Namespace) -> None:
    """Recall both ways."""
    from core import documents

    result = workbench.evaluate(options.name, options.encoder)
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

    if options.report and not options.report.absolute().parent.is_dir():
        raise InputError(f"There is no folder {options.report.parent} to write the report to.")
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    filters = workbench.filters(options.name, options.subset)
    space = workbench.subset(options.name, filters, options.encoder)
    findings = workbench.diagnose(
        options.name,
        only,
        options.encoder,
        filters=filters,
        on_part=lambda name: tell(f"measuring {name}"),
    )
    if options.report:
        from core import html_report

        side = html_report.Side(options.subset or "Everything", space, findings)
        write_file(options.report, html_report.page(options.name, [side]))
    if options.json:
        return print_json(documents.diagnosis(space.encoder, space.n, findings))
    for f in findings:
        interval = f"[{f.low:.3g}, {f.high:.3g}]"
        say(f"{f.verdict:<8} {f.name:<20} {f.scope:<6} {f.value:>9.4g}  {interval}")
        say(f"         {f.sentence}")


def bench(workbench: Workbench, options: argparse.Namespace) -> None:
    """One benchmark's rows."""
    from core import bench

    print_json(bench.run(options.what))
