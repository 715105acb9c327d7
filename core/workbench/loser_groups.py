"""Groups of items that may lose more than others when vectors are kept in fewer bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.numerics.neighbors import top_k
from core.numerics.stats import quantile_ranges
from core.types import Doubles, Ints, Space, SpaceCache
from core.workbench.way_tasks import K, Task

if TYPE_CHECKING:
    from core.store import EncodedCollection

COMPARED = 20_000  # items that stand for all others in a density
BLOCK = 65_536  # rows at a time
TENTHS = 10

_GROUPINGS = SpaceCache(4)

Grouping = tuple[Ints, Sequence[str]]  # (q, k) group of each exact result, -1 for none; names


def losing_task(tasks: Sequence[Task]) -> Task:
    """The task whose results are grouped: one with images as results where there is one."""
    return next((task for task in tasks if task.among == "image"), tasks[0])


def groupings_of(opened: EncodedCollection, task: Task) -> Mapping[str, Grouping]:
    """Results by tenths of how often they are one, of their distance and density, and by label.

    Distance is 1 less the cosine with the mean; density is the mean cosine with the ten nearest of
    at most 20,000 items: outliers have little of it, wherever they are.
    """
    key = opened.version, opened.space.key, task.name
    found: Mapping[str, Grouping] = _GROUPINGS.get(key, lambda: _groupings(opened.space, task))
    return found


def _groupings(space: Space, task: Task) -> Mapping[str, Grouping]:
    items, at, counts = np.unique(task.exact, return_inverse=True, return_counts=True)
    at = at.reshape(task.exact.shape)
    labels, names = _labels(space, items + task.span.start)
    found = {
        "hubness": quantile_ranges(counts.astype(np.float64), TENTHS),
        "distance": quantile_ranges(_distance(space, task.span, items), TENTHS),
        "density": quantile_ranges(_density(space, task.span, items), TENTHS),
        "label": (labels, names),
    }
    return {name: (numbers[at], names) for name, (numbers, names) in found.items() if names}


def _distance(space: Space, span: slice, items: Ints) -> Doubles:
    rows = space.vectors[span]
    starts = range(0, len(rows), BLOCK)
    mean = sum(rows[at : at + BLOCK].sum(axis=0, dtype=np.float64) for at in starts) / len(rows)
    space.fetch(items + span.start)
    cosines = rows[items] @ mean / max(float(np.linalg.norm(mean)), 1e-12)
    return np.asarray(1 - cosines, np.float64)


def _density(space: Space, span: slice, items: Ints) -> Doubles:
    n = span.stop - span.start
    others = np.arange(n)
    if n > COMPARED:
        others = np.sort(np.random.default_rng(0).choice(n, COMPARED, replace=False))
    space.fetch(others + span.start)
    rows = space.vectors[span]
    nearest, cosines = top_k(rows[items], rows[others], K + 1)
    use = others[nearest] != items[:, None]
    use &= np.cumsum(use, axis=1) <= K
    total: Doubles = (cosines * use).sum(axis=1, dtype=np.float64)
    return total / np.maximum(use.sum(axis=1), 1)


def _labels(space: Space, rows: Ints) -> Grouping:
    """The first label of some rows as a number, and the labels."""
    labels = [(space.labels[row] or ("",))[0] for row in rows.tolist()] if space.labels else []
    names = sorted({*labels} - {""})
    number = {label: i for i, label in enumerate(names)}
    return np.array([number.get(label, -1) for label in labels], np.int64), names
