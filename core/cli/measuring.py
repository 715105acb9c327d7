"""`sextant evaluate` and `bench`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.printing import print_json, say

if TYPE_CHECKING:
    from core.workbench import Workbench


def evaluate(workbench: Workbench, options: argparse.Namespace) -> None:
    """Recall both ways."""
    from core import documents

    result = workbench.evaluate(
        options.name, options.encoder, hub_correction=options.hub_correction
    )
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


def bench(workbench: Workbench, options: argparse.Namespace) -> None:
    """One benchmark's rows."""
    from core import bench

    print_json(bench.run(options.what))
