"""Rankings put together: rows and their scores, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from core.types import Doubles, Floats, Ints

SHORTLIST = 400  # hits that are ordered again


def in_order(rows: Ints, scores: Floats) -> tuple[Ints, Floats]:
    """Rows and scores, best first; equal scores keep the order of the rows.

    >>> rows, scores = in_order(np.array([3, 5, 7]), np.float32([1, 2, 1]))
    >>> rows.tolist(), scores.tolist()
    ([5, 3, 7], [2.0, 1.0, 1.0])
    """
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


def append_tail(rows: Ints, scores: Floats, more: Ints, more_scores: Floats) -> tuple[Ints, Floats]:
    """Rows and scores with further ones behind them, whose scores are lowered to fit."""
    if len(rows) and len(more):
        more_scores = more_scores - max(0.0, float(more_scores[0] - scores.min()))
    found: Floats = np.concatenate([scores, more_scores]).astype(np.float32)
    return np.concatenate([rows, more]), found


RRF_K = 60

Ranked = tuple[Ints, Floats | Doubles]


def fuse(
    rankings: Sequence[Ranked],
    how: Literal["rrf", "sum"],
    *,
    weights: Sequence[float] | None = None,
) -> tuple[Ints, Doubles]:
    """The rows of all rankings, ordered by all of them together.

    "rrf", reciprocal rank fusion, adds weight / (60 + rank) over the rankings that have the row:
    scores are never compared, so it suits rankings of any kind. "sum" adds weight x z, the scores
    of each ranking standardised over its own rows; where a ranking lacks a row, its lowest z
    stands. It keeps how far apart hits are, and does not change when all scores of a ranking are
    multiplied by a positive number or shifted.

    Args:
        rankings: rows and scores, best first, each row once; from a vector search and from words.
        how: "rrf" or "sum".
        weights: one number for each ranking; all count the same without.

    Returns:
        rows of the union and their scores, best first. Equal scores are ordered as the rows
        first come up: the first ranking's before the second's.

    Raises:
        ValueError: not as many weights as rankings.

    Source: Cormack, Clarke, Buettcher. Reciprocal Rank Fusion Outperforms Condorcet and Individual
    Rank Learning Methods. SIGIR 2009; z-scores: Renda, Straccia. Web Metasearch: Rank vs. Score
    Based Rank Aggregation Methods. SAC 2003.

    >>> vectors = np.array([7, 3]), np.array([0.4, 0.3])
    >>> words = np.array([7, 5]), np.array([12.0, 9.0])
    >>> rows, scores = fuse([vectors, words], "rrf")
    >>> rows.tolist(), round(float(scores[0]), 6)  # first in both: 2/61
    ([7, 3, 5], 0.032787)
    """
    shares = np.ones(len(rankings)) if weights is None else np.asarray(weights, np.float64)
    if len(shares) != len(rankings):
        raise ValueError(f"{len(shares)} weights for {len(rankings)} rankings")
    listed = [np.asarray(rows, np.int64) for rows, _ in rankings]
    flat = np.concatenate([*listed, np.empty(0, np.int64)])
    rows, first = np.unique(flat, return_index=True)
    total = np.zeros(len(rows))
    for weight, own, (_, scores) in zip(shares, listed, rankings, strict=True):
        if not len(own):
            continue
        if how == "rrf":
            gain, missing = 1 / (RRF_K + 1 + np.arange(len(own))), 0.0
        else:
            gain = _standardised(np.asarray(scores, np.float64))
            missing = float(gain.min())
        part = np.full(len(rows), missing)
        part[np.searchsorted(rows, own)] = gain
        total += weight * part
    order = np.lexsort((first, -total))
    return rows[order], total[order]


def _standardised(scores: Doubles) -> Doubles:
    """Scores with mean 0 and deviation 1; zeros where they are all the same.

    >>> _standardised(np.array([3.0, 1.0])).tolist(), _standardised(np.array([2.0, 2.0])).tolist()
    ([1.0, -1.0], [0.0, 0.0])
    """
    away = scores - scores.mean()
    deviation = float(scores.std())
    return away / deviation if deviation > 1e-12 * float(np.abs(scores).max()) else 0 * away
