"""Gates: which directions count when two rows are compared, and how well scores part two groups."""

from __future__ import annotations

import numpy as np

from core.errors import InputError
from core.types import Doubles


def fisher(one: Doubles, other: Doubles) -> Doubles:
    """(d,) squared distance of two groups' means along each direction over their variances.

    >>> fisher(np.array([[0.0], [2.0]]), np.array([[4.0], [6.0]])).tolist()
    [8.0]
    """
    apart = (one.mean(axis=0) - other.mean(axis=0)) ** 2
    spread = one.var(axis=0) + other.var(axis=0)
    # A direction that both groups share exactly says nothing; one that parts them without spread,
    # everything.
    return np.where(apart > 1e-12, apart / np.maximum(spread, 1e-12), 0.0)


def top_gate(scores: Doubles, count: int) -> Doubles:
    """(d,) 1 for the directions with the highest scores, 0 for the others and for scores of 0."""
    gate = np.zeros(len(scores))
    best = np.argsort(-scores, kind="stable")[:count]
    gate[best[scores[best] > 0]] = 1.0
    return gate


def gated_cosines(rows: Doubles, others: Doubles, gate: Doubles) -> Doubles:
    """Cosines of rows (n, d) with others (m, d) through a gate (d,); 0 where nothing is left.

    Raises:
        InputError: the gate is 0 in every direction.

    >>> e = np.eye(3)
    >>> gated_cosines(e[:1] + e[1:2], e[:1] + e[2:], np.ones(3)).round(6).tolist()
    [[0.5]]
    >>> gated_cosines(e[:1] + e[1:2], e[:1] + e[2:], e[0]).tolist()
    [[1.0]]
    """
    if not np.any(gate):
        raise InputError(
            "The gate is 0 in all directions, so nothing is left to compare. "
            "Choose two groups that differ somewhere."
        )
    left, right = _unit(rows * gate), _unit(others * gate)
    return np.clip(left @ right.T, -1, 1)


def auc(positive: Doubles, negative: Doubles) -> tuple[float, float]:
    """Chance that a positive scores above a negative (ties half), and its error (DeLong 1988).

    >>> auc(np.array([1.0, 3.0]), np.array([0.0, 2.0]))[0]
    0.75
    """
    above = _share_below(np.sort(negative), positive)
    below = 1 - _share_below(np.sort(positive), negative)
    variance = above.var(ddof=1) / len(positive) + below.var(ddof=1) / len(negative)
    return float(above.mean()), float(np.sqrt(variance))


def _share_below(ordered: Doubles, values: Doubles) -> Doubles:
    """(m,) share of the ordered numbers below each value, ties half."""
    both = np.searchsorted(ordered, values) + np.searchsorted(ordered, values, "right")
    shares: Doubles = both / (2 * len(ordered))
    return shares


def _unit(rows: Doubles) -> Doubles:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)
