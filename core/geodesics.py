"""Mixing on the sphere: the point between two directions, along the great circle."""

from __future__ import annotations

import numpy as np

from core.errors import InputError
from core.types import Bools, Doubles, Floats

SMALL = 1e-6  # sine of the angle below which the chord stands for the arc


def antipodal(a: Floats | Doubles, b: Floats | Doubles) -> Bools:
    """(m,) whether two unit rows are opposite, so that no one great circle joins them."""
    cosines = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    opposite: Bools = (_sines(cosines) < SMALL) & (cosines < 0)
    return opposite


def geodesic(a: Floats | Doubles, b: Floats | Doubles, weight: float) -> Doubles:
    """The unit rows between a and b at `weight` of the way from b to a.

    a sin(w t) / sin t + b sin((1 - w) t) / sin t for the angle t between them. Where sin t < 1e-6
    the normalised chord is taken.

    Args:
        a: (m, d) unit rows.
        b: (m, d) unit rows.
        weight: 1 gives a, 0 gives b.

    Returns:
        (m, d) unit rows, float64.

    Raises:
        InputError: two rows are opposite: every direction between them is as good.

    >>> geodesic(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 0.25).round(6).tolist()
    [[0.382683, 0.92388]]
    """
    opposite = np.flatnonzero(antipodal(a, b))
    if len(opposite):
        raise InputError(
            f"Row {opposite[0]} of the two sets is a pair of opposite directions; "
            "there is no one direction between them. Leave such pairs out."
        )
    cosines = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    angle, sine = np.arccos(np.clip(cosines, -1, 1)), _sines(cosines)
    near = sine < SMALL
    safe = np.where(near, 1.0, sine)
    of_a = np.where(near, weight, np.sin(weight * angle) / safe)
    of_b = np.where(near, 1 - weight, np.sin((1 - weight) * angle) / safe)
    mixed = of_a[:, None] * a + of_b[:, None] * b
    result: Doubles = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return result


def _sines(cosines: Doubles) -> Doubles:
    return np.sqrt(np.maximum(0.0, 1 - np.minimum(1.0, cosines * cosines)))
