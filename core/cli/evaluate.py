"""`sextant evaluate`: retrieval metrics of a collection's pairs, and of label analogies."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import echo, print_json

if TYPE_CHECKING:
    from core.workbench import Workbench


def evaluate(workbench: Workbench, options: argparse.Namespace) -> None:
    """Retrieval metrics in both directions."""
    from core.workbench import documents

    if options.analogies:
        return _analogies(workbench, options)
    opened = workbench.open(options.name, options.encoder)
    result = workbench.evaluate(opened, hub_correction=options.hub_correction)
    if options.json:
        return print_json(documents.evaluation(result))
    for title, direction in (
        ("text to image", result.text_to_image),
        ("image to text", result.image_to_text),
    ):
        echo(f"{title} ({len(direction.queries):,} queries)")
        for name, s in direction.scores.items():
            interval = f"[{s.low:.3f}, {s.high:.3f}]"
            echo(f"  {name:<12} {s.value:>8.3f}  {interval:<18} chance {s.chance:.3f}")
    echo(result.sentence)


def _analogies(workbench: Workbench, options: argparse.Namespace) -> None:
    """Success rate of label analogies."""
    from core.workbench import documents

    result = workbench.analogies(workbench.open(options.name, options.encoder))
    if options.json:
        return print_json(documents.analogies(result))
    for name, s in result.scores.items():
        chance = "" if s.chance != s.chance else f"chance {s.chance:.3f}"
        echo(f"{name:<12} {s.value:>8.3f}  [{s.low:.3f}, {s.high:.3f}]  {chance}".rstrip())
    echo(result.sentence)
