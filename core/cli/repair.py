"""`sextant repair`: fit repairs on some pairs, judge them on the others, keep what helps."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import Progress, echo, log, print_json, read_file, write_file
from core.errors import InputError

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench import Repaired, Workbench

ONNX = ".onnx"


def repair(workbench: Workbench, options: argparse.Namespace) -> None:
    """Print what a recipe does to the held-out pairs; keep, export or import it."""
    from core.workbench import documents

    opened = workbench.open(options.name, options.encoder)
    if options.use:
        return _import(workbench, opened, options)
    if not options.steps and options.suggest is None:
        raise InputError(
            "Give --steps, such as per_modality_centering,nnn:k=128, or --suggest SECONDS. Steps: "
            f"{', '.join(workbench.repair_names())}"
        )
    progress = Progress("parts")
    result = (
        workbench.suggest(opened, options.suggest, progress=progress)
        if options.suggest is not None
        else workbench.repair(opened, options.steps, progress=progress)
    )
    progress.end()
    if options.keep:
        workbench.keep_recipe(opened, options.keep, result.recipe)
    if options.export:
        onnx = options.export.suffix.lower() == ONNX
        write = workbench.recipe_onnx if onnx else workbench.recipe_bytes
        write_file(options.export, write(opened, result.recipe))
    if options.json:
        return print_json(documents.repaired(result), options)
    _show(result)
    if options.keep:
        log(f"Kept as '{options.keep}'. Search with it: sextant search ... --recipe {options.keep}")
    return None


def _show(result: Repaired) -> None:
    """What was compared, and what the recipe does to each metric."""
    if result.tried:
        echo("mAP on pairs of the training half:")
    for title, number in result.tried:
        echo(f"{number:.4f}  {title}")
    echo("steps: " + (",".join(map(str, result.recipe.steps)) or "none"))
    for name, gains in result.delta.items():
        for metric in gains:
            before = getattr(result.before, name).scores[metric].value
            echo(f"{name:14} {metric:10} {before:7.2%}  {result.points(name, metric)}")
    echo(result.sentence)


def _import(workbench: Workbench, opened: EncodedCollection, options: argparse.Namespace) -> None:
    """Store the recipe of a file."""
    if options.export:
        raise InputError("--use stores the recipe of a file as it is. Leave --export out.")
    name = options.keep or options.use.stem
    workbench.import_recipe(opened, name, read_file(options.use))
    if options.json:
        return print_json({"recipe": name}, options)
    return echo(f"Recipe '{name}' stored. Search with it: sextant search ... --recipe {name}")
