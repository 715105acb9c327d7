"""Centroids of equal parts of rows: by k-means, with balanced counts, or a linear map of a basis.

Every part is fitted by itself, a thread for each core, on a sample of some thousand rows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np

from core.errors import TooFew
from core.improve.levels import sampled
from core.improve.quantizers import Centroids, in_parts
from core.types import Doubles, Floats, Ints

K = 256  # centroids of a part: one byte
PER_CENTER = 64  # rows of the sample for each centroid
ROWS = PER_CENTER * K
ROUNDS = 15
BALANCED_ROWS, BALANCED_ROUNDS = 16 * K, 8
SHARPNESS, SINKHORN = 0.003, 100  # of an assignment; rounds of balancing it
LEAST = 2


def k_means(values: Floats, parts: int) -> Centroids:
    """Centroids of least squared error (Lloyd): those left without rows are placed anew."""
    return _fit(values, parts, _plain)


def balanced(values: Floats, parts: int) -> Centroids:
    """Centroids to which about equally many rows belong (RepCONC), from k-means."""
    return _fit(values, parts, _balanced)


def linear(values: Floats, parts: int) -> Centroids:
    """A frozen random basis under one linear map and a shift (SimVQ), fitted in turn with rows.

    All centroids move together, so that none is left behind.
    """
    return _fit(values, parts, _linear)


def rotated(values: Floats, parts: int) -> tuple[Centroids, Floats]:
    """k-means centroids, and the rotation (e, e) of rows under which their error is least (OPQ).

    From the k-means of unrotated rows on, each round lowers the error: nearest centroids, their
    means, and the rotation that brings rows nearest to these (Procrustes).
    """
    values = sampled(values, ROWS)
    found = k_means(values, parts)
    turn = np.eye(values.shape[1], dtype=np.float32)
    for _ in range(ROUNDS):
        turned = values @ turn
        code = found.encode(turned)
        centers = [
            _means(part, nearest, before)
            for part, nearest, before in zip(
                in_parts(turned, len(found.centroids)).swapaxes(0, 1),
                code["code"].T.astype(np.int64),
                found.centroids,
                strict=True,
            )
        ]
        found = Centroids(np.stack(centers), found.dims)
        u, _, v = np.linalg.svd(values.T @ found.decode(code))
        turn = u @ v
    return found, turn


def shares(distances: Doubles) -> Doubles:
    """(B, K) shares of rows in centroids by Sinkhorn: rows sum to 1 / B, columns to 1 / K.

    >>> close = shares(np.array([[0.0, 1.0], [0.0, 0.5]]))  # both are nearest to the first
    >>> close.argmax(axis=1).tolist()
    [0, 1]
    """
    most, least = distances.max(), distances.min()
    middle, half = (most + least) / 2, (most - least) / 2 + 1e-5
    found: Doubles = np.exp(-(distances - middle) / half / SHARPNESS)
    rows, columns = np.ones(len(found)), np.ones(found.shape[1])
    for _ in range(SINKHORN):
        columns = 1 / np.maximum(rows @ found, 1e-300) / found.shape[1]
        rows = 1 / np.maximum(found @ columns, 1e-300) / len(found)
    return found * rows[:, None] * columns


def _fit(values: Floats, parts: int, fit: Callable[[Floats], Floats]) -> Centroids:
    if len(values) < LEAST:
        raise TooFew("Product quantization", LEAST, "rows of each kind", len(values), "Add more.")
    dims = values.shape[1]
    pieces = in_parts(sampled(values, ROWS), min(parts, dims)).swapaxes(0, 1)
    with ThreadPoolExecutor(cpu_count()) as pool:
        found = list(pool.map(fit, map(np.ascontiguousarray, pieces)))
    return Centroids(np.stack(found), dims)


def _plain(rows: Floats) -> Floats:
    rng = np.random.default_rng(0)
    centers = rows[rng.choice(len(rows), min(K, len(rows)), replace=False)]
    for _ in range(ROUNDS):
        nearest = _nearest(rows, centers)
        centers = _means(rows, nearest, centers)
        empty = np.flatnonzero(np.bincount(nearest, minlength=len(centers)) == 0)
        if len(empty):
            error = np.square(rows - centers[nearest]).sum(axis=1)
            centers[empty] = rows[np.argsort(-error, kind="stable")[: len(empty)]]
    return centers


def _balanced(rows: Floats) -> Floats:
    centers = _plain(rows)
    rows = sampled(rows, BALANCED_ROWS)
    for _ in range(BALANCED_ROUNDS):
        exact, to = rows.astype(np.float64), centers.astype(np.float64)
        distances = np.square(to).sum(axis=1) - 2 * exact @ to.T
        distances += np.square(exact).sum(axis=1)[:, None]
        centers = _means(rows, shares(np.sqrt(np.maximum(distances, 0))).argmax(axis=1), centers)
    return centers


def _linear(rows: Floats) -> Floats:
    size = rows.shape[1]
    rng = np.random.default_rng(0)
    basis = np.column_stack([rng.standard_normal((K, size)), np.ones(K)])
    spread = np.linalg.cholesky(
        np.cov(rows.T, bias=True).reshape(size, size) + 1e-12 * np.eye(size)
    )
    weights = np.vstack([spread.T, rows.mean(axis=0)])
    for _ in range(ROUNDS):
        nearest = _nearest(rows, (basis @ weights).astype(np.float32))
        weights = np.linalg.lstsq(basis[nearest], rows, rcond=None)[0]
    return (basis @ weights).astype(np.float32)


def _nearest(rows: Floats, centers: Floats) -> Ints:
    """(n,) the nearest center of each row."""
    found = Centroids(centers[None], rows.shape[1]).encode(rows)
    return found["code"][:, 0].astype(np.int64)


def _means(rows: Floats, nearest: Ints, before: Floats) -> Floats:
    """Mean of the rows of each centroid; where there are none, as before."""
    counts = np.bincount(nearest, minlength=len(before))
    sums = [np.bincount(nearest, column, len(before)) for column in rows.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, before).astype(np.float32)
