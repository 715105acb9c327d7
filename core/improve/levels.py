"""Where even levels of coordinates should lie, fitted on a sample of rows."""

from __future__ import annotations

import numpy as np

from core.improve.quantizers import Grid
from core.types import Floats

ROWS = 20_000
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)  # of the range of a coordinate
FLAT = 1e-9  # range of a coordinate that does not vary


def sampled(rows: Floats, most: int) -> Floats:
    """At most `most` rows: all of them, or a seeded sample in their order."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(np.random.default_rng(0).choice(len(rows), most, replace=False))]


def grid(values: Floats, bits: int) -> Grid:
    """2^bits even levels for each coordinate of (n, e) values, with the least squared error.

    Of several ranges, from the whole one to 0.4 of it around its middle: with few levels it pays
    to cut off what is rare.

    >>> grid(np.array([[0.0], [1.0], [2.0], [3.0]], np.float32), 2).step.tolist()
    [1.0]
    """
    values = sampled(values, ROWS)
    low, high = values.min(axis=0), values.max(axis=0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, FLAT)
    best = np.full(values.shape[1], np.inf)
    chosen = np.ones(values.shape[1], np.float32)
    for share in SHARES if bits < 8 else SHARES[:1]:
        tried = _levels(middle, share * half, bits)
        error = np.square(tried.decode(tried.encode(values)) - values).sum(axis=0)
        chosen[error < best] = share
        best = np.minimum(best, error)
    return _levels(middle, chosen * half, bits)


def _levels(middle: Floats, half: Floats, bits: int) -> Grid:
    return Grid(
        (middle - half).astype(np.float32), (2 * half / (2**bits - 1)).astype(np.float32), bits
    )
