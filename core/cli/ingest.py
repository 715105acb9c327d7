"""`sextant ingest`, `demo`, `serve` and `collections`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import Progress, print_json, say, tell

if TYPE_CHECKING:
    from core.types import Pooling
    from core.workbench import Workbench


def ingest(workbench: Workbench, options: argparse.Namespace) -> None:
    """Read pictures, captions or vectors into a collection."""
    progress = Progress("records")
    report = workbench.ingest(
        options.collection,
        options.path,
        encoder=options.encoder,
        long_text="" if options.long_text == "cut" else options.long_text,
        progress=progress,
    )
    progress.end()
    if options.json:
        return print_json(report.to_dict())
    for refusal in report.rejected:
        tell(f"refused  {refusal.name}: {refusal.reason}")
    for note in report.notes:
        tell(note)
    say(
        f"{report.collection}: {report.images:,} pictures and {report.texts:,} texts added, "
        f"{len(report.repeated):,} repeated, {len(report.rejected):,} refused, "
        f"{report.encoded:,} encoded in {report.seconds:.1f} s."
    )


def tokens(workbench: Workbench, options: argparse.Namespace) -> None:
    """Store token vectors."""
    progress = Progress("items")
    opened = workbench.open(options.name, options.encoder)
    report = workbench.add_tokens(opened, pooling=_pooling(options), progress=progress)
    progress.end()
    stored = workbench.tokens_stored(opened)
    if options.json:
        document = {
            "items": stored.items,
            "bytes_per_item": round(stored.bytes_per_item, 1),
            "pooling": dict(stored.poolings),
        }
        return print_json({**report.to_dict(), **document})
    for refusal in report.rejected:
        tell(f"refused  {refusal.name}: {refusal.reason}")
    for note in report.notes:
        tell(note)
    say(
        f"{report.collection}: token vectors of {report.encoded:,} items added, "
        f"{stored.items:,} in all."
    )


def _pooling(options: argparse.Namespace) -> Pooling | None:
    """What was asked for; None where nothing was, which leaves it as it is."""
    from core.errors import BadParameter
    from core.types import Pooling

    if options.ratio is not None and not 0 < options.ratio <= 1:
        raise BadParameter("ratio", options.ratio, "above 0, to 1")
    given = {"clusters": options.pool, "keep": options.keep, "ratio": options.ratio}
    asked = {name: value for name, value in given.items() if value is not None}
    return Pooling(**asked) if asked else None


def demo(workbench: Workbench, options: argparse.Namespace) -> None:
    """Build the demo collection, and open it unless told not to."""
    if options.build_only:
        progress = Progress("pictures")
        report = workbench.build_demo(progress)
        progress.end()
        if options.json:
            print_json(report.to_dict())
        return
    from core.workbench import tasks

    tasks.start(workbench, "build_demo", "Building the demo collection", name="demo")
    serve_command(workbench, options)


def serve_command(workbench: Workbench, options: argparse.Namespace) -> None:
    """Open the app."""
    from core.cli import serve as server

    server.serve(workbench.uri, options.host, options.port, browser=not options.no_browser)


def collections(workbench: Workbench, options: argparse.Namespace) -> None:
    """What there is."""
    cards = workbench.cards()
    if options.json:
        rows = [
            {"name": c.name, "images": c.images, "texts": c.texts, "encoders": list(c.encoders)}
            for c in cards
        ]
        return print_json({"collections": rows})
    for card in cards:
        made_by = ", ".join(card.encoders)
        say(f"{card.name}: {card.images:,} pictures, {card.texts:,} texts, {made_by}")
    if not cards:
        say("No collections yet. Make one: sextant ingest PATH -c NAME, or sextant demo")
