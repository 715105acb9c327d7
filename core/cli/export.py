"""`sextant export`: a collection, or a part of it, as files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json, read_file
from core.errors import InputError, UnknownName

if TYPE_CHECKING:
    from core.types import Filter, Kind, Query
    from core.workbench import Workbench


def export(workbench: Workbench, options: argparse.Namespace) -> None:
    """Write the items of a collection, or those that a filter, a tag or a query leaves."""
    from core.measure import count

    if not options.query and (options.k is not None or options.find):
        raise InputError("-k and --find belong to --query. Give a query, or leave them out.")
    place = options.out or Path(workbench.export_place(options.name, options.to))
    progress = Progress("items")
    done = workbench.export(
        options.name,
        options.to,
        place,
        filters=_filters(workbench, options),
        query=_query(workbench, options) if options.query else None,
        k=options.k or 0,
        encoder=options.encoder,
        recipe=options.recipe,
        vectors=not options.no_vectors,
        progress=progress,
    )
    progress.end()
    if options.json:
        unreadable = [{"name": r.name, "reason": r.reason} for r in done.unreadable]
        document = {
            "collection": options.name,
            "form": options.to,
            "files": [str(file) for file in done.files],
            "exported": {"image": done.images, "text": done.texts},
            "unreadable": unreadable,
        }
        return print_json(document, options)
    for wrong in done.unreadable[:5]:
        log(f"{wrong.name}: only its row was written: {wrong.reason}.")
    if len(done.unreadable) > 5:
        log(f"... and {len(done.unreadable) - 5:,} more images without their pixels.")
    items = f"{count(done.images, 'image')} and {count(done.texts, 'text')}"
    echo(f"{options.name}: {items} exported.")
    for file in done.files:
        echo(str(file))
    return None


def _filters(workbench: Workbench, options: argparse.Namespace) -> tuple[Filter, ...]:
    from core.types import Filter

    opened = workbench.open(options.name, options.encoder) if options.where else None
    filters = workbench.parse_filters(opened, options.where) if opened else ()
    if not options.selection:
        return filters
    tags = workbench.tag_names(options.name)
    if options.selection not in tags:
        raise UnknownName(f"tag of '{options.name}'", options.selection, tags)
    return (*filters, Filter("tag", "in", (options.selection,)))


def _query(workbench: Workbench, options: argparse.Namespace) -> Query:
    from core.types import Query

    kinds: dict[str, tuple[Kind, ...]] = {
        "image": ("image",),
        "text": ("text",),
        "both": ("image", "text"),
    }
    opened = workbench.open(options.name, options.encoder)
    parts = workbench.parse_query(opened, options.query, read=lambda name: read_file(Path(name)))
    find = options.find or ("image" if opened.space.n_images else "text")
    return Query(parts, kinds=kinds[find])
