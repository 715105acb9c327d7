"""Rankings put together: rows and their scores, best first."""

from __future__ import annotations

import numpy as np

from core.types import Floats, Ints

SHORTLIST = 400  # hits that are ordered again


def ranking(rows: Ints, scores: Floats) -> tuple[Ints, Floats]:
    """Rows and scores, best first; equal scores keep the order of the rows.

    >>> rows, scores = ranking(np.array([3, 5, 7]), np.float32([1, 2, 1]))
    >>> rows.tolist(), scores.tolist()
    ([5, 3, 7], [2.0, 1.0, 1.0])
    """
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


def followed(rows: Ints, scores: Floats, more: Ints, more_scores: Floats) -> tuple[Ints, Floats]:
    """Rows and scores with further ones behind them, whose scores are lowered to fit."""
    if len(rows) and len(more):
        more_scores = more_scores - max(0.0, float(more_scores[0] - scores.min()))
    found: Floats = np.concatenate([scores, more_scores]).astype(np.float32)
    return np.concatenate([rows, more]), found
