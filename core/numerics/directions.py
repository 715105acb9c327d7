"""Directions between unit vectors: great-circle interpolation, weighted means, balanced sums.

A query of several parts becomes one vector, so that it costs what a query of one part costs.
"""

from __future__ import annotations

import numpy as np

from core.errors import InputError
from core.types import Bools, Doubles, Floats

MIN_CANDIDATES = 10  # below this many, the standard deviation of their scores is not used
MIN_LENGTH = 1e-6  # of a sum: below it the parts cancel and no direction is left
MIN_SINE = 1e-6  # of an angle: below it the chord is used in place of the arc
STEPS, TOLERANCE = 200, 1e-12  # of the iteration for the mean on the sphere


def summed(vectors: Floats | Doubles, weights: Doubles) -> Doubles:
    """(d,) the weighted sum, normalized to length 1.

    Args:
        vectors: (m, d) unit rows of the parts.
        weights: (m,) negative for parts to move away from.

    Raises:
        InputError: the parts cancel each other out.

    >>> summed(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([3.0, -4.0])).tolist()
    [0.6, -0.8]
    """
    mixed = np.asarray(weights, np.float64) @ np.asarray(vectors, np.float64)
    length = float(np.linalg.norm(mixed))
    if length < MIN_LENGTH:
        raise InputError("The parts of this query cancel each other out. Change a weight.")
    return np.asarray(mixed / length)


def on_sphere(vectors: Floats | Doubles, weights: Doubles) -> Doubles:
    """(d,) the weighted mean on the sphere of the parts with positive weight.

    Two parts: the point that divides their great circle by the weights (slerp), so that changing a
    weight moves the query at constant speed. More: the point with the least weighted sum of squared
    angles (the Karcher mean). Parts with negative weight are then subtracted as in a sum.

    Source: Shoemake. Animating Rotation with Quaternion Curves. SIGGRAPH 1985; for composed
    retrieval Jang et al. Spherical Linear Interpolation and Text-Anchoring for Zero-shot Composed
    Image Retrieval. ECCV 2024; the mean of several: Karcher, Comm. Pure Appl. Math. 1977.

    Raises:
        InputError: two positive parts are opposite, or all cancel each other out.

    >>> on_sphere(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, 1.0])).round(3).tolist()
    [0.866, 0.5]
    """
    rows, size = np.asarray(vectors, np.float64), np.asarray(weights, np.float64)
    positive = size > 0
    mean = _karcher_mean(rows[positive], size[positive])
    total = size[positive].sum()
    return summed(np.vstack([mean, rows[~positive]]), np.append(total, size[~positive]))


def balanced(
    vectors: Floats | Doubles,
    weights: Doubles,
    means: Floats | Doubles,
    spread: Doubles,
) -> Doubles:
    """(d,) the sum in which equal weights move the candidates' scores equally.

    The mean of its kind is subtracted from each part, and the part is divided by the standard
    deviation of its scores over the candidates. Without that an image dominates a text: cosines
    between images vary more than those between an image and texts. With weights a and b the parts'
    scores have standard deviations a and b over the candidates, whatever the modality gap. With
    fewer than 10 candidates, or a part whose scores are all equal, it is the plain sum.

    Source: ours; the gap is that of Liang et al. Mind the Gap. NeurIPS 2022, scores on one scale
    over the candidates as in WeiCom (Psomas et al. Composed Image Retrieval for Remote Sensing.
    IGARSS 2024), here before ranking, so that the query stays one vector.

    Args:
        vectors: (m, d) unit rows of the parts.
        weights: (m,) negative for parts to move away from.
        means: (m, d) mean of the stored rows of each part's kind; zeros where there are none.
        spread: (m,) standard deviation of each part's scores over the candidates; see `spreads`.

    Raises:
        InputError: the parts cancel each other out.

    >>> rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> stored = np.array([[4.0, 0.1], [-4.0, 0.1], [4.0, -0.1], [-4.0, -0.1]] * 3)
    >>> none = np.zeros((2, 2))
    >>> balanced(rows, np.ones(2), none, spreads(rows, none, stored)).round(3).tolist()
    [0.025, 1.0]
    """
    if (spread < MIN_LENGTH).any():
        return summed(vectors, weights)
    return summed((np.asarray(vectors, np.float64) - means) / spread[:, None], weights)


