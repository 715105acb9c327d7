from __future__ import annotations

from typing import Annotated

import numpy as np

from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats


@reranker(
    title="Database augmentation",
    family="Reranking",
    source="Turcot, Lowe. Better Matching with Fewer Features. ICCV Workshops 2009; Arandjelovic, "
    "Zisserman. CVPR 2012; weights as in Radenovic, Tolias, Chum. TPAMI 2019.",
)
def database_augmentation(
    shortlist: Shortlist,
    *,
    n: Annotated[int, Range(0, 399, "nearest hits added to each hit; 0 changes nothing")] = 10,
    alpha: Annotated[float, Range(0.0, 10.0, "how much less the farther ones count")] = 3.0,
) -> Floats:
    """Averages every hit with its neighbors in the list before the query is compared with it.

    Neighbors weigh their cosine to the power alpha. A hit whose neighbors fit the query rises, an
    isolated one keeps its score. Neighbors come from the list, not from the whole collection.

    Args:
        shortlist: the hits.
        n: 10 is usual.
        alpha: 3; 0 is the plain mean.

    Returns:
        (m,) scores, higher first; the given ones when n is 0.

    >>> from core.types import Space
    >>> x = np.array([[0.8, 0.6, 0], [0.6, 0.8, 0], [0.6, 0, 0.8]], np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), np.eye(3, dtype=np.float32)[0], np.arange(3),
    ...                  x[:, 0])
    >>> database_augmentation(hits, n=1).round(2)  # the first two lift each other
    array([0.71, 0.7 , 0.65], dtype=float32)
    """
    x, near = shortlist.vectors, shortlist.nearest(n)
    weights = np.zeros_like(shortlist.cosines)
    weights[near] = np.maximum(shortlist.cosines[near], 0) ** alpha
    augmented = x + weights @ x
    augmented /= np.maximum(np.linalg.norm(augmented, axis=1, keepdims=True), 1e-12)
    scores: Floats = shortlist.scores + (augmented - x) @ shortlist.vector
    return scores if n else shortlist.scores
