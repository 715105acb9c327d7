"""What each repair does to held-out pairs: as encoded, and with a planted gap and planted hubs.

Rows of the table under More > Measurements: gains in points with their 95% intervals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.errors import TooFew
from core.store import EncodedCollection
from core.types.arrays import Floats
from core.types.space import Space
from core.workbench import Workbench
from core.workbench.repair import GRID, repair

DATA = Path(__file__).parents[3] / "shared" / "data"
COLLECTIONS = ("flickr8k-800", "coco-mini")
GAP = 0.7  # added to images and subtracted from texts along one direction
HUBS, TOWARDS = 0.02, 0.8  # share of the images that are moved, and how far to the mean of texts
# What is compared: what a suggestion tries, and the rest.
RECIPES = (
    *GRID,
    *(steps for steps in (
        "length_centering", "invgc_local", "class_gates", "rare_labels,per_modality_centering",
        "rare_labels,adapter", "adapter", "adapter:head=linear:texts=one", "adapter:batches=topics",
        "adapter:mix=none", "adapter:mix=m2", "csls", "dn", "qbnorm", "invgc_local,nnn:k=128",
    ) if steps not in GRID),
)  # fmt: skip
COLUMNS = {
    "text → image mAP": ("text_to_image", "mAP"),
    "text → image R@10": ("text_to_image", "recall@10"),
    "image → text mAP": ("image_to_text", "mAP"),
    "image → text R@10": ("image_to_text", "recall@10"),
}


def run() -> list[dict[str, Any]]:
    """A row for each collection, version and recipe; none where the collections are not at hand."""
    return [found for case in _cases() if (found := _row(*case))]


def _cases() -> Iterator[tuple[str, EncodedCollection, str]]:
    for name in COLLECTIONS:
        if not (DATA / name).exists():
            continue
        with TemporaryDirectory() as folder:
            bench = Workbench(folder)
            bench.ingest(name, DATA / name)
            opened = bench.open(name)
            for version, space in (
                ("as encoded", opened.space),
                ("planted gap", _gap(opened.space)),
                ("planted hubs", _hubs(opened.space)),
            ):
                for steps in RECIPES:
                    yield f"{name}, {version}", replace(opened, space=space), steps


def _row(where: str, opened: EncodedCollection, steps: str) -> dict[str, Any] | None:
    try:
        found = repair(opened, steps)
    except TooFew:  # no labels
        return None
    if steps == GRID[0]:
        cells: dict[str, Any] = {
            title: round(100 * getattr(found.before, name).scores[metric].value, 1)
            for title, (name, metric) in COLUMNS.items()
        }
        return {"collection": where, "recipe": "as it is, %", **cells}
    gains = {title: found.delta[name][metric] for title, (name, metric) in COLUMNS.items()}
    cells = {
        title: {
            end: round(100 * x, 1) + 0.0  # no negative zero
            for end, x in zip(("gain", "low", "high"), gain, strict=True)
        }
        for title, gain in gains.items()
    }
    return {"collection": where, "recipe": steps, **cells}


def _gap(space: Space) -> Space:
    """Images and texts moved apart along a random direction."""
    side = np.random.default_rng(1).standard_normal(space.d).astype(np.float32)
    side *= GAP / np.linalg.norm(side)
    return _moved(space, np.where(np.arange(space.n)[:, None] < space.n_images, side, -side))


def _hubs(space: Space) -> Space:
    """Some images moved towards the mean of the texts: near to many queries."""
    moved = np.zeros_like(space.vectors)
    count = max(3, int(HUBS * space.n_images))
    rows = np.random.default_rng(1).choice(space.n_images, count, replace=False)
    center = space.texts.mean(axis=0)
    center /= np.linalg.norm(center)
    moved[rows] = TOWARDS * (center - space.vectors[rows])
    return _moved(space, moved)


def _moved(space: Space, by: Floats) -> Space:
    rows = space.vectors + by
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return replace(space, vectors=rows)
