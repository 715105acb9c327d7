"""Rankings: rows and their scores, best first; sorted, appended and fused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from core.types import Doubles, Floats, Ints

SHORTLIST = 400  # hits that are fused or reranked
RRF_K = 60  # of reciprocal rank fusion

Ranked = tuple[Ints, Floats | Doubles]


def in_order(rows: Ints, scores: Floats) -> tuple[Ints, Floats]:
    """Rows and scores, best first; ties keep the order of the rows.

    >>> rows, scores = in_order(np.array([3, 5, 7]), np.float32([1, 2, 1]))
    >>> rows.tolist(), scores.tolist()
    ([5, 3, 7], [2.0, 1.0, 1.0])
    """
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


def append_tail(rows: Ints, scores: Floats, more: Ints, more_scores: Floats) -> tuple[Ints, Floats]:
    """Rows and scores followed by more, whose scores are shifted to lie below."""
    if len(rows) and len(more):
        more_scores = more_scores - max(0.0, float(more_scores[0] - scores.min()))
    every: Floats = np.concatenate([scores, more_scores]).astype(np.float32)
    return np.concatenate([rows, more]), every


def fuse(rankings: Sequence[Ranked], how: Literal["rrf", "sum"]) -> tuple[Ints, Doubles]:
    """The rows of several rankings, fused into one.

    "rrf", reciprocal rank fusion, sums 1 / (60 + rank) over the rankings that have the row:
    scores are never compared, so it suits rankings of any kind. "sum" sums z, the scores
    of each ranking standardized over its own rows; a row that a ranking lacks has its lowest z.
    It uses score differences, and is invariant to positive scaling and to shifts of a ranking's
    scores.

    Args:
        rankings: rows and scores, best first, each row once, such as of vectors and of full text.
        how: "rrf" or "sum".

    Returns:
        rows of the union and their scores, best first. Ties are in the order in which the rows
        first appear: the first ranking's before the second's.

    Source: Cormack, Clarke, Buettcher. Reciprocal Rank Fusion Outperforms Condorcet and Individual
    Rank Learning Methods. SIGIR 2009; z-scores: Renda, Straccia. Web Metasearch: Rank vs. Score
    Based Rank Aggregation Methods. SAC 2003.

    >>> vectors = np.array([7, 3]), np.array([0.4, 0.3])
    >>> words = np.array([7, 5]), np.array([12.0, 9.0])
    >>> rows, scores = fuse([vectors, words], "rrf")
    >>> rows.tolist(), round(float(scores[0]), 6)  # first in both: 2/61
    ([7, 3, 5], 0.032787)
    """
    listed = [np.asarray(rows, np.int64) for rows, _ in rankings]
    flat = np.concatenate([*listed, np.empty(0, np.int64)])
    rows, first = np.unique(flat, return_index=True)
    total = np.zeros(len(rows))
    for own, (_, scores) in zip(listed, rankings, strict=True):
        if not len(own):
            continue
        if how == "rrf":
            gain, missing = 1 / (RRF_K + 1 + np.arange(len(own))), 0.0
        else:
            gain = _standardized(np.asarray(scores, np.float64))
            missing = float(gain.min())
        part = np.full(len(rows), missing)
        part[np.searchsorted(rows, own)] = gain
        total += part
    order = np.lexsort((first, -total))
    return rows[order], total[order]


def _standardized(scores: Doubles) -> Doubles:
    """Scores with mean 0 and standard deviation 1; zeros where all are equal.

    >>> _standardized(np.array([3.0, 1.0])).tolist(), _standardized(np.array([2.0, 2.0])).tolist()
    ([1.0, -1.0], [0.0, 0.0])
    """
    away = scores - scores.mean()
    deviation = float(scores.std())
    return away / deviation if deviation > 1e-12 * float(np.abs(scores).max()) else 0 * away
