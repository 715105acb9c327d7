"""Columns of bytes as the map in the browser reads them (assets/map/data.js).

Each begins with the digest of the rest: Streamlit names a long file by its ends and middle alone,
and a browser keeps a file by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from core.types import Bools, Floats, Ints, per_array

DIGEST = 16  # bytes before a column


def place_column(xy: Floats, rows: Ints) -> bytes:
    """Positions of drawn rows: x, y, x, y, ... in float32.

    >>> column = place_column(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1]))
    >>> np.frombuffer(column[DIGEST:], "<f4")
    array([3., 4.], dtype=float32)
    """
    return _places(xy) if len(rows) == len(xy) else _column(xy[rows], "<f4")


def byte_column(values: NDArray[np.uint8]) -> bytes:
    """One byte for each point, such as the codes of colors.

    >>> list(byte_column(np.array([7, 255], np.uint8))[DIGEST:]), byte_column(np.zeros(0, np.uint8))
    ([7, 255], b'')
    """
    return _column(values, "u1")


def bit_column(mask: Bools) -> bytes:
    """One bit for each point, the first in the lowest bit.

    >>> list(bit_column(np.array([True, False, False, True]))[DIGEST:])
    [9]
    """
    return _column(np.packbits(mask, bitorder="little"), "u1")


def line_column(lines: Sequence[Floats]) -> bytes:
    """Lines of several kinds, each (k, 4) x y to x y, in float32; nothing for none.

    >>> column = line_column([np.zeros((0, 4)), np.array([[0.0, 1.0, 2.0, 3.0]])])
    >>> np.frombuffer(column[DIGEST:], "<f4").tolist(), line_column([])
    ([0.0, 1.0, 2.0, 3.0], b'')
    """
    return _column(np.concatenate(lines), "<f4") if lines else b""


@per_array
def _places(xy: Floats) -> bytes:
    return _column(xy, "<f4")


def _column(values: NDArray[np.generic], kind: str) -> bytes:
    data = np.ascontiguousarray(values, kind).tobytes()
    return blake2b(data, digest_size=DIGEST).digest() + data if data else b""
