"""`sextant ingest`, `encode` and `tokens`."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json

if TYPE_CHECKING:
    from core.ingest import IngestReport
    from core.types import Pooling
    from core.workbench import Preview, Workbench

DRY_RUN_S = 60.0


def use_memory(options: argparse.Namespace) -> None:
    """Let this process and those that it starts decode with the memory of `--memory`."""
    if options.memory:
        os.environ["SEXTANT_MEMORY"] = str(options.memory)


def ingest(workbench: Workbench, options: argparse.Namespace) -> None:
    """Read images, captions or vectors into a collection, or only show what would be read."""
    from core.errors import InputError
    from core.measure import count
    from core.workbench import ReadOptions

    use_memory(options)
    how = ReadOptions(**{f.name: getattr(options, f.name) for f in fields(ReadOptions)})
    if options.dry_run and options.prune:
        raise InputError("--dry-run cannot tell what is gone. An ingest without --prune lists it.")
    if options.dry_run:
        found = workbench.preview(
            options.path, name=options.collection, options=how, seconds=DRY_RUN_S
        )
        return print_json(found.to_dict(), options) if options.json else _show(found)
    if not options.collection:
        raise InputError("The collection has no name. Type one: -c NAME")
    progress = Progress("records")
    report = workbench.ingest(
        options.collection,
        options.path,
        encoder=options.encoder,
        options=how,
        long_text="" if options.long_text == "cut" else options.long_text,
        prune=options.prune,
        progress=progress,
    )
    progress.end()
    if options.json:
        return print_json(report.to_dict(), options)
    _log_reading(report)
    _log_rejected(report)
    for name in report.changed:
        log(f"changed   {name}: it is another image now")
    for name in report.gone:
        log(f"gone      {name}: the source no longer has it")
    again, missing = report.updated + report.unchanged, len(report.changed) + len(report.gone)
    if missing and not report.pruned:
        log("Their items stay in the collection. To delete them, repeat this with --prune.")
    parts = [
        f"{count(report.images, 'image')} and {count(report.texts, 'text')} added",
        *([f"{report.updated:,} updated", f"{report.unchanged:,} unchanged"] if again else []),
        *([f"{missing:,} gone or changed"] if missing else []),
        *([f"{report.pruned:,} deleted"] if report.pruned else []),
        f"{len(report.rejected):,} rejected",
        f"{report.encoded:,} encoded in {report.seconds:.1f} s",
    ]
    echo(f"{report.collection}: {', '.join(parts)}.")


def _log_reading(found: IngestReport | Preview) -> None:
    """How the source was read: its form, the role of each column, and what was left aside."""
    if found.form:
        log(f"form      {found.form}")
    if columns := ", ".join(f"{column} ({role})" for column, role in found.columns.items()):
        log(f"columns   {columns}")
    for aside in found.left_aside:
        instead = f"; to read it: {aside.instead}" if aside.instead else ""
        log(f"aside     {aside.name}: {aside.reason}{instead}")


def _show(found: Preview) -> None:
    """The result of a dry run."""
    _log_reading(found)
    for rejected in found.rejected:
        log(f"rejected  {rejected.name}: {rejected.reason}")
    for note in found.notes:
        log(note)
    for row in found.rows:
        parts = [row.problem and f"not readable, {row.problem}", *map(repr, row.captions)]
        parts += [f"labels {', '.join(row.labels)}"] if row.labels else []
        parts += [f"{name} {value}" for name, value in row.attributes.items()]
        echo(f"{row.name}: {'; '.join(filter(None, parts)) or 'an image'}")
    of = "" if found.total in (None, found.seen) else f" of {found.total:,}"
    log(f"{found.name}: {found.seen:,}{of} records were looked at. Nothing was stored.")


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
    from core.types import Pooling

    given = {"clusters": options.pool, "keep": options.keep, "ratio": options.ratio}
    chosen = {name: value for name, value in given.items() if value is not None}
    return Pooling(**chosen) if chosen else None


def _log_rejected(report: IngestReport) -> None:
    for rejected in report.rejected:
        log(f"rejected  {rejected.name}: {rejected.reason}")
    for note in report.notes:
        log(note)
