"""Rows with the mean of their kind subtracted, normalized again to length 1.

Most of what a CLIP-like space lacks in spread is due to its mean, so diagnostics report values
after centering beside those before, both on a sample.
"""

from __future__ import annotations

import numpy as np

from core.numerics.sampling import sampled_rows
from core.numerics.spectra import moments
from core.types import KINDS, Floats, Kind, Scope, Space, per_space

ROWS = 10_000
MIN_LENGTH = 1e-6  # distance from the mean below which a row has no direction


@per_space
def centered(space: Space, scope: Scope) -> Floats:
    """(m, d) unit rows of a sample of a scope, each minus the mean of its kind.

    Rows equal to the mean are left out: they have no direction.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    >>> centered(Space(rows[:2], ("a", "b"), 2), "image").astype(float).round(3).tolist()
    [[0.707, -0.707], [-0.707, 0.707]]
    """
    return np.concatenate(
        [_of_kind(space, kind) for kind in KINDS if scope in (kind, "joint", "pairs")]
    )


def mean_cosine_of(vectors: Floats) -> float:
    """Mean cosine of two different rows; 0 for fewer than two rows.

    >>> mean_cosine_of(np.array([[1, 0], [0, 1], [1, 0]], np.float32)).__round__(3)
    0.333
    """
    n = len(vectors)
    if n < 2:
        return 0.0
    mean = vectors.mean(axis=0, dtype=np.float64)
    return float((n * (mean @ mean) - 1) / (n - 1))


def _of_kind(space: Space, kind: Kind) -> Floats:
    rows = sampled_rows(space, kind, ROWS, 0)
    away = space.vectors[rows] - moments(space, kind).mean.astype(np.float32)
    lengths = np.linalg.norm(away, axis=1)
    result: Floats = away[lengths > MIN_LENGTH] / lengths[lengths > MIN_LENGTH, None]
    return result
