from __future__ import annotations

from typing import Annotated

import numpy as np

from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats


@reranker(
    title="Diffusion",
    family="Reranking",
    source="Zhou, Weston, Gretton, Bousquet, Schoelkopf. Ranking on Data Manifolds. NIPS 2003; "
    "Iscen, Tolias, Avrithis, Furon, Chum. CVPR 2017.",
)
def diffusion(
    shortlist: Shortlist,
    *,
    k: Annotated[int, Range(1, 399, "nearest hits that may be linked")] = 50,
    seeds: Annotated[int, Range(1, 400, "best hits that it starts from")] = 10,
    alpha: Annotated[float, Range(0.0, 0.999, "how far it spreads; 0 stays at the seeds")] = 0.9,
) -> Floats:
    """Likeness spreads from the best hits to their neighbours, and to theirs.

    Two hits are linked when each is among the other's k nearest, by the cube of their cosine. The
    best hits start with the cube of their cosine with the query, and the score is what a random
    walk with restarts leaves on each hit: f = (I - alpha S)^-1 y, S the normalised links. Finds
    what hangs together with the best hits though the query itself is far. A hub correction decides
    where it starts, no more. Hits that nothing reaches keep their order, last.

    Args:
        shortlist: the hits.
        k: 50 is usual.
        seeds: 10 is usual.
        alpha: 0.99 in both papers, for whole collections; in a list of 400 that reaches everywhere
            and lost recall on pictures with captions, 0.9 less so.

    Returns:
        (m,) scores, higher first; no cosines, 0 where nothing arrives.

    >>> from core.types import Space
    >>> x = np.array([[0.6, 0.8, 0], [0, 0, 1], [0, 1, 0]], np.float32)
    >>> q = np.array([0.8, 0, 0.6], np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), q, np.array([1, 0, 2]), np.sort(x @ q)[::-1])
    >>> diffusion(hits, seeds=2, alpha=0.5, k=1).round(3)  # the third is linked to the second
    array([0.216, 0.147, 0.074], dtype=float32)
    """
    near = shortlist.nearest(k)
    cosines = np.where(near & near.T, np.maximum(shortlist.cosines, 0), 0).astype(np.float64)
    links = cosines * cosines * cosines
    degree = np.sqrt(np.maximum(links.sum(axis=1), 1e-12))
    normalised = links / degree[:, None] / degree
    start = np.zeros(len(near))
    start[:seeds] = np.maximum(shortlist.vectors[:seeds] @ shortlist.vector, 0) ** 3
    scores = np.linalg.solve(np.eye(len(near)) - alpha * normalised, start)
    return scores.astype(np.float32)
