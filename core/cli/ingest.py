"""`sextant ingest`, `encode` and `tokens`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json

if TYPE_CHECKING:
    from core.ingest import IngestReport
    from core.types import Pooling
    from core.workbench import Workbench


def ingest(workbench: Workbench, options: argparse.Namespace) -> None:
    """Read images, captions or vectors into a collection."""
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
        return print_json(report.to_dict(), options)
    _log_rejected(report)
    echo(
        f"{report.collection}: {report.images:,} images and {report.texts:,} texts added, "
        f"{len(report.repeated):,} identical to others, {report.updated:,} updated, "
        f"{len(report.rejected):,} rejected, "
        f"{report.encoded:,} encoded in {report.seconds:.1f} s."
    )


def encode(workbench: Workbench, options: argparse.Namespace) -> None:
    """Encode a collection's items with a further encoder, or again with the newer starter."""
    progress = Progress("items")
    report = (
        workbench.add_encoder(options.name, options.encoder, progress=progress)
        if options.encoder
        else workbench.encode_again(options.name, progress=progress)
    )
    progress.end()
    if options.json:
        return print_json(report.to_dict(), options)
    _log_rejected(report)
    echo(f"{report.collection}: {report.encoded:,} items encoded in {report.seconds:.1f} s.")


def tokens(workbench: Workbench, options: argparse.Namespace) -> None:
    """Store token vectors of a collection's items."""
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
        return print_json({**report.to_dict(), **document}, options)
    _log_rejected(report)
    echo(
        f"{report.collection}: token vectors of {report.encoded:,} items added, "
        f"{stored.items:,} stored in all."
    )


def _pooling(options: argparse.Namespace) -> Pooling | None:
    """The pooling set by the options; None without any, which leaves it as it is."""
    from core.errors import BadParameter
    from core.types import Pooling

    if options.ratio is not None and not 0 < options.ratio <= 1:
        raise BadParameter("ratio", options.ratio, "above 0, to 1")
    given = {"clusters": options.pool, "keep": options.keep, "ratio": options.ratio}
    chosen = {name: value for name, value in given.items() if value is not None}
    return Pooling(**chosen) if chosen else None


def _log_rejected(report: IngestReport) -> None:
    for rejected in report.rejected:
        log(f"rejected  {rejected.name}: {rejected.reason}")
    for note in report.notes:
        log(note)
