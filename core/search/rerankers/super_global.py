from __future__ import annotations

from typing import Annotated

import numpy as np

from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats


@reranker(
    title="SuperGlobal (experimental)",
    family="Reranking",
    source="Shao, Chen, Karpur, Cui, Araujo, Cao. Global Features are All You Need for Image "
    "Retrieval and Reranking. ICCV 2023.",
)
def super_global(
    shortlist: Shortlist,
    *,
    neighbors: Annotated[int, Range(0, 399, "hits that refine a hit, and the query")] = 9,
    beta: Annotated[float, Range(0.0, 1.0, "weight of a neighbor; the hit itself has 1")] = 0.15,
) -> Floats:
    """Averages hits with their neighbors in the list and pools the best of them into the query.

    Experimental: measured worse than the cosine on CLIP-like embeddings, one vector an item.
    Every hit becomes a weighted mean of itself (weight 1) and its nearest hits (weight beta times
    their cosine). The query is compared with these, and so is the elementwise maximum of the best
    of them; the score is the mean of both. Neighbors with a negative cosine do not count. The
    maximum depends on the axes: it was designed for features that are never negative.

    Args:
        shortlist: the hits; 400 in the paper.
        neighbors: 9 in the paper.
        beta: 0.15 in the paper.

    Returns:
        (m,) scores, higher first.

    >>> from core.types import Space
    >>> x = np.array([[1, 0, 0], [0.6, 0.8, 0], [0.6, -0.48, 0.64]], np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), x[0], np.arange(3), x @ x[0])
    >>> super_global(hits, neighbors=0).round(2)  # the maximum of one hit is that hit
    array([1. , 0.6, 0.6], dtype=float32)
    """
    x = shortlist.vectors
    weights = np.where(shortlist.nearest(neighbors), beta * np.maximum(shortlist.cosines, 0), 0)
    np.fill_diagonal(weights, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    refined = weights @ x
    first = weights @ shortlist.scores
    best = np.argsort(-first, kind="stable")[: neighbors + 1]
    second = refined @ refined[best].max(axis=0) - weights @ shortlist.bias
    scores: Floats = (first + second) / 2
    return scores
