"""k-means with seeds: centers and assignment from a few matrix products.

Much faster than scikit-learn's where several processes share the cores, for an inertia that is
hardly larger. The same rows always give the same centers.
"""

from __future__ import annotations

import numpy as np

from core.types import Doubles, Floats, Ints

ROUNDS = 20
BLOCK = 1 << 24  # distances in memory at a time


def centers_of(rows: Floats, k: int, *, seed: int = 0) -> Floats:
    """(k, d) centers: k-means++ (Arthur, Vassilvitskii 2007), then Lloyd iterations.

    With fewer distinct rows than k some centers repeat; clusters that lose all rows stay where they
    are.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    >>> sorted(centers_of(rows, 2).tolist())
    [[0.0, 1.0], [1.0, 0.0]]
    """
    from scipy.sparse import csr_array

    exact = rows.astype(np.float64)
    rng = np.random.default_rng(seed)
    centers = rows[_plus_plus(rows, k, rng)]
    before = np.full(len(rows), -1)
    for _ in range(ROUNDS):
        clusters = nearest_center(rows, centers)
        if (clusters == before).all():
            break
        before = clusters
        counts = np.bincount(clusters, minlength=k)
        members = csr_array((np.ones(len(rows)), (clusters, np.arange(len(rows)))), (k, len(rows)))
        used = counts > 0
        centers = centers.copy()
        centers[used] = (members @ exact)[used] / counts[used, None]
    return centers


def nearest_center(rows: Floats, centers: Floats) -> Ints:
    """(n,) the nearest center of each row; the first of equals.

    >>> nearest_center(np.array([[0.9, 0.1]], np.float32), np.eye(2, dtype=np.float32)).tolist()
    [0]
    """
    half = 0.5 * np.einsum("ij,ij->i", centers, centers)
    result = np.empty(len(rows), np.int64)
    step = max(1, BLOCK // len(centers))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        result[part] = (half - rows[part] @ centers.T).argmin(axis=1)
    return result


def _plus_plus(rows: Floats, k: int, rng: np.random.Generator) -> Ints:
    """Initial rows of k-means++, each drawn by its squared distance to those before it."""
    lengths: Doubles = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    chosen = np.empty(k, np.int64)
    chosen[0] = rng.integers(len(rows))
    distances = np.full(len(rows), np.inf)
    for i in range(1, k):
        last = chosen[i - 1]
        squared = lengths + lengths[last] - 2 * (rows @ rows[last])
        distances = np.minimum(distances, np.where(squared > 1e-6, squared, 0.0))
        sums = np.cumsum(distances)
        at = rng.random() * sums[-1]
        chosen[i] = min(len(rows) - 1, int(np.searchsorted(sums, at, side="right")))
    return chosen
