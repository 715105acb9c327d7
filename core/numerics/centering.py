"""What is left when the mean of each kind is taken out and rows are brought back to length 1.

Most of what a CLIP-like space lacks in spread is its mean: measured on a sample, after centring
stands beside before.
"""

from __future__ import annotations

import numpy as np

from core.numerics.sampling import sampled_rows
from core.numerics.spectra import moments
from core.types import Doubles, Floats, Kind, Scope, Space, per_space

ROWS = 10_000
PAIRS = 50_000
POINT = 1e-6  # distance from the mean below which a row has no direction of its own


@per_space
def centered(space: Space, scope: Scope) -> Floats:
    """(m, d) unit rows of a sample of a scope, each less the mean of its kind.

    Rows that lie on the mean are left out: they have no direction.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    >>> centered(Space(rows[:2], ("a", "b"), 2), "image").astype(float).round(3).tolist()
    [[0.707, -0.707], [-0.707, 0.707]]
    """
    kinds: tuple[Kind, ...] = ("image", "text")
    found = [_of_kind(space, kind) for kind in kinds if scope in (kind, "joint", "pairs")]
    return np.concatenate(found)


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


def random_pair_cosines(one: Floats, other: Floats | None = None) -> Doubles:
    """Cosines of random rows of one with random rows of the other, or of two different rows."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, len(one), PAIRS)
    if other is None:
        second = (first + rng.integers(1, len(one), PAIRS)) % len(one)
    else:
        second = rng.integers(0, len(other), PAIRS)
    right = one if other is None else other
    result = np.empty(PAIRS)
    for start in range(0, PAIRS, 4096):
        part = slice(start, start + 4096)
        result[part] = np.einsum("ij,ij->i", one[first[part]], right[second[part]])
    return result


def _of_kind(space: Space, kind: Kind) -> Floats:
    rows = sampled_rows(space, kind, ROWS, 0)
    away = space.vectors[rows] - moments(space, kind).mean.astype(np.float32)
    lengths = np.linalg.norm(away, axis=1)
    result: Floats = away[lengths > POINT] / lengths[lengths > POINT, None]
    return result
