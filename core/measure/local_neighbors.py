"""Neighbor distances for estimates of dimension and volume: without copies, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.numerics.neighbors import nearest
from core.numerics.sampling import groups, jackknife
from core.numerics.stats import Z, folds
from core.types import Bools, Curve, Doubles, Ints, Kind, Space

COPY = 1e-5  # distance up to which two rows are copies but for rounding
TIE = 1e-6  # log ratio up to which two distances are the same
LEAST = 20
SPLITS = 16  # into halves
FOLDS = 20  # of a jackknife
SPARE = 14  # neighbors more than twice as many, for `error`: a half may have less than half
TIES = 2  # neighbors more than needed whose distances are exact, so that the nearest are among them
LEAST_GROUPS = 20  # images for an interval

Statistic = Callable[[Doubles, int], float]  # of (q, k) distances and the number of items


def distinct(space: Space, kind: Kind) -> tuple[Space, Ints, int]:
    """The space without repeated rows of a kind, its rows, and the number of repeats."""
    span = space.span(kind)
    rows = space.vectors[span]
    everyone = np.arange(space.n)
    if not len(rows):
        return space, everyone, 0
    _, first = np.unique(rows.view(f"V{rows.shape[1] * 4}").ravel(), return_index=True)
    if len(first) == len(rows):
        return space, everyone, 0
    kept = np.sort(first) + span.start
    return space.subset(kept), kept, len(rows) - len(first)


def distances(space: Space, rows: Ints, near: Ints) -> Doubles:
    """(q, k) distances of rows to their lists of neighbors."""
    result = np.empty(near.shape)
    x = space.vectors[rows].astype(np.float64)
    for column in range(near.shape[1]):
        off = x - space.vectors[near[:, column]]
        result[:, column] = np.sqrt(np.einsum("ij,ij->i", off, off))
    return result


@dataclass(frozen=True)
class Lists:
    """Sampled rows, (q, k) their nearest others, and the distances to them, ascending."""

    rows: Ints
    near: Ints
    radii: Doubles

    def of(self, chosen: Bools) -> Lists:
        """The lists of some of the rows."""
        return Lists(self.rows[chosen], self.near[chosen], self.radii[chosen])

    def among(self, inside: Bools, k: int) -> Doubles:
        """(m, k) distances of the rows inside to their nearest inside, where there are k of them.

        Args:
            inside: for every row of the space.
            k: neighbors.
        """
        left = inside[self.near]
        place = np.cumsum(left, axis=1)
        whole = inside[self.rows] & (place[:, -1] >= k)
        found: Doubles = self.radii[whole][(left & (place <= k))[whole]].reshape(-1, k)
        return found

    def error(self, space: Space, kind: Kind, k: int, statistic: Statistic) -> float:
        """Standard error of a statistic of (q, k) distances, over as many items.

        From its difference between random halves of the images, each with neighbors of its own: a
        half varies twice as much as all (Politis, Romano 1994). A bootstrap would add copies. NaN
        for fewer than `LEAST_GROUPS` images, or than 4 k items.
        """
        from scipy.stats import t

        numbers, group = np.unique(groups(space)[space.span(kind)], return_inverse=True)
        if len(numbers) < LEAST_GROUPS or len(group) < 4 * k:
            return float("nan")
        rng = np.random.default_rng(0)
        squares = []
        for _ in range(SPLITS):
            first = (rng.permutation(len(numbers)) < len(numbers) // 2)[group]
            one, other = (
                statistic(self.among(_inside(space, kind, half), k), int(half.sum()))
                for half in (first, ~first)
            )
            squares.append((one - other) ** 2 / 4)
        return float(np.sqrt(np.mean(squares)) * t.ppf(0.975, SPLITS) / Z)

    def jackknife_error(self, space: Space, kind: Kind, k: int, statistic: Statistic) -> float:
        """The same without a fold of the images at a time, for what a half would change.

        Wide where neighbors change with every item (1 to 1.7 times). NaN as for `error`, from 2 k
        items.
        """
        group = groups(space)[space.span(kind)]
        if len(np.unique(group)) < LEAST_GROUPS or len(group) < 2 * k:
            return float("nan")
        fold = folds(group, count=FOLDS)
        without = [
            statistic(self.among(_inside(space, kind, fold != part), k), int((fold != part).sum()))
            for part in range(int(fold.max()) + 1)
        ]
        value = statistic(self.radii[:, :k], len(group))
        return jackknife(value, np.array(without), np.bincount(fold))


def _inside(space: Space, kind: Kind, chosen: Bools) -> Bools:
    """(n,) rows of the space that are among the chosen of a kind."""
    result = np.zeros(space.n, bool)
    result[space.span(kind)] = chosen
    return result


def lists_of(space: Space, kind: Kind, k: int, queries: int, more: int = TIES) -> Lists:
    """Sampled rows of a kind and their k nearest of it, and more for the error of a part.

    Distances are float64 up to k; beyond, they follow from the cosines.
    """
    neighbors = nearest(space, kind, kind, k=k + more, q=queries)
    near = neighbors.indices
    exact = distances(space, neighbors.queries, near[:, : k + TIES])
    beyond = np.sqrt(np.maximum(0.0, 2 - 2 * neighbors.cosines[:, k + TIES :].astype(np.float64)))
    r = np.concatenate([exact, beyond], axis=1)
    order = np.argsort(r, axis=1, kind="stable")
    return Lists(
        neighbors.queries, np.take_along_axis(near, order, 1), np.take_along_axis(r, order, 1)
    )


def resolved(values: Doubles) -> bool:
    """Whether most rows have neighbors at different distances; in a lattice none have."""
    return len(values) >= LEAST and float((values > TIE).mean()) > 0.5


def by_scale(
    space: Space, kind: Kind, value: float, dimension: Callable[[Space], float | None]
) -> Curve:
    """A dimension at a quarter, a half and all of the items; `value` is that of all."""
    span = space.span(kind)
    rows = np.random.default_rng(0).permutation(np.arange(span.start, span.stop))
    points = [(float(len(rows)), value)]
    for part in (rows[: len(rows) // 2], rows[: len(rows) // 4]):
        smaller = dimension(space.subset(part))
        if smaller is not None:
            points.insert(0, (float(len(part)), smaller))
    sizes, dimensions = np.array(points).T
    return Curve(sizes, dimensions, "items", "dimension", log_x=True)


def inverse_dimensions(radii: Doubles) -> Doubles:
    """(q,) Levina-Bickel: the mean of log(r_k / r_j) over the nearer j < k; 1 / m each.

    >>> inverse_dimensions(np.exp([[1.0, 2.0, 3.0]])).tolist()
    [1.5]
    """
    logs = np.log(radii)
    result: Doubles = logs[:, -1] - logs[:, :-1].mean(axis=1)
    return result


@lru_cache(256)
def even_log_distance(n: int, d: float, k: int) -> float:
    """Mean log distance of a point to its k-th nearest of n - 1 others, uniform on the sphere.

    The k-th smallest of n - 1 uniform probabilities is Beta(k, n - k); the area of a cap gives the
    distance.
    `d` may be fractional: the sphere then has dimension d - 1.

    >>> round(even_log_distance(3, 2, 1), 2)
    -0.43
    """
    from scipy.special import betaincinv

    chance = betaincinv(k, n - k, (np.arange(1000) + 0.5) / 1000)
    sine2 = betaincinv((d - 1) / 2, 0.5, 2 * np.minimum(chance, 1 - chance))
    root = np.sqrt(1 - sine2)
    # 2 - 2 cos, in a form that keeps the digits of a small cap.
    squared = np.where(chance <= 0.5, 2 * sine2 / (1 + root), 2 * (1 + root))
    return float(np.log(squared).mean() / 2)
