"""Axes on which the first few coordinates of a row keep most of its inner products with queries.

Rows are projected by `down` (d, e), queries by `up` transposed: `q . x` becomes
`(up q) . (down' x)`. The loss is the mean squared error over all pairs of queries and rows.
"""

from __future__ import annotations

import numpy as np

from core.improve.levels import sampled
from core.numerics.spectra import Moments, moments_of
from core.types import KINDS, Doubles, Floats, Kind, Space

SAMPLE = 50_000  # rows of a kind: many for d^2 numbers
RIDGE = 1e-6  # of the mean second moment of queries, added to each direction
ROUNDS, SETTLED = 500, 1e-3  # of Frank-Wolfe at most; relative change of the loss at which it ends


def row_moments(rows: Floats) -> Moments:
    """Mean and second moment of at most `SAMPLE` rows."""
    return moments_of(sampled(rows, SAMPLE), exact=False)


def row_mean(rows: Floats) -> Floats:
    """(d,) mean of at most `SAMPLE` rows."""
    mean: Floats = sampled(rows, SAMPLE).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def query_moment(train: Space, queries: str) -> Doubles:
    """(d, d) mean of q q' over the training rows as queries: of one kind, or half of each."""
    wanted: list[Kind] = [kind for kind in KINDS if queries in (kind, "both")]
    found = [train.vectors[train.span(kind)] for kind in wanted]
    found = [rows for rows in found if len(rows)] or [train.vectors]
    second: Doubles = np.mean([row_moments(rows).second for rows in found], axis=0)
    return second


def principal(covariance: Doubles) -> Doubles:
    """(d, d) principal axes as columns, largest variance first."""
    return np.linalg.eigh(covariance)[1][:, ::-1]


def sphering(covariance: Doubles, queries: Doubles) -> tuple[Doubles, Doubles]:
    """LeanVec-Sphering: `down` (d, d) and `up` (d, d), best for any number of first columns.

    With S the root of the second moment of queries and U the eigenvectors of S K S: down is S U, up
    is the transpose of S^-1 U. The loss of the first e is the sum of the other eigenvalues.

    >>> rows, queries = np.diag([4.0, 1.0]), np.diag([0.01, 1.0])  # queries look at the second
    >>> down, up = sphering(rows, queries)
    >>> (down[:, :1] @ up[:1]).round(3).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    values, vectors = np.linalg.eigh(queries)
    floor = RIDGE * float(np.trace(queries)) / len(queries)
    roots = np.sqrt(np.maximum(values, 0) + floor)
    root, inverse = (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
    turned = principal(root @ covariance @ root)
    return root @ turned, (inverse @ turned).T


def frank_wolfe(covariance: Doubles, queries: Doubles, dims: int) -> tuple[Doubles, Doubles]:
    """LeanVec by Frank-Wolfe steps from the principal axes: `down` (d, dims) and `up` (dims, d).

    Tepper et al. LeanVec: Searching Vectors Faster by Making Them Fit. TMLR 2024.

    Args:
        covariance: (d, d) of the rows.
        queries: (d, d) second moment of the queries.
        dims: coordinates kept, below d.

    >>> queries = np.ones((2, 2))  # all along (1, 1): that direction is kept
    >>> down, up = frank_wolfe(np.diag([4.0, 1.0]), queries, 1)
    >>> (down @ up).round(1).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    down = principal(covariance)[:, :dims]
    up = down.T
    eye = np.eye(len(covariance))
    before = np.inf
    for i in range(ROUNDS):
        rate = (i + 1) ** -0.999 if i else 0.5  # a step of 1 would forget the start
        left = queries @ ((down @ up).T - eye) @ covariance @ down
        up = (1 - rate) * up + rate * _corner(-left).T
        right = covariance @ (down @ up - eye) @ queries @ up.T
        down = (1 - rate) * down + rate * _corner(-right)
        now = loss(covariance, queries, down, up)
        if abs(before - now) < SETTLED * now:
            break
        before = now
    return down, up


def loss(covariance: Doubles, queries: Doubles, down: Doubles, up: Doubles) -> float:
    """Mean squared error of the inner products of queries and centered rows; 0 for the exact ones.

    Args:
        covariance: (d, d) of the rows.
        queries: (d, d) second moment of the queries.
        down: (d, e) projects rows.
        up: (e, d) its transpose projects queries.

    >>> first = np.eye(2)[:, :1]  # the second coordinate is lost, whose variance is 1
    >>> loss(np.diag([4.0, 1.0]), np.eye(2), first, first.T)
    1.0
    """
    error = np.eye(len(covariance)) - down @ up
    return float(np.trace(queries @ error.T @ covariance @ error))


def _corner(gradient: Doubles) -> Doubles:
    """The matrix of spectral norm 1 that agrees most with a gradient."""
    u, _, v = np.linalg.svd(gradient, full_matrices=False)
    return u @ v
