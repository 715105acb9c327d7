"""`sextant evaluate`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import print_json, say

if TYPE_CHECKING:
    from core.workbench import Workbench


def evaluate(workbench: Workbench, options: argparse.Namespace) -> None:
    """Recall both ways."""
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
        say(f"{title} ({len(direction.queries):,} queries)")
        for name, s in direction.scores.items():
            interval = f"[{s.low:.3f}, {s.high:.3f}]"
            say(f"  {name:<12} {s.value:>8.3f}  {interval:<18} chance {s.chance:.3f}")
    say(result.sentence)


def _analogies(workbench: Workbench, options: argparse.Namespace) -> None:
    """Swaps of labels in words."""
    from core.workbench import documents

    found = workbench.analogies(workbench.open(options.name, options.encoder))
    if options.json:
        return print_json(documents.analogies(found))
    for name, s in found.scores.items():
        chance = "" if s.chance != s.chance else f"chance {s.chance:.3f}"
        say(f"{name:<12} {s.value:>8.3f}  [{s.low:.3f}, {s.high:.3f}]  {chance}".rstrip())
    say(found.sentence)
