"""Moments and spectra of a space, computed once and shared by every diagnostic.

One pass over the rows gives their mean and second moment; the mean cosine, the variance of cosines,
centroids and every spectrum follow from them exactly for any n. Cost n d^2, memory d^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.types import Doubles, Floats, Ints, Scope, Space, per_space

BLOCK = 4096
EXACT_ROWS = 200_000  # up to here products are float64 too, so that small eigenvalues are accurate


@dataclass(frozen=True)
class Moments:
    """First and second moment of n rows: `mean` (d,) and `second` (d, d) = X'X / n, float64."""

    n: int
    mean: Doubles
    second: Doubles

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return len(self.mean)

    @cached_property
    def covariance(self) -> Doubles:
        """(d, d) second moment around the mean, divided by n."""
        return self.second - np.outer(self.mean, self.mean)

    @cached_property
    def eigen(self) -> tuple[Doubles, Doubles]:
        """Eigenvalues (d,) of `second`, largest first, none below 0; eigenvectors as columns."""
        return _eigen(self.second)

    @cached_property
    def centered_eigen(self) -> tuple[Doubles, Doubles]:
        """The same of `covariance`: the spectrum after the mean is subtracted."""
        return _eigen(self.covariance)

    def merged(self, other: Moments) -> Moments:
        """The moments of both sets of rows together.

        >>> one = Moments(1, np.array([1.0]), np.array([[1.0]]))
        >>> one.merged(Moments(3, np.array([0.0]), np.array([[0.0]]))).mean
        array([0.25])
        """
        n = self.n + other.n
        a, b = self.n / max(n, 1), other.n / max(n, 1)
        return Moments(n, a * self.mean + b * other.mean, a * self.second + b * other.second)


@per_space
def moments(space: Space, scope: Scope) -> Moments:
    """Moments of the rows of a scope; "joint" merges those of images and texts.

    >>> space = Space(np.eye(2, dtype=np.float32), ("a", "b"), 1)
    >>> moments(space, "joint").second.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if scope in ("image", "text"):
        return moments_of(space.vectors[space.span(scope)])
    return moments(space, "image").merged(moments(space, "text"))


def moments_of(vectors: Floats, rows: Ints | None = None, *, exact: bool | None = None) -> Moments:
    """Moments of all rows or of some, summed in float64, in blocks.

    Products are float64 too when `exact`: up to `EXACT_ROWS` rows unless said otherwise.
    """
    n, d = len(vectors if rows is None else rows), vectors.shape[1]
    exact = n <= EXACT_ROWS if exact is None else exact
    mean, second = np.zeros(d), np.zeros((d, d))
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        block = vectors[part if rows is None else rows[part]]
        block = block.astype(np.float64) if exact else block
        mean += block.sum(axis=0, dtype=np.float64)
        second += block.T @ block
    return Moments(n, mean / max(n, 1), second / max(n, 1))


def projections(vectors: Floats, directions: Doubles) -> Doubles:
    """Inner products of all rows with one direction (d,) or several (d, m), in blocks."""
    exact = len(vectors) <= EXACT_ROWS
    along = directions if exact else directions.astype(np.float32)
    result = np.empty((len(vectors), *directions.shape[1:]))
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        result[start : start + BLOCK] = (block.astype(np.float64) if exact else block) @ along
    return result


def participation(matrix: Doubles) -> float:
    """(sum l)^2 / sum l^2 of a symmetric matrix's eigenvalues l, without computing them.

    >>> participation(np.diag([4.0, 1.0])) * 17
    25.0
    """
    return float(np.trace(matrix) ** 2 / (matrix**2).sum())


def entropy(weights: Doubles) -> float:
    """-sum p log p of the shares p of the weights; a share of 0 adds nothing."""
    p = weights / weights.sum()
    p = p[p > 0]
    return -float((p * np.log(p)).sum())


def rankme(values: Doubles) -> float:
    """exp(entropy of s / sum s) of the singular values s, from their squares (Garrido et al. 2023).

    >>> round(rankme(np.array([4.0, 1.0, 0.0])), 6)  # s = 2, 1
    1.889882
    """
    return max(1.0, float(np.exp(entropy(np.sqrt(values)))))


def participation_influence(m: Moments, rows: Floats) -> Doubles:
    """(m,) influence of each row on the participation ratio of the covariance, at weight 1/n."""
    total, square = float(np.trace(m.covariance)), float((m.covariance**2).sum())
    result = []
    for start in range(0, len(rows), BLOCK):
        x = rows[start : start + BLOCK].astype(np.float64) - m.mean
        length2 = np.einsum("ij,ij->i", x, x)
        along = np.einsum("ij,ij->i", x @ m.covariance, x)
        result.append(
            2 * total / square * (length2 - total) - 2 * total**2 / square**2 * (along - square)
        )
    return np.concatenate(result)


def eigen_influence(m: Moments, rows: Floats, slopes: Doubles, *, centered: bool) -> Doubles:
    """(m,) influence of each row on a function of the eigenvalues, up to a constant.

    `slopes` (d,) are the function's derivatives by the eigenvalues; directions with slope 0 are
    skipped.
    """
    used = slopes != 0
    directions = (m.centered_eigen if centered else m.eigen)[1][:, used]
    along = projections(rows, directions)
    if centered:
        along = along - m.mean @ directions
    moved: Doubles = along**2 @ slopes[used]
    return moved


def _eigen(matrix: Doubles) -> tuple[Doubles, Doubles]:
    values, vectors = np.linalg.eigh(matrix)
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]
