"""Principal subspaces and their overlap; Fisher scores of directions, and cosines under a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.numerics.spectra import Moments, moments_of
from core.types import Doubles, Floats

MIN_VARIANCE = 1e-10  # share of the largest variance below which a direction is not used


def fisher(one: Doubles, other: Doubles) -> Doubles:
    """(d,) squared distance of two groups' means along each direction over their variances.

    >>> fisher(np.array([[0.0], [2.0]]), np.array([[4.0], [6.0]])).tolist()
    [8.0]
    """
    return fisher_of(one.mean(axis=0), one.var(axis=0), other.mean(axis=0), other.var(axis=0))


def fisher_of(mean: Doubles, variance: Doubles, others: Doubles, spread: Doubles) -> Doubles:
    """The same from the means and variances (..., d) of one group and of the other."""
    apart = (mean - others) ** 2
    # Equal means score 0 even without variance.
    return np.where(apart > 1e-12, apart / np.maximum(variance + spread, 1e-12), 0.0)


def top_fisher_mask(scores: Doubles, count: int) -> Doubles:
    """(d,) 1 for the `count` directions with the highest scores above 0, 0 for the others."""
    mask = np.zeros(len(scores))
    best = np.argsort(-scores, kind="stable")[:count]
    mask[best[scores[best] > 0]] = 1.0
    return mask


def masked_cosines(rows: Doubles, others: Doubles, mask: Doubles) -> Doubles:
    """(n, m) cosines of rows (n, d) with others (m, d) under a mask (d,); 0 for zero vectors.

    Raises:
        InputError: the mask is 0 in every direction.

    >>> e = np.eye(3)
    >>> masked_cosines(e[:1] + e[1:2], e[:1] + e[2:], np.ones(3)).round(6).tolist()
    [[0.5]]
    >>> masked_cosines(e[:1] + e[1:2], e[:1] + e[2:], e[0]).tolist()
    [[1.0]]
    """
    if not np.any(mask):
        raise InputError(
            "The mask is 0 in all directions, so nothing is left to compare. "
            "Choose two groups that differ somewhere."
        )
    left, right = _unit(rows * mask), _unit(others * mask)
    return np.clip(left @ right.T, -1, 1)


@dataclass(frozen=True)
class PrincipalSubspace:
    """Principal `directions` (d, m) as columns, largest variance first, and `variances` (m,)."""

    variances: Doubles
    directions: Doubles

    @property
    def rank(self) -> int:
        """Number of directions in use; 0 when all rows are one point."""
        if not self.variances[0] > MIN_VARIANCE:
            return 0
        return int((self.variances > MIN_VARIANCE * self.variances[0]).sum())


def principal_subspace(m: Moments) -> PrincipalSubspace:
    """The full eigenbasis of the covariance (divided by n)."""
    return PrincipalSubspace(*m.centered_eigen)


def subspace_of(rows: Floats, p: int) -> PrincipalSubspace:
    """The first p directions of some rows: several times faster than all of them."""
    from scipy.linalg import eigh

    covariance = moments_of(rows).covariance
    d = len(covariance)
    values, directions = eigh(covariance, subset_by_index=[max(0, d - p), d - 1])
    return PrincipalSubspace(np.maximum(values[::-1], 0.0), directions[:, ::-1])


def similarity(one: PrincipalSubspace, other: PrincipalSubspace, p: int) -> float:
    """Mean |cosine| of the first p directions, matched by rank: 1 the same, 0 orthogonal.

    >>> turned = PrincipalSubspace(np.ones(3), np.eye(3)[:, [0, 2, 1]])
    >>> similarity(PrincipalSubspace(np.ones(3), np.eye(3)), turned, 3).__round__(3)
    0.333
    """
    pairs = np.einsum("ij,ij->j", one.directions[:, :p], other.directions[:, :p])
    return min(1.0, float(np.abs(pairs).mean()))


def overlap(one: PrincipalSubspace, other: PrincipalSubspace, p: int) -> float:
    """Mean squared cosine of the principal angles between the first p directions of each.

    Near-equal variances may swap directions, which lowers `similarity` but not this.
    """
    return min(1.0, float(((one.directions[:, :p].T @ other.directions[:, :p]) ** 2).sum()) / p)


def chance(d: int) -> float:
    """Mean |cosine| of two random directions: about sqrt(2 / (pi d)).

    >>> round(chance(512), 4), chance(1)
    (0.0353, 1.0)
    """
    from scipy.special import gammaln

    return float(np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / np.sqrt(np.pi))


def _unit(rows: Doubles) -> Doubles:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)
