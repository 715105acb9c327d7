"""A random rotation: every coordinate of a rotated row is about as large as every other."""

from __future__ import annotations

import numpy as np

from core.types import Floats


def rotation(d: int, seed: int = 0, *, first: Floats | None = None) -> Floats:
    """(d, d) orthogonal matrix, uniform among all of them (Mezzadri 2007).

    Args:
        d: dimensions.
        seed: of the random numbers.
        first: (k, d) directions that the first k columns span: uniform among those matrices.

    >>> turn = rotation(5)
    >>> bool(np.allclose(turn @ turn.T, np.eye(5), atol=1e-6))
    True
    >>> rotation(2, first=np.array([[3.0, 4.0]]))[:, 0]
    array([0.6, 0.8], dtype=float32)
    """
    columns = np.random.default_rng(seed).standard_normal((d, d))
    if first is not None:
        columns[:, : len(first)] = first.T
    q, r = np.linalg.qr(columns)
    return (q * np.where(np.diag(r) < 0, -1, 1)).astype(np.float32)
