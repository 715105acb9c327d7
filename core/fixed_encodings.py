"""A bag of vectors as one long vector, so that an inner product stands for late interaction.

Source: Dhulipala, Hadian, Jayaram, Lee, Mirrokni. MUVERA: Multi-Vector Retrieval via Fixed
Dimensional Encodings. NeurIPS 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.types import Floats, Ints


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
    def size(self) -> int:
        """Dimensions of an encoding."""
        return self.repeats * 2**self.bits * (self.inner or self.d)

    def of_words(self, vectors: Floats) -> Floats:
        """(size,) encoding of a question: sums; divided by the repeats."""
        cells, rows = self._cells(vectors), self._projected(vectors)
        found = np.zeros((self.repeats, 2**self.bits, rows.shape[2]), np.float32)
        for r in range(self.repeats):
            np.add.at(found[r], cells[r], rows[r])
        summed: Floats = (found / self.repeats).astype(np.float32).ravel()
        return summed

    def of_parts(self, vectors: Floats) -> Floats:
        """(size,) encoding of an item: means; an empty cell takes what is nearest in bits."""
        cells, rows = self._cells(vectors), self._projected(vectors)
        found = np.zeros((self.repeats, 2**self.bits, rows.shape[2]), np.float32)
        for r in range(self.repeats):
            counts = np.bincount(cells[r], minlength=2**self.bits)
            np.add.at(found[r], cells[r], rows[r])
            found[r] /= np.maximum(counts, 1)[:, None]
            empty = np.flatnonzero(counts == 0)
            apart = self._apart[empty][:, cells[r]]
            # Parts that are equally near share the cell: the order of parts does not matter.
            nearest = apart == apart.min(axis=1, keepdims=True)
            found[r, empty] = nearest @ rows[r] / nearest.sum(axis=1, keepdims=True)
        return found.ravel()

    @cached_property
    def _planes(self) -> Floats:
        shape = (self.repeats, self.d, self.bits)
        return np.random.default_rng(self.seed).normal(size=shape).astype(np.float32)

    @cached_property
    def _signs(self) -> Floats:
        shape = (self.repeats, self.d, self.inner)
        signs = np.random.default_rng(self.seed + 1).choice([-1.0, 1.0], shape)
        return (signs / np.sqrt(self.inner)).astype(np.float32)

    @cached_property
    def _apart(self) -> Ints:
        """(cells, cells) bits in which two cells differ."""
        cells = np.arange(2**self.bits)
        return np.bitwise_count(cells[:, None] ^ cells).astype(np.int64)

    def _cells(self, vectors: Floats) -> Ints:
        """(repeats, t) cell of each vector."""
        found: Ints = (vectors @ self._planes > 0) @ (1 << np.arange(self.bits))
        return found

    def _projected(self, vectors: Floats) -> Floats:
        """(repeats, t, inner) what is kept of each vector."""
        if not self.inner:
            return np.broadcast_to(vectors, (self.repeats, *vectors.shape))
        found: Floats = vectors @ self._signs
        return found
