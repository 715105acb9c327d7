"""Two-step exact search: a sketch of two bits a coordinate finds candidates, their rows decide.

The sketch is a copy of the matrix in a sixteenth of its memory, made once for each space: a fixed
random rotation spreads every row evenly over its coordinates, and two bits keep each of them. From
it all cosines can be estimated several times sooner than the matrix can be read. The error of an
estimate is known, because the rotation is random whatever the data: normal, with a deviation in
proportion to the row's distance from the centre. Every row that could be among the best within
four deviations is compared exactly. So a hit is missed with a chance below 1 in 10,000, and what
is returned are true cosines.

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

PAYS = 1 << 25  # numbers in a matrix (65,536 x 512) from which on two steps beat one
FIRST = 256  # candidates whose exact scores say how good the others must be
DEVIATIONS = 4.0
ERROR, CODE = 0.324, 0.943  # deviation of what two bits leave out, and length of a code, per step
NARROW = 0.1  # share of allowed rows below which their codes are read one by one
KEPT = 4  # large: apart from other results, which would drive them out or let them pile up
MANY = 0.25  # share of rows among the candidates from which on the sketch was of no use

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Sketch:
    """Two bits for each of `size` turned coordinates of n rows; `size` is a power of 2.

    `words` (n, 2 size / 64) holds the low bits, then the high ones; `scales` (n,) turn an inner
    product of codes into one of rows around `centre` (d,); `signs` (2, size) is the rotation.
    """

    centre: Floats
    signs: Floats
    words: Words
    scales: Floats

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.words.nbytes + self.scales.nbytes

    def estimates(self, query: Floats, rows: Ints | None = None) -> tuple[Floats, Floats]:
        """Estimated cosines (n,) with one query (d,), and the deviation of their errors (n,).

        `rows` says of which rows; without, of all.
        """
        from core.search.index import kernels

        turned = np.zeros(self.signs.shape[1], np.float32)
        turned[: len(query)] = query
        kernels.turn(turned, self.signs)
        turned /= len(turned)  # the transforms stretched it
        planes, step = _planes(turned)
        scales = self.scales if rows is None else self.scales[rows]
        wanted = np.empty(0, np.int64) if rows is None else rows
        sums = np.empty(len(scales), np.float32)
        kernels.shared(
            lambda a, b: kernels.sums(self.words, planes, wanted, sums, a, b), len(sums), 16_384
        )
        kept = step * np.rint(turned / step)
        estimated = (sums * step - 1.5 * kept.sum()) * scales + query @ self.centre
        lost = CODE * np.linalg.norm(turned - kept)
        error = np.hypot(ERROR * np.linalg.norm(turned), lost) * scales
        return estimated, error


def pays(space: Space) -> bool:
    """Whether the collection is large enough for two steps to be quicker than one."""
    return space.vectors.size >= PAYS


def narrow(space: Space, allowed: Bools) -> bool:
    """Whether so few rows are allowed that each is looked at by itself."""
    return int(np.count_nonzero(allowed)) <= NARROW * space.n


@SpaceCache(KEPT).per_rows
def sketch(space: Space) -> Sketch:
    """The sketch of a space's rows: some seconds for 1,000,000 x 512, then 132 MB."""
    from core.search.index import kernels

    n, d = space.vectors.shape
    size = max(64, 1 << (d - 1).bit_length())
    rng = np.random.default_rng(0)
    made = Sketch(
        space.vectors[:: max(1, n // 10_000)].mean(axis=0),
        np.where(rng.random((2, size)) < 0.5, -1, 1).astype(np.float32),
        np.zeros((n, size // 32), np.uint64),
        np.zeros(n, np.float32),
    )
    kernels.shared(
        lambda a, b: kernels.encode(
            space.vectors, made.centre, made.signs, made.words, made.scales, a, b
        ),
        n,
    )
    return made


def top_k(
    space: Space,
    query: Floats,
    k: int,
    *,
    offset: Floats | None = None,
    mask: Bools | None = None,
) -> tuple[Ints, Floats]:
    """The k best rows for one query, as `core.numerics.neighbors.top_k` finds them.

    The sketch gives candidates among the rows that are allowed; where these are a few hundred, or
    where it leaves too many, as with vectors that are all alike, every one of them is compared.

    Args:
        space: where to look.
        query: (d,) unit row.
        k: how many; fewer come back when fewer are allowed.
        offset: (n,) bias subtracted from each cosine.
        mask: (n,) rows that may be found.

    Returns:
        rows (k,) and scores (k,), best first; equal scores are ordered by row.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> top_k(Space(square, tuple("abcd"), 4), square[0], 2, mask=np.arange(4) > 0)[0]
    array([1, 3])
    """
    allowed = np.ones(space.n, bool) if mask is None else mask
    if narrow(space, allowed):
        rows = np.flatnonzero(allowed)
        return decided(space, query, k, offset, *sketch(space).estimates(query, rows), rows)
    estimated, error = sketch(space).estimates(query)
    np.putmask(estimated, ~allowed, -np.inf)
    return decided(space, query, k, offset, estimated, error)


def decided(
    space: Space,
    query: Floats,
    k: int,
    offset: Floats | None,
    estimated: Floats,
    error: Floats,
    rows: Ints | None = None,
) -> tuple[Ints, Floats]:
    """The k best by exact scores of all rows, or some, whose cosines are estimated.

    The best by estimate say what the k-th best reaches at least; every row that may reach it is
    compared. An estimate of minus infinity bars a row.
    """

    def named(positions: Ints) -> Ints:
        return positions if rows is None else rows[positions]

    if offset is not None:
        estimated = estimated - (offset if rows is None else offset[rows])
    first = select(estimated[None], max(FIRST, 4 * k))[0][0]
    first = first[np.isfinite(estimated[first])]
    k = min(k, len(first))
    if not k:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    bound = _best(space, query, named(first), k, offset)[1][-1]
    candidates = np.flatnonzero(estimated + DEVIATIONS * error >= bound)
    if len(candidates) > MANY * len(estimated):
        candidates = np.flatnonzero(np.isfinite(estimated))
    return _best(space, query, named(np.union1d(first, candidates)), k, offset)


def cosines_of(space: Space, query: Floats, rows: Ints) -> Floats:
    """Exact cosines of one query with some rows, without copying these out."""
    from core.search.index import kernels

    found = np.empty(len(rows), np.float32)
    kernels.shared(lambda a, b: kernels.dots(space.vectors, rows, query, found, a, b), len(rows))
    return found


def _best(
    space: Space, query: Floats, rows: Ints, k: int, offset: Floats | None
) -> tuple[Ints, Floats]:
    """The k best of some rows by their exact scores."""
    rows = np.sort(rows)
    scores = cosines_of(space, query, rows)
    if offset is not None:
        scores -= offset[rows]
    order, best = select(scores[None], k)
    return rows[order[0]], best[0]


def _planes(turned: Floats) -> tuple[Words, np.float32]:
    """A query as signed 4-bit numbers times a step: four bit planes for each word of codes."""
    step = np.float32(max(float(np.abs(turned).max()), 1e-30) / 7)
    numbers = np.rint(turned / step).astype(np.int64) & 15
    bits = (numbers[None] >> np.arange(4)[:, None]) & 1
    return np.packbits(bits.astype(bool), axis=1, bitorder="little").view(np.uint64), step
