"""Neighbor distances for estimates of dimension and volume: without copies, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.numerics.neighbors import nearest
from core.types import Bools, Curve, Doubles, Ints, Kind, Space

COPY = 1e-5  # distance up to which two rows are copies but for rounding
TIE = 1e-6  # log ratio up to which two distances are the same
LEAST = 20


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

    def error(self, values: Doubles, k: int) -> float:
        """Standard error of the mean of a value computed from each row's first k distances.

        Rows in each other's lists share distances, so their values are correlated: such pairs add
        the product of their deviations, as in a cluster. It is at least the independent error.

        >>> lists = Lists(np.arange(4), np.array([[1], [0], [3], [2]]), np.ones((4, 1)))
        >>> lists.error(np.array([1.0, 1.0, 3.0, 3.0]), 1).__round__(6)  # two clusters of two
        0.816497
        """
        from scipy.sparse import csr_array

        n, near = len(self.rows), self.near[:, :k]
        place = np.full(max(int(near.max()), int(self.rows.max())) + 1, -1)
        place[self.rows] = np.arange(n)
        other = place[near.ravel()]
        one = np.repeat(np.arange(n), near.shape[1])[other >= 0]
        links = csr_array((np.ones(len(one)), (one, other[other >= 0])), shape=(n, n))
        off = values - values.mean()
        alone = float(off @ off)
        together = float(off @ (links.maximum(links.T) @ off))
        return float(np.sqrt((alone + max(0.0, together)) / (n * (n - 1))))


def lists_of(space: Space, kind: Kind, k: int, queries: int, keep: int | None = None) -> Lists:
    """Sampled rows of a kind and their k nearest of it, or the first `keep` of those."""
    neighbors = nearest(space, kind, kind, k=k, q=queries)
    near = neighbors.indices[:, :keep]
    r = distances(space, neighbors.queries, near)
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
