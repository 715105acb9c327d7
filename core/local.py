"""Neighbour distances for estimates of dimension and volume: copies set apart, float64."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.neighbors import nearest
from core.types import Doubles, Ints, Kind, Space

COPY = 1e-5  # distance up to which two rows are copies that only rounding tells apart
TIE = 1e-6  # log ratio up to which two distances are the same
LEAST = 20


def distinct(space: Space, kind: Kind) -> tuple[Space, Ints, int]:
    """The space without repeated rows of a kind, its rows here, and how many were repeats."""
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
    """(q, k) distances of rows to their lists of neighbours."""
    result = np.empty(near.shape)
    x = space.vectors[rows].astype(np.float64)
    for column in range(near.shape[1]):
        off = x - space.vectors[near[:, column]]
        result[:, column] = np.sqrt(np.einsum("ij,ij->i", off, off))
    return result


def radii(space: Space, kind: Kind, k: int, queries: int) -> tuple[Ints, Doubles]:
    """Sampled rows of a kind and (q, k) distances to their k nearest of it, ascending."""
    lists = nearest(space, kind, kind, k=k, q=queries)
    return lists.queries, np.sort(distances(space, lists.queries, lists.indices), axis=1)


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
    """Mean log distance of a point to its k-th nearest of n - 1 others, evenly on the sphere.

    The k-th smallest of n - 1 uniform chances is Beta(k, n - k); a cap's area makes it a distance.
    `d` may be fractional: the sphere then has dimension d - 1.

    >>> round(even_log_distance(3, 2, 1), 2)
    -0.43
    """
    from scipy.special import betaincinv

    chance = betaincinv(k, n - k, (np.arange(1000) + 0.5) / 1000)
    sine2 = betaincinv((d - 1) / 2, 0.5, 2 * np.minimum(chance, 1 - chance))
    root = np.sqrt(1 - sine2)
    # 2 - 2 cos, written so that a small cap keeps its digits.
    squared = np.where(chance <= 0.5, 2 * sine2 / (1 + root), 2 * (1 + root))
    return float(np.log(squared).mean() / 2)
