"""The shape of a cloud: its main directions and their variances, and how alike two shapes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.spectra import Moments, moments_of
from core.types import Doubles, Floats

SAME = 1e-10  # share of the largest variance below which a direction is not used


@dataclass(frozen=True)
class Shape:
    """Main `directions` (d, m) as columns, largest variance first, and the variances (m,)."""

    variances: Doubles
    directions: Doubles

    @property
    def rank(self) -> int:
        """Directions that are used; 0 when all rows are one point."""
        if not self.variances[0] > SAME:
            return 0
        return int((self.variances > SAME * self.variances[0]).sum())


def shape(m: Moments) -> Shape:
    """The shape around the mean, with covariance divided by n."""
    return Shape(*m.centred_eigen)


def shape_of(rows: Floats, p: int) -> Shape:
    """The first p directions of some rows: several times quicker than all."""
    from scipy.linalg import eigh

    covariance = moments_of(rows).covariance
    d = len(covariance)
    values, directions = eigh(covariance, subset_by_index=[max(0, d - p), d - 1])
    return Shape(np.maximum(values[::-1], 0.0), directions[:, ::-1])


def similarity(one: Shape, other: Shape, p: int) -> float:
    """Mean |cosine| of the first p directions, one with one: 1 same, 0 at right angles.

    >>> turned = Shape(np.ones(3), np.eye(3)[:, [0, 2, 1]])
    >>> similarity(Shape(np.ones(3), np.eye(3)), turned, 3).__round__(3)
    0.333
    """
    pairs = np.einsum("ij,ij->j", one.directions[:, :p], other.directions[:, :p])
    return min(1.0, float(np.abs(pairs).mean()))


def overlap(one: Shape, other: Shape, p: int) -> float:
    """Mean squared cosine of the principal angles between the first p directions of each.

    Near-equal variances may swap directions, which spoils `similarity` but not this.
    """
    return min(1.0, float(((one.directions[:, :p].T @ other.directions[:, :p]) ** 2).sum()) / p)


def chance(d: int) -> float:
    """Mean |cosine| of two random directions: about sqrt(2 / (pi d)).

    >>> round(chance(512), 4), chance(1)
    (0.0353, 1.0)
    """
    from scipy.special import gammaln

    return float(np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / np.sqrt(np.pi))


def influence(rows: Doubles, one: Shape, other: Shape, p: int) -> Doubles:
    """(m,) how much each centred row of `one`'s cloud moves `similarity`.

    First-order change of an eigenvector: z_l z_m / (lam_m - lam_l) along every other direction l.
    Near-ties make it large: the directions are then not known.
    """
    z = rows @ one.directions
    moved = np.zeros(len(rows))
    for m in range(p):
        cosines = one.directions.T @ other.directions[:, m]
        gaps = one.variances[m] - one.variances
        gaps[m] = 1.0
        pull = cosines / np.where(np.abs(gaps) > 1e-15, gaps, 1e-15)
        pull[m] = 0.0
        moved += np.sign(cosines[m]) * z[:, m] * (z @ pull) / p
    return moved
