"""A bag of vectors as one long vector, so that an inner product stands for late interaction.

Source: Dhulipala, Hadian, Jayaram, Lee, Mirrokni. MUVERA: Multi-Vector Retrieval via Fixed
Dimensional Encodings. NeurIPS 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.types import Floats, Ints

BLOCK = 2048  # items encoded at a time
LEVELS = 127.0  # a number is kept as one of so many steps up or down
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class FixedEncoding:
    """Random cells of the sphere; words are summed in each cell, parts of items are averaged.

    `of_words(q) @ of_parts(p)` estimates the sum over words of their best match. Vectors that share
    a large mean fall into few cells: take the mean off before.

    Args:
        d: dimensions of the vectors.
        bits: planes that cut the sphere into 2 ** bits cells.
        inner: dimensions kept in each cell, by random signs; 0 keeps all d.
        repeats: independent cuts, averaged.
        seed: of all that is random; words and parts need the same.

    >>> x = np.eye(4, dtype=np.float32)
    >>> exact = FixedEncoding(4, bits=3, inner=0, repeats=2)  # of one part: no estimate
    >>> round(float(exact.of_words(x[:2]) @ exact.of_parts(x[1:2])), 3)
    1.0
    """

    d: int
    bits: int = 5
    inner: int = 16
    repeats: int = 20
    seed: int = 42

    @property
    def cells(self) -> int:
        """Cells of one cut."""
        return 2**self.bits

    @property
    def size(self) -> int:
        """Dimensions of an encoding."""
        return self.repeats * self.cells * (self.inner or self.d)

    def of_words(self, vectors: Floats) -> Floats:
        """(size,) encoding of a question: sums; divided by the repeats."""
        lengths = np.array([len(vectors)])
        summed = np.stack([self._summed(vectors, lengths, r)[0] for r in range(self.repeats)])
        found: Floats = (summed / self.repeats).astype(np.float32).ravel()
        return found

    def of_parts(self, vectors: Floats) -> Floats:
        """(size,) encoding of an item: means; an empty cell takes what is nearest in bits."""
        return self.of_items(vectors, np.array([len(vectors)]))[0]

    def of_items(self, vectors: Floats, lengths: Ints) -> Floats:
        """(n, size) encodings of n items, whose parts lie below each other.

        Args:
            vectors: (sum of lengths, d) rows.
            lengths: (n,) parts of each item, at least one.
        """
        cuts = [self._filled(vectors, lengths, r) for r in range(self.repeats)]
        found: Floats = np.stack(cuts, axis=1).reshape(len(lengths), -1)
        return found

    def _filled(self, vectors: Floats, lengths: Ints, r: int) -> Floats:
        """(n, cells, inner) means of one cut; parts that are equally near share an empty cell."""
        sums = self._summed(vectors, lengths, r)
        counts = self._counts(vectors, lengths, r)
        found, empty = np.zeros_like(sums), np.ones(counts.shape, bool)
        for apart in range(self.bits + 1):
            near = (self._apart == apart).astype(np.float32)
            many = counts @ near
            new = empty & (many > 0)
            item, cell = np.nonzero(new)
            found[item, cell] = (near @ sums)[item, cell] / many[item, cell][:, None]
            empty &= ~new
            if not empty.any():
                break
        return found

    def _summed(self, vectors: Floats, lengths: Ints, r: int) -> Floats:
        """(n, cells, inner) sums of what is kept of the vectors in each cell of one cut."""
        from scipy.sparse import csr_array

        rows = vectors @ self._signs[r] if self.inner else vectors
        at, shape = self._slots(vectors, lengths, r), (len(lengths) * self.cells, len(vectors))
        ones = np.ones(len(vectors), np.float32)
        sums: Floats = csr_array((ones, (at, np.arange(len(vectors)))), shape) @ rows
        return sums.reshape(len(lengths), self.cells, -1)

    def _counts(self, vectors: Floats, lengths: Ints, r: int) -> Floats:
        """(n, cells) vectors in each cell."""
        at = self._slots(vectors, lengths, r)
        counted = np.bincount(at, minlength=len(lengths) * self.cells).astype(np.float32)
        return counted.reshape(len(lengths), self.cells)

    def _slots(self, vectors: Floats, lengths: Ints, r: int) -> Ints:
        """Item and cell of each vector as one number."""
        cells = (vectors @ self._planes[r] > 0) @ (1 << np.arange(self.bits))
        found: Ints = np.repeat(np.arange(len(lengths)), lengths) * self.cells + cells
        return found

    @cached_property
    def _planes(self) -> Floats:
        shape = (self.repeats, self.d, self.bits)
        return np.random.default_rng(self.seed).normal(size=shape).astype(np.float32)

    @cached_property
    def _signs(self) -> Floats:
        shape = (self.repeats, self.d, self.inner)
        signs = np.random.default_rng(self.seed + 1).choice([-1.0, 1.0], shape)
        return (signs / np.sqrt(max(1, self.inner))).astype(np.float32)

    @cached_property
    def _apart(self) -> Ints:
        """(cells, cells) bits in which two cells differ."""
        cells = np.arange(self.cells)
        return np.bitwise_count(cells[:, None] ^ cells).astype(np.int64)


class Encodings:
    """Fixed encodings of n items in one byte a number, cell by cell.

    The words of a question lie in a few cells: only those are read.

    Args:
        coder: makes the encodings.
        n: items; those that are never given score 0 with every question.

    >>> x = np.eye(4, dtype=np.float32)
    >>> kept = Encodings(FixedEncoding(4, bits=2, inner=0, repeats=2), 2)
    >>> kept.put(np.array([0, 1]), x[:2], np.array([1, 1]))
    >>> kept.scores(x[:1]).round(2).tolist()
    [1.0, 0.0]
    """

    def __init__(self, coder: FixedEncoding, n: int) -> None:
        self.coder = coder
        wide = coder.size // (coder.repeats * coder.cells)
        self._codes: Codes = np.zeros((coder.repeats * coder.cells, n, wide), np.int8)
        self._steps = np.zeros(n, np.float32)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self._codes.nbytes + self._steps.nbytes

    def put(self, rows: Ints, vectors: Floats, lengths: Ints) -> None:
        """Encode items.

        Args:
            rows: (m,) which they are.
            vectors: (sum of lengths, d) their parts, below each other.
            lengths: (m,) parts of each, at least one.
        """
        ends = np.cumsum(lengths)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            inside = slice(ends[start] - lengths[start], ends[part][-1])
            found = self.coder.of_items(vectors[inside], lengths[part])
            steps = np.abs(found).max(axis=1) / np.float32(LEVELS)
            codes = np.rint(found / np.maximum(steps, 1e-30)[:, None]).astype(np.int8)
            cells = codes.reshape(len(codes), len(self._codes), -1)
            self._codes[:, rows[part]] = cells.transpose(1, 0, 2)
            self._steps[rows[part]] = steps

    def scores(self, words: Floats) -> Floats:
        """(n,) estimates of the sum over words of their best match with a part of each item."""
        asked = self.coder.of_words(words).reshape(len(self._codes), -1)
        sums = np.zeros(len(self._steps), np.float32)
        for cell in np.flatnonzero(asked.any(axis=1)):
            sums += self._codes[cell].astype(np.float32) @ asked[cell]
        return sums * self._steps
