from __future__ import annotations

from typing import Annotated

import numpy as np

from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats


@reranker(
    title="Alpha query expansion",
    family="Reranking",
    source="Radenovic, Tolias, Chum. Fine-Tuning CNN Image Retrieval with No Human Annotation. "
    "TPAMI 2019; Chum et al., ICCV 2007 (query expansion).",
)
def alpha_query_expansion(
    shortlist: Shortlist,
    *,
    n: Annotated[int, Range(0, 400, "best hits added to the query; 0 changes nothing")] = 10,
    alpha: Annotated[float, Range(0.0, 10.0, "how much less the weaker hits count")] = 3.0,
) -> Floats:
    """Adds the best hits to the query and scores with the sum.

    Each weighs its cosine with the query to the power alpha. Across modalities cosines are small
    and little is added; within one the query moves far, which helps when the best hits are right.

    Args:
        shortlist: the hits.
        n: 10 is usual here; up to 50 in the paper.
        alpha: 3 in the paper; 0 is average query expansion.

    Returns:
        (m,) scores, higher first; the given ones when n is 0.

    >>> from core.types import Space
    >>> x = np.array([[0.8, 0.6], [0.8, -0.6], [0.6, -0.8]], np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), np.array([1, 0], np.float32), np.arange(3),
    ...                  x[:, 0])
    >>> alpha_query_expansion(hits, n=1).round(2)  # the second falls further behind
    array([0.91, 0.65, 0.42], dtype=float32)
    """
    best = shortlist.vectors[:n]
    weights = np.maximum(best @ shortlist.vector, 0) ** alpha
    expanded = shortlist.vector + weights @ best
    expanded /= max(float(np.linalg.norm(expanded)), 1e-12)
    scores: Floats = shortlist.scores + shortlist.vectors @ (expanded - shortlist.vector)
    return scores if n else shortlist.scores
