"""`sextant compress`: bytes, recall and losers of ways to keep vectors; keep or export one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench import Workbench


def compress(workbench: Workbench, options: argparse.Namespace) -> None:
    """Print what each way costs; keep one for search, or write its codes."""
    from core.improve import parse_way
    from core.workbench import lab_document

    opened = workbench.open(options.name, options.encoder)
    if options.recipe:
        opened = workbench.repaired(opened, options.recipe)
    if options.layers:
        return _layers(workbench, opened, options)
    if options.protocol:
        return _protocol(workbench, opened, options)
    wanted, only = _wanted(options)
    progress = Progress("ways")
    lab = workbench.compress(
        opened, only=only, recall=options.recall, budget=options.budget_bytes, progress=progress
    )
    progress.end()
    if options.keep:
        workbench.keep_way(opened, parse_way(options.keep), options.recall)
    if options.export:
        way = next(way for way in lab.ways if way.name == str(parse_way(wanted)))
        write_file(options.export, workbench.way_bytes(opened, way.way))
        beside = options.export.with_name(f"{options.export.stem}_decoder.py")
        write_file(beside, way.decoder.encode())
    if options.json:
        return print_json(lab_document(lab), options)
    tasks = [task.name for task in lab.tasks]
    echo(f"{'bytes':>8}  {'ms':>6}  {'rescore':>7}  {'  '.join(tasks)}  way")
    for way in lab.ways:
        recalls = (f"{way.recall[task][0]:{len(task)}.1%}" for task in tasks)
        echo(
            f"{way.bytes_per_item:8,.0f}  {way.ms_per_query:6.2f}  {way.shortlist:7,}  "
            f"{'  '.join(recalls)}  {way.name}"
        )
    echo(lab.sentence)
    if options.keep:
        log(f"Kept. Search with it: sextant search {options.name} ... --first compressed")
    return None


def _wanted(options: argparse.Namespace) -> tuple[str, tuple[str, ...]]:
    """The way that is kept or written, and those that are measured: it is among them."""
    wanted = options.keep or options.export_way
    if options.export and not wanted:
        raise InputError("Give the way to export, such as: --way int8")
    only = tuple(part.strip() for part in options.only.split(",") if part.strip())
    return wanted, tuple(dict.fromkeys((*only, wanted))) if wanted else only


def _protocol(workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace) -> None:
    """Print a row for each way at each budget."""
    from core.workbench import protocol_document

    progress = Progress("ways")
    document = protocol_document(workbench.budget_rows(opened, progress))
    progress.end()
    if options.json:
        return print_json(document, options)
    for name, words in document["filters"].items():
        echo(f"{name}: {words}")
    for row in document["rows"]:
        found = (f"{one['filter']} @{one['k']} {one['value']:.1%}" for one in row["recall"])
        size = f"1/{row['part']}, {row['code_bytes']:,.0f} bytes"
        echo(f"{size:>16}  {row['way']}: {', '.join(found)}")
    return None


def _layers(workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace) -> None:
    """Print recall by layer and number of dimensions."""
    from core.workbench import depth_document

    progress = Progress("images")
    grid = workbench.depth_grid(opened, progress)
    progress.end()
    if options.json:
        return print_json(depth_document(grid), options)
    echo(f"{'layer':>6}  {'ms':>6}  " + "  ".join(f"{dims:>6}" for dims in grid.dims))
    for layer, ms, row in zip(grid.layers, grid.ms, grid.recall, strict=True):
        echo(f"{layer or 'all':>6}  {ms:6.1f}  " + "  ".join(f"{v:6.1%}" for v, _, _ in row))
    echo(grid.sentence)
    return None
