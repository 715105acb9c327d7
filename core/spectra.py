"""Moments, spectra and random pairs of a space, computed once and shared by every diagnostic.

One pass over the rows gives their mean and second moment; from those follow, exactly and for any n,
the mean cosine, the spread of cosines, centroids and every spectrum. Cost n d^2, memory d^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.types import Doubles, Floats, Ints, Scope, Space, per_space

BLOCK = 4096
EXACT_ROWS = (
    200_000  # up to here products are float64 too: quick enough, and small eigenvalues hold
)


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
    def centred_eigen(self) -> tuple[Doubles, Doubles]:
        """The same of `covariance`: what is left when the mean is taken out."""
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


def moments_of(vectors: Floats) -> Moments:
    """Moments of some rows, summed in float64."""
    n, d = vectors.shape
    mean, second = np.zeros(d), np.zeros((d, d))
    for start in range(0, n, BLOCK):
        block = vectors[start : start + BLOCK]
        rows = block.astype(np.float64) if n <= EXACT_ROWS else block
        mean += rows.sum(axis=0, dtype=np.float64)
        second += rows.T @ rows
    return Moments(n, mean / max(n, 1), second / max(n, 1))


def projections(vectors: Floats, directions: Doubles) -> Doubles:
    """Inner products of all rows with one direction (d,) or several (d, m), in blocks, float64."""
    found = [
        vectors[start : start + BLOCK].astype(np.float64) @ directions
        for start in range(0, len(vectors), BLOCK)
    ]
    return np.concatenate(found) if found else np.empty((0, *directions.shape[1:]))


def sampled_rows(space: Space, scope: Scope, most: int, seed: int) -> Ints:
    """At most `most` rows of a scope, sorted: all of them, or a seeded sample without repeats."""
    span = space.span(scope)
    rows = np.arange(span.start, span.stop)
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


@per_space
def thinned(space: Space, most: int, seed: int = 0) -> tuple[Space, Ints]:
    """At most `most` images and as many texts as a space of their own, and their rows here.

    For what costs n^2 and depends on n anyway: neighbourhoods are compared at equal size.
    """
    if max(space.n_images, space.n - space.n_images) <= most:
        return space, np.arange(space.n)
    kept = [sampled_rows(space, scope, most, seed) for scope in ("image", "text")]
    rows = np.concatenate(kept)
    return space.subset(rows), rows


@dataclass(frozen=True, slots=True)
class PairMean:
    """Mean of a function of the cosine over pairs of different rows.

    `error` is its standard error for another n items of the same kind; it holds the error of having
    looked at `pairs` random pairs too unless `exact`.
    """

    value: float
    error: float
    pairs: int
    exact: bool


def pair_mean(
    space: Space, scope: Scope, kernel: Callable[[Doubles], Doubles], *, pairs: int, seed: int = 0
) -> PairMean:
    """Mean of `kernel(cosine)` over pairs i != j: all of them when at most `pairs`, else random.

    The error of all pairs is the jackknife over items; of random pairs that of independent draws,
    plus the items' own share, taken from draws that have one item in common.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "c"), 3)
    >>> pair_mean(space, "image", np.exp, pairs=100).value
    1.0
    """
    vectors = space.vectors[space.span(scope)]
    n = len(vectors)
    if n * (n - 1) // 2 <= pairs:
        means = _row_means(vectors, kernel)
        value = float(means.mean())
        spread = float(((means - value) ** 2).sum())
        error = 2 / (n - 2) * np.sqrt((n - 1) / n * spread)
        return PairMean(value, float(error), n * (n - 1) // 2, True)
    drawn = kernel(random_cosines(space, scope, pairs // 2, seed))
    both = drawn.mean(axis=1)
    shared = max(0.0, float(np.cov(drawn.T)[0, 1]))
    error = np.sqrt(both.var(ddof=1) / len(both) + 4 * shared / n)
    return PairMean(float(both.mean()), float(error), drawn.size, False)


@per_space
def random_cosines(space: Space, scope: Scope, draws: int, seed: int) -> Doubles:
    """(draws, 2) cosines of a random row with two others, drawn with replacement."""
    vectors = space.vectors[space.span(scope)]
    n = len(vectors)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, n, draws)
    others = (first[:, None] + rng.integers(1, n, (draws, 2))) % n
    result = np.empty((draws, 2))
    for start in range(0, draws, BLOCK):
        part = slice(start, start + BLOCK)
        rows = vectors[first[part]]
        for side in (0, 1):
            result[part, side] = np.einsum("ij,ij->i", rows, vectors[others[part, side]])
    return result


def _row_means(vectors: Floats, kernel: Callable[[Doubles], Doubles]) -> Doubles:
    """Mean of the kernel between each row and all others."""
    n = len(vectors)
    step = max(1, (1 << 22) // n)
    sums = np.empty(n)
    for start in range(0, n, step):
        values = kernel((vectors[start : start + step] @ vectors.T).astype(np.float64))
        here = np.arange(len(values))
        values[here, here + start] = 0.0
        sums[start : start + step] = values.sum(axis=1)
    return sums / (n - 1)


def _eigen(matrix: Doubles) -> tuple[Doubles, Doubles]:
    values, vectors = np.linalg.eigh(matrix)
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]
