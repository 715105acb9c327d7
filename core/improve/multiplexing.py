"""Attributes as a few coordinates beside a vector: all fields share one small table of signs.

A value of a field takes some rows of the table, by hashes that begin with the name of the field; a
row has the mean over its fields, of the mean over the values of each, at length 1. Then the inner
product of two rows is about the cosine of what they have in common, and one dot product of vectors
with these coordinates beside them respects both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from core.improve.quantizers import SHORT, Array
from core.types import Attributes, Floats

SIZE = 1024  # rows of the table
HASHES = 2  # rows that a value takes: two values are hardly ever alike in both


@dataclass(frozen=True)
class SharedTable:
    """Coordinates of attributes.

    Args:
        signs: (SIZE, e) of -1 and 1, 8 bits each.
        weight: of the cosine of attributes, beside the cosine of vectors.
    """

    signs: Array
    weight: float

    @property
    def dims(self) -> int:
        """How many coordinates: e."""
        return int(self.signs.shape[1])

    def rows(self, attributes: Attributes, n: int) -> Floats:
        """(n, e) coordinates of rows; zeros where a row has no attribute."""
        shares = attribute_shares(attributes, n)
        found: Floats = shares @ self._vectors(attributes.names)
        lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
        return found * np.float32(self.weight**0.5) / np.maximum(lengths, SHORT)[:, None]

    def wanted(self, names: Sequence[tuple[str, str]]) -> Floats:
        """(e,) coordinates of a query that prefers these (field, value)."""
        at = np.column_stack([np.zeros(len(names), np.int64), np.arange(len(names))])
        return self.rows(Attributes(tuple(names), at), 1)[0]

    def _vectors(self, names: Sequence[tuple[str, str]]) -> Floats:
        """(names, e) mean of the rows of the table that each takes."""
        taken = np.array([_hashed(*name) for name in names], np.int64).reshape(-1, HASHES)
        vectors: Floats = self.signs[taken].mean(axis=1, dtype=np.float32)
        return vectors


def shared_table(dims: int, weight: float) -> SharedTable:
    """A table of random signs, the same in every process."""
    signs = np.random.default_rng(0).integers(0, 2, (SIZE, dims), np.int8)
    return SharedTable(2 * signs - 1, weight)


def attribute_shares(attributes: Attributes, n: int) -> Any:
    """(n, names) sparse: of each row as much for every field, divided among its values.

    >>> both = Attributes((("a", "1"), ("a", "2"), ("b", "1")), np.array([[0, 0], [0, 1], [0, 2]]))
    >>> attribute_shares(both, 1).toarray().tolist()
    [[0.5, 0.5, 1.0]]
    """
    from scipy import sparse

    rows, names = attributes.at.T
    _, field = np.unique([name for name, _ in attributes.names], return_inverse=True)
    fields = int(field.max(initial=0)) + 1
    own = rows * fields + field[names] if len(names) else rows
    _, place, counts = np.unique(own, return_inverse=True, return_counts=True)
    shares = (1 / counts[place]).astype(np.float32)
    return sparse.csr_array((shares, (rows, names)), shape=(n, len(attributes.names)))


def _hashed(field: str, value: str) -> list[int]:
    data = b"".join(
        len(part).to_bytes(8, "big") + part for part in (field.encode(), value.encode())
    )
    digest = blake2b(data, digest_size=8 * HASHES).digest()
    return [int.from_bytes(digest[8 * i : 8 * i + 8], "big") % SIZE for i in range(HASHES)]
