"""`sextant compress`: bytes, recall and losers of ways to keep vectors; keep or export one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench import Workbench

LEVEL = 0.99  # recall@10 that a way keeps, without --recall


def compress(workbench: Workbench, options: argparse.Namespace) -> None:
    """Print what each way costs; keep one for search, or write its codes."""
    from core.improve import parse_way
    from core.workbench import lab_document

    _check(options)
    opened = workbench.open(options.name, options.encoder, options.recipe)
    if options.layers:
        return _layers(workbench, opened, options)
    if options.protocol:
        return _protocol(workbench, opened, options)
    exported = (options.export_way or options.keep) if options.export else ""
    recall = options.recall or LEVEL
    progress = Progress("ways")
    lab = workbench.compress(
        opened,
        only=_measured(options.only, options.keep, exported),
        recall=recall,
        budget=options.budget_bytes,
        progress=progress,
    )
    progress.end()
    if options.keep:
        workbench.keep_way(opened, parse_way(options.keep), recall)
    if options.export:
        way = next(way for way in lab.ways if way.name == str(parse_way(exported)))
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


def _check(options: argparse.Namespace) -> None:
    """Reject options that would not be used."""
    study = "--protocol" if options.protocol else "--layers" if options.layers else ""
    for name in ("only", "budget_bytes", "recall", "keep", "export_way", "export"):
        if study and getattr(options, name):
            option = f"--{name.removeprefix('export_').replace('_', '-')}"
            raise InputError(f"{study} does not use {option}. Leave one of them out.")
    if options.export_way and not options.export:
        raise InputError("--way is the way to export. Give --export FILE too, or leave --way out.")
    if options.export and not (options.export_way or options.keep):
        raise InputError("Give the way to export, such as: --way int8")


def _measured(only: str, *wanted: str) -> tuple[str, ...]:
    """The ways that are measured: those that are kept or exported are among them."""
    named = tuple(part.strip() for part in only.split(",") if part.strip())
    return tuple(dict.fromkeys((*named, *filter(None, wanted))))


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
