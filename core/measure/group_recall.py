"""Recall of groups of queries, with intervals that hold for all groups at once.

With twenty groups one of twenty 95% intervals misses by chance alone, so each is widened until all
hold together with 95% (Bonferroni), and by Student's t for the number of a group's images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.measure.retrieval import Direction, hit_chance
from core.numerics.stats import clustered_error, family_z, share_interval, two_way_error
from core.types import Doubles, Ints, Score

LEAST = 3  # images of a group; smaller ones are one group together
OTHER = "smaller groups"


@dataclass(frozen=True, slots=True)
class GroupRecall:
    """Recall of one group: `score` with its interval among all groups, and its chance level.

    `differs` is "lower" or "higher" where that interval lies wholly on one side of the recall of
    all queries, else "".
    """

    name: str
    score: Score
    n_images: int
    differs: str


def recall_by_group(
    direction: Direction, members: Mapping[str, Sequence[int] | Ints], *, k: int = 10
) -> tuple[GroupRecall, ...]:
    """Recall@k of groups of queries, lowest first.

    Args:
        direction: of `evaluate`.
        members: for each group the places of its queries in `direction.queries`; a query may be in
            several groups. Groups of fewer than 3 images are one group together.
        k: cutoff.

    >>> found = Direction({}, np.arange(6), np.array([1, 1, 1, 9, 9, 9]), 20, np.ones(6, int),
    ...                   np.arange(6), np.zeros((6, 2), int))
    >>> groups = recall_by_group(found, {"a": [0, 1, 2], "b": [3, 4, 5]}, k=5)
    >>> [(g.name, g.score.value, round(g.score.chance, 6)) for g in groups]
    [('b', 0.0, 0.25), ('a', 1.0, 0.25)]
    """
    large: dict[str, Ints] = {}
    small: list[Ints] = []
    for name, places in members.items():
        rows = np.asarray(places, np.int64)
        enough = len(np.unique(direction.groups[rows])) >= LEAST
        if enough:
            large[name] = rows
        elif len(rows):
            small.append(rows)
    if small:
        large[OTHER] = np.unique(np.concatenate(small))
    everyone = float((direction.first_ranks <= k).mean())
    z = family_z(len(large))
    found = [_group(direction, name, rows, k, z, everyone) for name, rows in large.items()]
    return tuple(sorted(found, key=lambda g: (g.score.value, -g.score.n_queries, g.name)))


def _group(
    direction: Direction, name: str, rows: Ints, k: int, z: float, everyone: float
) -> GroupRecall:
    images = direction.groups[rows]
    hits = (direction.first_ranks[rows] <= k).astype(np.float64)
    n_images, value = len(np.unique(images)), float(hits.mean())
    error = _error(direction, rows, hits, k) * few_images(n_images, z)
    low, high = share_interval(value, error, images, z)
    chance = float(hit_chance(direction.n_candidates, direction.relevant[rows], k))
    differs = "lower" if high < everyone else "higher" if low > everyone else ""
    return GroupRecall(
        name, Score(f"recall@{k}", value, low, high, chance, len(rows)), n_images, differs
    )


def _error(direction: Direction, rows: Ints, hits: Doubles, k: int) -> float:
    """The error over other images as queries and as candidates; of one image, a single draw's."""
    images, without = direction.groups[rows], direction.without[rows]
    if len(np.unique(images)) < 2:
        return float(np.sqrt(hits.mean() * (1 - hits.mean())))
    queries = clustered_error(hits, images)
    both = two_way_error(hits, (without <= k).astype(np.float64), without > 0, images)
    return max(queries, both) if np.isfinite(both) else queries


def few_images(n_images: int, z: float) -> float:
    """Student's t over the normal quantile `z`, for an error estimated from so many images.

    >>> round(few_images(3, 1.96), 2), round(few_images(1000, 1.96), 2)
    (2.2, 1.0)
    """
    from scipy.stats import norm, t

    return float(t.ppf(norm.cdf(z), max(1, n_images - 1)) / z)
