"""Moments and spectra of a space, computed once and shared by every diagnostic.

One pass over the rows gives their mean and second moment; the mean cosine, the variance of cosines,
centroids and every spectrum follow from them exactly for any n. Cost n d^2, memory d^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.numerics.sampling import groups, jackknife
from core.numerics.stats import LEAST_DRAWS, folds
from core.types import Doubles, Floats, Ints, Scope, Space, per_space

BLOCK = 4096
EXACT_ROWS = 200_000  # up to here products are float64 too, so that small eigenvalues are accurate
SAME = 1e-10  # total variance below which all rows count as the same point
FOLDS, FEWER = 20, 10  # of a jackknife; fewer where each costs much
SAMPLED = 20_000  # rows in the folds, at most about, where eigenvalues are linear in them
SMALL = 256  # side of a matrix whose eigenvalues cost little
LINEAR = 15  # rows for each dimension from which eigenvalues are linear in the rows, nearly


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
    """Inner products of all rows with one direction or several, in blocks.

    Args:
        vectors: (n, d) rows.
        directions: (d,) or (d, m), of any length. Beyond `EXACT_ROWS` rows products are float32.

    Returns:
        (n,) or (n, m).

    >>> projections(np.eye(2, dtype=np.float32), np.array([3.0, 4.0])).tolist()
    [3.0, 4.0]
    """
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


def participation_of(values: Doubles) -> float:
    """The same of eigenvalues; 1 where there is no variance.

    >>> participation_of(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(values.sum() ** 2 / (values @ values)) if values.sum() > SAME else 1.0


def entropy(weights: Doubles) -> float:
    """-sum p log p of the shares p of the weights, in nats (Shannon 1948).

    From 0, where one weight is all, to the log of their number, where all are equal.

    Args:
        weights: (m,) none below 0; a share of 0 adds nothing. NaN where all are 0.

    >>> round(entropy(np.array([3.0, 3.0, 0.0])), 6)  # log 2
    0.693147
    """
    p = weights / weights.sum()
    p = p[p > 0]
    return -float((p * np.log(p)).sum())


def rankme(values: Doubles) -> float:
    """exp(entropy of s / sum s) of the singular values s, from their squares (Garrido et al. 2023).

    >>> round(rankme(np.array([4.0, 1.0, 0.0])), 6)  # s = 2, 1
    1.889882
    """
    return max(1.0, float(np.exp(entropy(np.sqrt(values)))))


def spectrum_error(
    space: Space, scope: Scope, statistic: Callable[[Doubles], float], *, centered: bool
) -> float:
    """Standard error of a function of the eigenvalues, over other items of as many images.

    It is recomputed without each fold of items (see `jackknife`); items connected through pairs are
    in one fold. NaN for fewer than `LEAST_DRAWS` such groups. The spectra without a fold are
    shared by all statistics; they cost about what the moments and 20 times the eigenvalues do. Of
    many items about 20,000 are put in folds, and the error is scaled to all.

    Args:
        space: where the items are.
        scope: which of them.
        statistic: of the (d,) eigenvalues, largest first.
        centered: those around the mean, else of the second moment.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    >>> space = Space(rows, tuple(map(str, range(20))), 20)
    >>> round(spectrum_error(space, "image", np.sum, centered=False), 9)  # 1 for any unit rows
    0.0
    >>> spectrum_error(space.subset(np.arange(9)), "image", np.sum, centered=False)  # too few
    nan
    """
    m = moments(space, scope)
    values = (m.centered_eigen if centered else m.eigen)[0]
    spectra, sizes = _without_folds(space, scope, centered)
    without = np.array([statistic(row) for row in spectra])
    return jackknife(statistic(values), without, sizes) * float(np.sqrt(sizes.sum() / m.n))


@per_space
def _without_folds(space: Space, scope: Scope, centered: bool) -> tuple[Doubles, Ints]:
    """(folds, d) eigenvalues without each fold of a scope's items, and the items of each fold."""
    m, rows = moments(space, scope), space.vectors[space.span(scope)]
    group = groups(space)[space.span(scope)]
    if len(np.unique(group)) < LEAST_DRAWS:
        return np.empty((0, m.d)), np.empty(0, np.int64)
    smaller = m.n >= LINEAR * m.d
    count = FOLDS if smaller or min(m.n, m.d) <= SMALL else FEWER
    used, most = np.arange(m.n), max(SAMPLED, 2 * LINEAR * m.d)
    if smaller and m.n > most:
        used = np.flatnonzero(
            (np.random.default_rng(0).random(group.max() + 1) < most / m.n)[group]
        )
    fold = folds(group[used], count=count)
    sizes = np.bincount(fold)
    parts = [used[fold == k] for k in range(len(sizes))]
    without = _first_order if smaller else _exact
    return np.stack([without(m, rows, part, len(used), centered) for part in parts]), sizes


def _exact(m: Moments, rows: Floats, part: Ints, of: int, centered: bool) -> Doubles:
    """Eigenvalues without a part of all rows; from the inner products of the others if fewer."""
    n, values = of - len(part), np.zeros(m.d)
    if n < m.d:
        x = np.delete(rows, part, axis=0).astype(np.float64)
        x -= x.mean(axis=0) * centered
        values[:n] = np.linalg.eigvalsh(x @ x.T / n)[::-1]
    else:
        own = moments_of(rows, part)
        mean = (m.n * m.mean - len(part) * own.mean) / n
        second = (m.n * m.second - len(part) * own.second) / n
        values[:] = np.linalg.eigvalsh(second - np.outer(mean, mean) * centered)[::-1]
    return np.maximum(values, 0.0)


def _first_order(m: Moments, rows: Floats, part: Ints, of: int, centered: bool) -> Doubles:
    """The same along the eigenvectors of all rows: for n far above d."""
    directions = (m.centered_eigen if centered else m.eigen)[1]
    n = of - len(part)
    along = projections(rows[part], directions)
    mean = (of * (m.mean @ directions) - along.sum(axis=0)) / n
    values = (m.centered_eigen if centered else m.eigen)[0]
    second = values + (m.mean @ directions) ** 2 * centered
    left = (of * second - (along**2).sum(axis=0)) / n - mean**2 * centered
    return np.maximum(left, 0.0)


def _eigen(matrix: Doubles) -> tuple[Doubles, Doubles]:
    values, vectors = np.linalg.eigh(matrix)
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]
