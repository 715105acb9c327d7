"""Token vectors: MaxSim (late interaction) and pooling of an item's tokens into fewer vectors.

Source of MaxSim: Khattab, Zaharia. ColBERT: Efficient and Effective Passage Search via
Contextualized Late Interaction over BERT. SIGIR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.numerics.kmeans import centers_of, nearest_center
from core.types import Clusters, Floats, Ints, Pooling

STARTS = 4  # of k-means: with one, inertia on the starter's patch tokens is 4% above Ward's


def best_matches(queries: Floats, items: Sequence[Floats]) -> Floats:
    """(m, w) for each of m items and w query tokens the largest cosine with a token of the item.

    A row's sum is MaxSim, its mean is MaxSim on the scale of a cosine. No item may be empty.

    Args:
        queries: (w, d) unit vectors of the query's tokens.
        items: m arrays of (t, d) unit vectors, t free.

    >>> x = np.eye(3, dtype=np.float32)
    >>> best_matches(x[:2], [x[1:], x[:1]]).tolist()  # the second item matches token one only
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if not items:
        return np.empty((0, len(queries)), np.float32)
    starts = np.cumsum([0, *map(len, items)])[:-1]
    result: Floats = np.maximum.reduceat(np.concatenate(items) @ queries.T, starts, axis=0)
    return result


def pool(vectors: Floats, pooling: Pooling) -> Floats:
    """At most `pooling.k` unit vectors in place of the (t, d) token vectors of an item."""
    return pooled(vectors, pooling.k(len(vectors)), pooling.clusters)[0]


def pooled(vectors: Floats, k: int, clusters: Clusters = "ward") -> tuple[Floats, Ints]:
    """(j, d) unit vectors, at most k, and (t,) the cluster of each token.

    Each cluster of tokens is replaced by its mean, normalized to length 1. Before normalization a
    query's similarity to the mean is at most its similarity to the best member.

    Args:
        vectors: (t, d) unit vectors.
        k: number of clusters; with k >= t the tokens are returned unchanged.
        clusters: "ward" or "kmeans" (k-means++, the best of four starts).

    Source: Ward: Clavie, Chaffin, Adams. Reducing the Footprint of Multi-Vector Retrieval with
    Minimal Performance Impact via Token Pooling. 2024. k-means and a ratio, inside training:
    Veneroso and others, CRISP: Clustering Multi-Vector Representations for Denoising and Pruning.
    2025; here after training.

    >>> x = np.float32([[1, 0], [0, 1], [1, 0]])
    >>> for clusters in ("ward", "kmeans"):
    ...     means, members = pooled(x, 2, clusters)
    ...     print(means[members].tolist())
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    if k >= len(vectors):
        return vectors, np.arange(len(vectors))
    members = _ward(vectors, k) if clusters == "ward" else _kmeans(vectors, k)
    sums = _sums(vectors, members)
    means: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return means, members


def _ward(vectors: Floats, k: int) -> Ints:
    from scipy.cluster.hierarchy import fcluster, linkage

    return _numbered(fcluster(linkage(vectors.astype(np.float64), "ward"), k, "maxclust"))


def _kmeans(vectors: Floats, k: int) -> Ints:
    """The start with the least inertia."""
    tried = [
        _numbered(nearest_center(vectors, centers_of(vectors, k, seed=seed)))
        for seed in range(STARTS)
    ]
    return max(tried, key=lambda members: _explained(vectors, members))


def _explained(vectors: Floats, members: Ints) -> float:
    """Sum of squares explained by the clusters' means: the larger, the smaller the inertia."""
    sums = _sums(vectors, members)
    return float((np.einsum("ij,ij->i", sums, sums) / np.bincount(members)).sum())


def _sums(vectors: Floats, members: Ints) -> Floats:
    sums = np.zeros((members.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, members, vectors)
    return sums


def _numbered(clusters: Ints) -> Ints:
    """Clusters numbered from 0 without gaps."""
    return np.unique(clusters, return_inverse=True)[1].astype(np.int64)
