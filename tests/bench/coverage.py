"""How often 95% intervals cover the true value, in percent of fresh draws of known populations."""

from __future__ import annotations

from typing import Any

from tests.bench.rows import figures, row
from tests.fixtures.coverage import SHOWN, coverage
from tests.fixtures.populations import POPULATIONS

SIZES = {24: 100, 159: 100, 300: 100, 1200: 50}  # images: draws
WIDE = (159, 1200)  # images measured in 256 dimensions too
NORMAL = 3.92  # standard deviations that a 95% interval of a normal estimate is wide


def run() -> list[dict[str, Any]]:
    """A row for each figure, scope, number of images and number of dimensions."""
    settings = [("classes", n) for n in SIZES] + [("captions, 256-d", n) for n in WIDE]
    return [r for name in SHOWN for population, n in settings for r in _rows(name, population, n)]


def _rows(name: str, population: str, n: int) -> list[dict[str, Any]]:
    result = []
    for scope, found in coverage(name, POPULATIONS[population], n, SIZES[n]).items():
        enough = found.intervals >= found.draws / 2
        note = f"{found.intervals} intervals in {found.draws} draws of {population}"
        if enough and found.spread:
            note += f"; width {figures(found.width / NORMAL / found.spread)} of a normal estimate's"
        share = figures(100 * found.share) if enough else None
        result.append(row(f"{name}, {scope}", n, POPULATIONS[population].d, share, "%", note))
    return result