def spreads(
    vectors: Floats | Doubles, means: Floats | Doubles, candidates: Floats | Doubles
) -> Doubles:
    """(m,) standard deviation of each part's scores over the candidates; zeros for fewer than 10.

    Args:
        vectors: (m, d) unit rows of the parts.
        means: (m, d) mean of the stored rows of each part's kind; zeros where there are none.
        candidates: (r, d) a sample of the candidate rows, each minus the mean of its kind.
    """
    if len(candidates) < MIN_CANDIDATES:
        return np.zeros(len(vectors))
    rows = np.asarray(vectors, np.float64) - means
    return np.asarray((np.asarray(candidates, np.float64) @ rows.T).std(axis=0))


def antipodal(a: Floats | Doubles, b: Floats | Doubles) -> Bools:
    """(m,) whether two unit rows are opposite, so that no unique great circle joins them."""
    cosines = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    opposite: Bools = (_sines(cosines) < MIN_SINE) & (cosines < 0)
    return opposite


def slerp(a: Floats | Doubles, b: Floats | Doubles, weight: float) -> Doubles:
    """The unit rows between a and b at `weight` of the way from b to a.

    a sin(w t) / sin t + b sin((1 - w) t) / sin t for the angle t between them. Where sin t < 1e-6
    the normalized chord is used. Equal to `scipy.spatial.geometric_slerp` to rounding, which takes
    one pair at a time (ten times slower over a collection's pairs) and float64 rows only.

    Args:
        a: (m, d) unit rows.
        b: (m, d) unit rows.
        weight: 1 gives a, 0 gives b.

    Returns:
        (m, d) unit rows, float64.

    Raises:
        InputError: two rows are opposite: every direction between them is equally valid.

    >>> slerp(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 0.25).round(6).tolist()
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
    near = sine < MIN_SINE
    safe = np.where(near, 1.0, sine)
    of_a = np.where(near, weight, np.sin(weight * angle) / safe)
    of_b = np.where(near, 1 - weight, np.sin((1 - weight) * angle) / safe)
    mixed = of_a[:, None] * a + of_b[:, None] * b
    result: Doubles = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return result


def _karcher_mean(rows: Doubles, weights: Doubles) -> Doubles:
    """The mean on the sphere of rows with positive weights."""
    for place in range(1, len(rows)):
        if antipodal(rows[:place], np.broadcast_to(rows[place], rows[:place].shape)).any():
            raise InputError(
                "Two parts of this query are opposite: there is no unique direction between them. "
                "Leave one out, or mix by sum."
            )
    shares = weights / weights.sum()
    if len(rows) == 2:
        return slerp(rows[:1], rows[1:], float(shares[0]))[0]
    mean = summed(rows, shares)
    for _ in range(STEPS):
        step = shares @ _tangents(mean, rows)
        length = float(np.linalg.norm(step))
        if length < TOLERANCE:
            break
        mean = np.cos(length) * mean + np.sin(length) / length * step
        mean /= np.linalg.norm(mean)
    return mean


def _tangents(mean: Doubles, rows: Doubles) -> Doubles:
    """(m, d) directions from the mean to each row, as long as the angle between them."""
    cosines = np.clip(rows @ mean, -1, 1)
    away = rows - cosines[:, None] * mean
    sines = np.linalg.norm(away, axis=1)
    angles = np.arctan2(sines, cosines)
    scale = np.where(sines > 1e-15, angles / np.maximum(sines, 1e-15), 1.0)
    result: Doubles = away * scale[:, None]
    return result


def _sines(cosines: Doubles) -> Doubles:
    return np.sqrt(np.maximum(0.0, 1 - np.minimum(1.0, cosines * cosines)))
