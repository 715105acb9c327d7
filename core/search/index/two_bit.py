"""Exact search in two steps: 2-bit codes select candidates, the rows themselves decide.

The codes are a copy of the matrix in a sixteenth of its memory, computed once for each space: a
fixed random rotation spreads every row evenly over its coordinates, and each is quantized to two
bits. All cosines can be estimated from them several times faster than the matrix can be read. The
error of an estimate is known, because the rotation is random whatever the data: normal, with a
standard deviation in proportion to the row's distance from the center. Every row that could be
among the best within four standard deviations is compared exactly. So a result is missed with
probability below 1 in 10,000, and what is returned are true cosines.

Source: the unbiased estimate is that of Gao, Long. RaBitQ: Quantizing High-Dimensional Vectors with
a Theoretical Error Bound for Approximate Nearest Neighbor Search. SIGMOD 2024; two bits by even
levels for a normal variable: Max. Quantizing for Minimum Distortion. IRE 1960.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.numerics.neighbors import select
from core.types import Bools, Floats, Ints, Space, SpaceCache

PAYS = 1 << 25  # numbers in a matrix (65,536 x 512) from which on two steps are faster than one
FIRST = 256  # candidates whose exact scores set the bound for the others
DEVIATIONS = 4.0
# Standard deviation of the quantization error, and length of a code, per quantization step.
ERROR, CODE = 0.324, 0.943
NARROW = 0.1  # share of allowed rows below which their codes are read one by one
KEPT = 4  # large: a cache of their own, apart from other results
MANY = 0.25  # share of rows among the candidates from which on every row is compared

Codes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Sketch:
    """Two bits for each of `size` rotated coordinates of n rows; `size` is a power of 2.

    `codes` (n, 2 size / 64) holds the low bits, then the high ones; `scales` (n,) turn an inner
    product of codes into one of rows around `center` (d,); `signs` (2, size) is the rotation.
    """

    center: Floats
    signs: Floats
    codes: Codes
    scales: Floats

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.codes.nbytes + self.scales.nbytes

    def estimates(self, query: Floats, rows: Ints | None = None) -> tuple[Floats, Floats]:
        """Estimated cosines (n,) with one query (d,), and standard deviations of their errors (n,).

        Of all rows, or of `rows`.
        """
        from core.numerics import kernels

        rotated = np.zeros(self.signs.shape[1], np.float32)
        rotated[: len(query)] = query
        kernels.rotate(rotated, self.signs)
        rotated /= len(rotated)  # the transforms stretched it
        planes, step = _planes(rotated)
        scales = self.scales if rows is None else self.scales[rows]
        wanted = np.empty(0, np.int64) if rows is None else rows
        sums = np.empty(len(scales), np.float32)
        kernels.parallel(
            lambda a, b: kernels.sums(self.codes, planes, wanted, sums, a, b), len(sums), 16_384
        )
        quantized = step * np.rint(rotated / step)
        estimated = (sums * step - 1.5 * quantized.sum()) * scales + query @ self.center
        lost = CODE * np.linalg.norm(rotated - quantized)
        error = np.hypot(ERROR * np.linalg.norm(rotated), lost) * scales
        return estimated, error


def pays(space: Space) -> bool:
    """Whether the collection is large enough for two steps to be faster than one."""
    return space.vectors.size >= PAYS


@SpaceCache(KEPT).per_rows
def sketch(space: Space) -> Sketch:
    """The codes of a space's rows: some seconds for 1,000,000 x 512, then 132 MB."""
    from core.numerics import kernels

    n, d = space.vectors.shape
    size = max(64, 1 << (d - 1).bit_length())
    rng = np.random.default_rng(0)
    built = Sketch(
        space.vectors[:: max(1, n // 10_000)].mean(axis=0),
        np.where(rng.random((2, size)) < 0.5, -1, 1).astype(np.float32),
        np.zeros((n, size // 32), np.uint64),
        np.zeros(n, np.float32),
    )
    kernels.parallel(
        lambda a, b: kernels.encode(
            space.vectors, built.center, built.signs, built.codes, built.scales, a, b
        ),
        n,
    )
    return built


def top_k(
    space: Space,
    query: Floats,
    k: int,
    *,
    offset: Floats | None = None,
    mask: Bools | None = None,
) -> tuple[Ints, Floats]:
    """The k best rows for one query, as `core.numerics.neighbors.top_k` finds them.

    The codes give candidates among the rows that are allowed; where these are a few hundred, or
    where too many remain, as with nearly equal vectors, every one of them is compared.

    Args:
        space: where to search.
        query: (d,) unit row.
        k: how many; fewer are returned when fewer are allowed.
        offset: (n,) bias subtracted from each cosine.
        mask: (n,) rows that may be returned.

    Returns:
        rows (k,) and scores (k,), best first; equal scores are ordered by row.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> top_k(Space(square, tuple("abcd"), 4), square[0], 2, mask=np.arange(4) > 0)[0]
    array([1, 3])
    """
    allowed = np.ones(space.n, bool) if mask is None else mask
    narrow = np.count_nonzero(allowed) <= NARROW * space.n
    rows = np.flatnonzero(allowed) if narrow else None
    estimated, error = sketch(space).estimates(query, rows)
    if rows is None:
        np.putmask(estimated, ~allowed, -np.inf)
    if offset is not None:
        estimated -= offset if rows is None else offset[rows]
    first = select(estimated[None], max(FIRST, 4 * k))[0][0]
    first = first[np.isfinite(estimated[first])]
    k = min(k, len(first))
    if not k:
        return np.empty(0, np.int64), np.empty(0, np.float32)

    def exact(positions: Ints) -> tuple[Ints, Floats]:
        return rescored(space, query, positions if rows is None else rows[positions], k, offset)

    bound = exact(first)[1][-1]  # the k-th best score of all rows is at least this
    candidates = np.flatnonzero(estimated + DEVIATIONS * error >= bound)
    if len(candidates) > MANY * len(estimated):
        candidates = np.flatnonzero(np.isfinite(estimated))
    return exact(np.union1d(first, candidates))


def rescored(
    space: Space, query: Floats, rows: Ints, k: int, offset: Floats | None = None
) -> tuple[Ints, Floats]:
    """The k best of some rows by their exact scores, and these."""
    rows = np.sort(rows)
    scores = cosines_of(space, query, rows)
    if offset is not None:
        scores -= offset[rows]
    order, best = select(scores[None], k)
    return rows[order[0]], best[0]


def cosines_of(space: Space, query: Floats, rows: Ints) -> Floats:
    """Exact cosines of one query with some rows, without copying these out."""
    from core.numerics import kernels

    space.fetch(rows)
    scores = np.empty(len(rows), np.float32)
    kernels.parallel(lambda a, b: kernels.dots(space.vectors, rows, query, scores, a, b), len(rows))
    return scores


def _planes(rotated: Floats) -> tuple[Codes, np.float32]:
    """A query as signed 4-bit numbers times a step: four bit planes for each word of codes."""
    step = np.float32(max(float(np.abs(rotated).max()), 1e-30) / 7)
    numbers = np.rint(rotated / step).astype(np.int64) & 15
    bits = (numbers[None] >> np.arange(4)[:, None]) & 1
    return np.packbits(bits.astype(bool), axis=1, bitorder="little").view(np.uint64), step
