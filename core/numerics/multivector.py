"""Late interaction: each word of a question finds the part of an item that it fits best.

Source: Khattab, Zaharia. ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT. SIGIR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.numerics.kmeans import centers_of, nearest_center
from core.types import Clusters, Floats, Ints, Pooling


def best_matches(words: Floats, items: Sequence[Floats]) -> Floats:
    """(m, w) for each of m items and w words the largest cosine of the word with a part.

    A row's sum is MaxSim, its mean is MaxSim on the scale of a cosine. No item may be empty.

    Args:
        words: (w, d) unit vectors.
        items: m arrays of (t, d) unit vectors, t free.

    >>> x = np.eye(3, dtype=np.float32)
    >>> best_matches(x[:2], [x[1:], x[:1]]).tolist()  # the second item has nothing for word two
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if not items:
        return np.empty((0, len(words)), np.float32)
    starts = np.cumsum([0, *map(len, items)])[:-1]
    found: Floats = np.maximum.reduceat(np.concatenate(items) @ words.T, starts, axis=0)
    return found


STARTS = 4  # of k-means: one leaves its clusters 4 % less tight than Ward's on the starter's places


def pool(vectors: Floats, pooling: Pooling) -> Floats:
    """At most `pooling.k` unit vectors that stand for the (t, d) token vectors of an item."""
    return pooled(vectors, pooling.k(len(vectors)), pooling.clusters)[0]


def pooled(vectors: Floats, k: int, clusters: Clusters = "ward") -> tuple[Floats, Ints]:
    """(j, d) unit vectors, at most k, and (t,) which of them each part went to.

    Each cluster of the parts is replaced by its mean, made to length 1. A question's best match
    with a cluster is at most its best match with a member before the mean gets its length.

    Args:
        vectors: (t, d) unit vectors.
        k: how many to keep; with k >= t the parts stay as they are.
        clusters: "ward" or "kmeans", which starts from k parts far from each other.

    Source: Ward: Clavie, Chaffin, Adams. Reducing the Footprint of Multi-Vector Retrieval with
    Minimal Performance Impact via Token Pooling. 2024. k-means and a ratio, inside training:
    Veneroso and others, CRISP: Clustering Multi-Vector Representations for Denoising and Pruning.
    2025; here after it.

    >>> x = np.float32([[1, 0], [0, 1], [1, 0]])
    >>> for clusters in ("ward", "kmeans"):
    ...     kept, members = pooled(x, 2, clusters)
    ...     print(kept[members].tolist())
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    if k >= len(vectors):
        return vectors, np.arange(len(vectors))
    members = _ward(vectors, k) if clusters == "ward" else _kmeans(vectors, k)
    sums = _sums(vectors, members)
    kept: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return kept, members


def _ward(vectors: Floats, k: int) -> Ints:
    from scipy.cluster.hierarchy import fcluster, linkage

    return _numbered(fcluster(linkage(vectors.astype(np.float64), "ward"), k, "maxclust"))


def _kmeans(vectors: Floats, k: int) -> Ints:
    """The best of some starts: the one whose clusters are tightest."""
    tried = [
        _numbered(nearest_center(vectors, centers_of(vectors, k, seed=seed)))
        for seed in range(STARTS)
    ]
    return max(tried, key=lambda members: _explained(vectors, members))


def _explained(vectors: Floats, members: Ints) -> float:
    """What the clusters' means have of the squared lengths: the more, the less is left inside."""
    sums = _sums(vectors, members)
    return float((np.einsum("ij,ij->i", sums, sums) / np.bincount(members)).sum())


def _sums(vectors: Floats, members: Ints) -> Floats:
    sums = np.zeros((members.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, members, vectors)
    return sums


def _numbered(clusters: Ints) -> Ints:
    """Clusters numbered from 0 without gaps."""
    return np.unique(clusters, return_inverse=True)[1].astype(np.int64)
