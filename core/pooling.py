"""Fewer vectors for an item: parts that are alike become one."""

from __future__ import annotations

import numpy as np

from core.types import Floats, Ints


def pooled(vectors: Floats, k: int) -> tuple[Floats, Ints]:
    """(j, d) unit vectors, at most k, and (t,) which of them each part went to.

    Ward's clusters of the parts; each is replaced by its mean, made to length 1. A question's best
    match with a cluster is at most its best match with a member before the mean gets its length.

    Args:
        vectors: (t, d) unit vectors.
        k: how many to keep; with k >= t the parts stay as they are.

    Source: Clavie, Chaffin, Adams. Reducing the Footprint of Multi-Vector Retrieval with Minimal
    Performance Impact via Token Pooling. 2024. The same clusters inside training: Veneroso and
    others, CRISP, 2025.

    >>> x = np.float32([[1, 0], [0, 1], [1, 0]])
    >>> kept, members = pooled(x, 2)
    >>> kept[members].tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if k >= len(vectors):
        return vectors, np.arange(len(vectors))
    labels = fcluster(linkage(vectors.astype(np.float64), "ward"), k, "maxclust")
    members = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    sums = np.zeros((members.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, members, vectors)
    kept: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return kept, members
