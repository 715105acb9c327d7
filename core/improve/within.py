"""The covariance within images and within texts, pooled: what repairs of both kinds share."""

from __future__ import annotations

import numpy as np

from core.errors import TooFew
from core.numerics.spectra import Moments, moments
from core.types import KINDS, Doubles, Ints, Space

LEAST = 2  # rows of each kind


def within_eigen(space: Space) -> tuple[Doubles, Doubles]:
    """Eigenvalues (d,), largest first, and eigenvectors (d, d) as columns.

    The covariance is that of the rows around the mean of their kind: the gap between the means is
    not a direction of it.
    """
    parts = [moments(space, kind) for kind in KINDS]
    n = sum(part.n for part in parts)
    pooled = sum(part.n / n * part.covariance for part in parts)
    return Moments(n, np.zeros(space.d), np.asarray(pooled)).eigen


def pair_covariances(space: Space, what: str) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:
    """Means (d,) of the images and of the texts of the pairs, and their covariances (d, d).

    Of images, of texts, and (d, d) of images with their texts.

    Raises:
        TooFew: fewer than two pairs.
    """
    if len(space.pairs) < LEAST:
        raise TooFew(what, LEAST, "pairs to fit on", len(space.pairs), "Add captions first.")
    x, y = (_rows(space, space.pairs[:, side]) for side in (0, 1))
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x -= mean_x
    y -= mean_y
    n = len(x)
    return mean_x, mean_y, x.T @ x / n, y.T @ y / n, x.T @ y / n


def _rows(space: Space, rows: Ints) -> Doubles:
    most = 100_000  # pairs: more than enough for d^2 numbers
    if len(rows) > most:
        rows = rows[np.random.default_rng(0).permutation(len(rows))[:most]]
    return space.vectors[rows].astype(np.float64)
