"""`sextant label`: zero-shot labels of one image, or their accuracy on the collection."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import echo, print_json, read_file, read_text
from core.errors import InputError

if TYPE_CHECKING:
    from core.search import LabelRanking, LabelScores
    from core.workbench import Workbench


def label(workbench: Workbench, options: argparse.Namespace) -> None:
    """Labels of an image or an item; without one, zero-shot accuracy."""
    from core.types import Part

    labels = read_text(str(options.labels)).splitlines() if options.labels else None
    if options.image and options.item:
        raise InputError("Give --image FILE or --item ID, and not both.")
    opened = workbench.open(options.name, options.encoder)
    if not (options.image or options.item):
        return _print_scores(workbench.score_labels(opened, labels), options)
    part = Part(image=read_file(options.image)) if options.image else Part(item=options.item)
    return _print_ranking(workbench.rank_labels(opened, part, labels, k=options.k), options)


def _print_ranking(ranking: LabelRanking, options: argparse.Namespace) -> None:
    from core.workbench import documents

    if options.json:
        return print_json(documents.label_ranking(ranking), options)
    echo(f"{'p':>8}  label")
    for hit in ranking.likeliest:
        echo(f"{hit.value:>8.1%}  {hit.label}")
    echo(f"{'distance':>8}  Fréchet mean first; expected squared distance to the label")
    for hit in ranking.frechet[:3]:
        echo(f"{hit.value:>8.2f}  {hit.label}")
    return echo(ranking.sentence)


def _print_scores(result: LabelScores, options: argparse.Namespace) -> None:
    from core.workbench import documents

    if options.json:
        return print_json(documents.label_scores(result), options)
    for name, s in result.scores.items():
        interval = f"[{s.low:.3f}, {s.high:.3f}]"
        echo(f"{name:<24} {s.value:>7.3f}  {interval:<17} chance {s.chance:.3f}")
    return echo(result.sentence)
