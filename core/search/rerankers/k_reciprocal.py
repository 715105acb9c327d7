from __future__ import annotations

from typing import Annotated

import numpy as np

from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats


@reranker(
    title="k-reciprocal encoding",
    family="Reranking",
    source="Zhong, Zheng, Cao, Li. Re-ranking Person Re-identification with k-reciprocal "
    "Encoding. CVPR 2017.",
)
def k_reciprocal(
    shortlist: Shortlist,
    *,
    k1: Annotated[int, Range(1, 399, "nearest neighbors that may be reciprocal")] = 20,
    k2: Annotated[int, Range(1, 399, "nearest neighbors whose sets are averaged")] = 6,
    share: Annotated[float, Range(0.0, 1.0, "weight of the original distance; 1: no change")] = 0.3,
) -> Floats:
    """Scores by the overlap of the k-reciprocal neighbors of query and hit.

    The set of an item holds its reciprocal nearest neighbors, extended by sets that overlap by more
    than two thirds; members weigh exp(-distance), sets are averaged over the k2 nearest, and the
    distance of query and hit is one less the overlap of their sets (Jaccard), mixed with the first
    distance. All within the list. Across modalities no hit has the query among its nearest; then
    the query's own k1 nearest stand for its set, which the paper does not need.

    Args:
        shortlist: the hits.
        k1: 20 in the paper.
        k2: 6 in the paper.
        share: 0.3 in the paper.

    Returns:
        (m,) negative distances, higher first.

    >>> from core.types import Space
    >>> x = np.array([[0.96, 0.28], [0.8, -0.6], [0.6, 0.8]], np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), np.array([1, 0], np.float32), np.arange(3),
    ...                  x[:, 0])
    >>> k_reciprocal(hits, k1=1, k2=1).round(2)  # only the first has the query as its nearest
    array([-0.1 , -0.85, -1.  ], dtype=float32)
    """
    distances = _distances(shortlist)
    ascending = np.sort(distances, axis=1)
    wide, narrow, nearest = (
        (distances <= ascending[:, [min(k, len(distances)) - 1]]).astype(np.float32)
        for k in (k1 + 1, round(k1 / 2) + 1, k2)
    )
    sets, small = wide * wide.T, narrow * narrow.T
    if sets[0].sum() < 2:
        sets[0] = wide[0]
    overlaps = sets @ small > 2 / 3 * small.sum(axis=1)
    sets = np.minimum(sets + (sets * overlaps) @ small, 1)
    weights = sets * np.exp(-np.maximum(distances, 0))
    weights /= weights.sum(axis=1, keepdims=True)
    weights = nearest @ weights / nearest.sum(axis=1, keepdims=True)
    common = np.minimum(weights[0], weights[1:]).sum(axis=1)
    jaccard = 1 - common / (2 - common)
    return -((1 - share) * jaccard + share * distances[0, 1:]).astype(np.float32)


def _distances(shortlist: Shortlist) -> Floats:
    """(1 + m, 1 + m) squared distances, the query first, each row over its largest.

    Each is its own nearest: its distance to itself is below all others of its row.
    """
    n = 1 + len(shortlist.rows)
    cosines = np.ones((n, n), np.float32)
    cosines[1:, 1:] = shortlist.cosines
    cosines[0, 1:] = cosines[1:, 0] = shortlist.scores
    distances: Floats = 2 - 2 * cosines
    distances /= np.maximum(distances.max(axis=1, keepdims=True), 1e-6)
    np.fill_diagonal(distances, min(0, float(distances.min())) - 1)
    return distances
