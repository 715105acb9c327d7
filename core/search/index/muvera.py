"""MUVERA (experimental): several vectors as one long vector whose inner product estimates MaxSim.

Measured worse than one vector an item where the token vectors come from the starter or another
encoder of single vectors.

Source: Dhulipala, Hadian, Jayaram, Lee, Mirrokni. MUVERA: Multi-Vector Retrieval via Fixed
Dimensional Encodings. NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.numerics.multivector import best_matches
from core.numerics.neighbors import select
from core.search.ranking import SHORTLIST, append_tail, in_order
from core.types import Bools, Floats, Ints, Space

BLOCK = 512  # items encoded at a time
AT_ONCE = 16_384  # items compared at a time, to stay in the processor's cache
LEVELS = 127.0  # quantization steps on each side of zero
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class FixedEncoding:
    """Random cells of the sphere: query tokens are summed in each cell, item tokens averaged.

    The inner product of `encode_query` and an item of `encode_items` estimates the sum over query
    tokens of their best match (MaxSim). Vectors with a large common mean fall into few cells:
    subtract the mean first.

    Args:
        d: dimensions of the vectors.
        bits: random hyperplanes, which divide the sphere into 2 ** bits cells.
        inner: dimensions of a cell after a projection by random signs; 0 keeps all d.
        repeats: independent partitions, averaged.
        seed: of everything random; the same for queries and items.

    >>> x = np.eye(4, dtype=np.float32)
    >>> exact = FixedEncoding(4, bits=3, inner=0, repeats=2)  # of one token: exact
    >>> item = exact.encode_items(x[1:2], np.array([1])).ravel()
    >>> round(float(exact.encode_query(x[:2]) @ item), 3)
    1.0
    """

    d: int
    bits: int = 5
    inner: int = 16
    repeats: int = 20
    seed: int = 42

    @property
    def cells(self) -> int:
        """Cells of one partition."""
        return 2**self.bits

    @property
    def size(self) -> int:
        """Dimensions of an encoding."""
        return self.repeats * self.cells * (self.inner or self.d)

    def encode_query(self, vectors: Floats) -> Floats:
        """(size,) encoding of the tokens of a query: sums, divided by the repeats."""
        partitions = self._partitions(vectors, np.array([len(vectors)]))
        found: Floats = np.concatenate([sums.ravel() for sums, _ in partitions])
        found /= self.repeats
        return found

    def encode_items(self, vectors: Floats, lengths: Ints) -> Floats:
        """(repeats * cells, n, inner) encodings of n items, cell by cell: means of their tokens.

        An empty cell copies the nearest.

        Args:
            vectors: (sum of lengths, d) rows: the tokens of the items, concatenated.
            lengths: (n,) tokens of each item, at least one.
        """
        return np.concatenate(
            [self._filled(*partition) for partition in self._partitions(vectors, lengths)]
        )

    def _partitions(self, vectors: Floats, lengths: Ints) -> Iterator[tuple[Floats, Floats]]:
        """For each partition, (cells, n, inner) sums of projected tokens and (cells, n) counts."""
        from scipy.sparse import csr_array

        n, t = len(lengths), len(vectors)
        item, ones = np.repeat(np.arange(n), lengths), np.ones(t, np.float32)
        sides = (vectors @ self._planes > 0).reshape(t, self.repeats, self.bits)
        kept = (vectors @ self._signs).reshape(t, self.repeats, -1) if self.inner else None
        for r in range(self.repeats):
            at = (sides[:, r] @ (1 << np.arange(self.bits))) * n + item
            members = csr_array((ones, (at, np.arange(t))), (self.cells * n, t))
            sums = members @ (vectors if kept is None else np.ascontiguousarray(kept[:, r]))
            counts = np.bincount(at, minlength=self.cells * n).astype(np.float32)
            yield sums.reshape(self.cells, n, -1), counts.reshape(self.cells, n)

    def _filled(self, sums: Floats, counts: Floats) -> Floats:
        """(cells, n, inner) means of one partition; an empty cell averages the nearest others."""
        found, empty = np.zeros_like(sums), np.ones(counts.shape, bool)
        for apart in range(self.bits + 1):
            near = (self._apart == apart).astype(np.float32)
            many = near @ counts
            share = np.where(empty & (many > 0), 1 / np.maximum(many, 1), 0).astype(np.float32)
            around = (near @ sums.reshape(self.cells, -1)).reshape(sums.shape)
            found += around * share[:, :, None]
            empty &= many == 0
            if not empty.any():
                break
        return found

    @cached_property
    def _planes(self) -> Floats:
        """(d, repeats * bits)."""
        shape = (self.d, self.repeats * self.bits)
        return np.random.default_rng(self.seed).normal(size=shape).astype(np.float32)

    @cached_property
    def _signs(self) -> Floats:
        """(d, repeats * inner)."""
        shape = (self.d, self.repeats * self.inner)
        signs = np.random.default_rng(self.seed + 1).choice([-1.0, 1.0], shape)
        return (signs / np.sqrt(self.inner)).astype(np.float32)

    @cached_property
    def _apart(self) -> Ints:
        """(cells, cells) bits in which two cells differ."""
        cells = np.arange(self.cells)
        return np.bitwise_count(cells[:, None] ^ cells).astype(np.int64)


class MuveraIndex:
    """Fixed encodings of n items in one byte a number, cell by cell.

    The tokens of a query lie in a few cells: only those are read.

    Args:
        coder: computes the encodings.
        n: items; those that are never `put` score 0 with every query.

    >>> x = np.eye(4, dtype=np.float32)
    >>> kept = MuveraIndex(FixedEncoding(4, bits=2, inner=0, repeats=2), 2)
    >>> kept.put(np.array([0, 1]), x[:2], np.array([1, 1]))
    >>> kept.scores(x[:1]).round(2).tolist()
    [1.0, 0.0]
    """

    def __init__(self, coder: FixedEncoding, n: int) -> None:
        self.coder = coder
        wide = coder.size // (coder.repeats * coder.cells)
        # The items last: what a query reads is then contiguous.
        self._codes: Codes = np.zeros((coder.repeats * coder.cells, wide, n), np.int8)
        self._steps = np.zeros(n, np.float32)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self._codes.nbytes + self._steps.nbytes

    def put(self, rows: Ints, vectors: Floats, lengths: Ints) -> None:
        """Encode items.

        Args:
            rows: (m,) their numbers.
            vectors: (sum of lengths, d) their tokens, concatenated.
            lengths: (m,) tokens of each, at least one.
        """
        ends = np.cumsum(lengths)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            inside = slice(ends[start] - lengths[start], ends[part][-1])
            found = self.coder.encode_items(vectors[inside], lengths[part])
            steps = np.abs(found).max(axis=(0, 2)) / np.float32(LEVELS)
            found /= np.maximum(steps, 1e-30)[:, None]
            codes = np.rint(found).astype(np.int8)
            self._codes[:, :, rows[part]] = codes.transpose(0, 2, 1)
            self._steps[rows[part]] = steps

    def scores(self, query_tokens: Floats) -> Floats:
        """(n,) estimates of the sum over query tokens of their best match in each item."""
        encoded = self.coder.encode_query(query_tokens).reshape(len(self._codes), -1)
        cells = np.flatnonzero(encoded.any(axis=1))
        sums = np.zeros(len(self._steps), np.float32)
        for start in range(0, len(sums), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            for cell in cells:
                sums[part] += encoded[cell] @ self._codes[cell, :, part].astype(np.float32)
        return sums * self._steps


@dataclass(frozen=True)
class TokenCandidates:
    """Candidates by fixed encodings of all items, then the exact late interaction with the best.

    Args:
        encodings: of all rows of the space, their means subtracted.
        centered: (t, d) token vectors of the query, their mean subtracted.
        query_tokens: (t, d) the same without that: unit vectors.
        tokens: from rows to each item's (t, d) unit vectors.

    Source: Dhulipala, Hadian, Jayaram, Lee, Mirrokni. MUVERA. NeurIPS 2024.
    """

    encodings: MuveraIndex
    centered: Floats
    query_tokens: Floats
    tokens: Callable[[Ints], Sequence[Floats]]

    def best(self, space: Space, allowed: Bools, k: int) -> tuple[Ints, Floats]:
        """The k best of the allowed rows and their scores.

        The first `SHORTLIST` have exact scores; the others follow in the order of their encodings.
        """
        estimates = self.encodings.scores(self.centered) / len(self.query_tokens) - space.offset
        allowed_only: Floats = np.where(allowed, estimates, -np.inf).astype(np.float32)
        rows, values = select(allowed_only[None], min(k, int(allowed.sum())))
        head, rest = rows[0, :SHORTLIST], rows[0, SHORTLIST:]
        ordered = in_order(head, self.scores(space, head))
        return append_tail(*ordered, rest, values[0, SHORTLIST:])

    def scores(self, space: Space, rows: Ints) -> Floats:
        """Mean over query tokens of their best cosine with a token of each row, less its bias."""
        late: Floats = best_matches(self.query_tokens, self.tokens(rows)).mean(axis=1)
        return late - space.offset[rows]
