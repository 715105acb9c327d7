"""`sextant compress`: bytes, recall and losers of ways to keep vectors; keep or export one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.workbench import Workbench


def compress(workbench: Workbench, options: argparse.Namespace) -> None:
    """Print what each way costs; keep one for search, or write its codes."""
    from core.improve import parse_way
    from core.workbench import lab_document

    opened = workbench.open(options.name, options.encoder)
    if options.recipe:
        opened = workbench.repaired(opened, options.recipe)
    only = tuple(part.strip() for part in options.only.split(",") if part.strip())
    wanted = options.keep or options.export_way
    if options.export and not wanted:
        raise InputError("Give the way to export, such as: --way int8")
    if wanted and not only:
        only = (wanted,)
    elif wanted and wanted not in only:
        only = (*only, wanted)
    progress = Progress("ways")
    lab = workbench.compress(
        opened, only=only, recall=options.recall, budget=options.budget_bytes, progress=progress
    )
    progress.end()
    if options.keep:
        workbench.keep_way(opened, parse_way(options.keep), options.recall)
    if options.export:
        write_file(options.export, workbench.way_bytes(opened, parse_way(wanted)))
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
