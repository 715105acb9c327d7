"""A random rotation: every coordinate of a rotated row is about as large as every other."""

from __future__ import annotations

import numpy as np

from core.types import Floats


def rotation(d: int, seed: int = 0) -> Floats:
    """(d, d) orthogonal matrix, uniform among all of them (Mezzadri 2007).

    >>> turn = rotation(5)
    >>> bool(np.allclose(turn @ turn.T, np.eye(5), atol=1e-6))
    True
    """
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))
    return (q * np.sign(np.diag(r))).astype(np.float32)
