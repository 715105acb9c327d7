"""Repairs of vectors, one file each. Add one by adding a file.

A repair is fitted on a space of training rows and is a map for each kind, after which rows have
length 1 again. Adding one vector to all rows that are ranked changes no order by itself: repairs
act through the new length, through the query, or where images and texts are ranked together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from core.errors import InputError
from core.registry import Registry
from core.types import Doubles, Floats, Kind, Space

BLOCK = 8192  # rows at a time
UNITS = 1 << 23  # of a layer in memory at a time
SHORT = 1e-6  # length below which a mapped row has no direction


@dataclass(frozen=True)
class Layer:
    """What a map adds that is not linear: `kept(rows @ inner + bias) @ outer`.

    Args:
        inner: (d, h).
        bias: (h,).
        outer: (h, e).
        best: 0 keeps what is above 0; else of each of `parts` equal parts of the h units the so
            many largest are kept, whatever their sign.
        parts: of the h units.

    >>> two = Layer(np.eye(2), np.zeros(2), np.eye(2), best=1)
    >>> two(np.array([[-1.0, -3.0]])).tolist()
    [[-1.0, 0.0]]
    """

    inner: Floats
    bias: Floats
    outer: Floats
    best: int = 0
    parts: int = 1

    def __call__(self, rows: Floats) -> Floats:
        """(n, e) for (n, d) rows."""
        units: Floats = rows @ self.inner + self.bias
        if self.best:
            units = units.reshape(len(rows), self.parts, -1)
            least = np.partition(units, -self.best, axis=2)[:, :, -self.best, None]
            units = np.where(units >= least, units, np.float32(0)).reshape(len(rows), -1)
        else:
            units = np.maximum(units, 0)
        return np.asarray(units @ self.outer)


@dataclass(frozen=True)
class RowMap:
    """Rows to unit rows: `rows @ matrix + shift + layer(rows)`, divided by their lengths.

    Args:
        shift: (e,) added to every row.
        matrix: (d, e); None leaves rows as they are before the shift.
        layer: None for an affine map.

    >>> RowMap(np.array([-1.0, 0.0]))(np.array([[1.0, 2.0]])).tolist()
    [[0.0, 1.0]]
    """

    shift: Floats
    matrix: Floats | None = None
    layer: Layer | None = None

    @property
    def dims(self) -> int:
        """Dimensions of the rows it gives."""
        return len(self.shift)

    def __call__(self, rows: Floats, out: Floats | None = None) -> Floats:
        """(n, e) unit rows of (n, d) rows.

        Args:
            rows: to be mapped.
            out: where the result goes if it fits there; may be `rows` itself.

        Raises:
            InputError: a row is mapped to zero, or rows have another number of dimensions.
        """
        expected = len(self.shift) if self.matrix is None else len(self.matrix)
        if rows.shape[1] != expected:
            raise InputError(
                f"The repair is for {expected} dimensions and the vectors have {rows.shape[1]}. "
                "Fit it on these vectors."
            )
        shape = len(rows), self.dims
        result = np.empty(shape, np.float32) if out is None or out.shape != shape else out
        step = min(BLOCK, UNITS // len(self.layer.bias)) if self.layer else BLOCK
        for start in range(0, len(rows), step):
            block = rows[start : start + step]
            moved = block.copy() if self.matrix is None else block @ self.matrix
            moved += self.shift
            if self.layer:
                moved += self.layer(block)
            lengths = np.sqrt(np.einsum("ij,ij->i", moved, moved))
            if len(moved) and lengths.min() < SHORT:
                raise InputError(
                    f"The repair maps row {start + int(lengths.argmin())} to zero, so that it has "
                    "no direction. Use a weaker setting."
                )
            np.divide(moved, lengths[:, None], out=result[start : start + step])
        return result


Maps: TypeAlias = Mapping[Kind, RowMap]


@dataclass(frozen=True)
class FittedRepair:
    """What a repair does to rows.

    Args:
        rows: the maps of rows that are ranked, by kind.
        queries: those of queries; None: the same.
        train: the rows that later steps are fitted on, where the repair adds to them.
    """

    rows: Maps
    queries: Maps | None = None
    train: Space | None = None


REPAIRS: Registry[Callable[..., FittedRepair]] = Registry(__name__, "repair")
repair = REPAIRS


def affine(shift: Doubles, matrix: Doubles | None = None) -> RowMap:
    """A map in single precision."""
    return RowMap(shift.astype(np.float32), None if matrix is None else matrix.astype(np.float32))


def layer(inner: Doubles, bias: Doubles, outer: Doubles, *, best: int = 0, parts: int = 1) -> Layer:
    """A layer in single precision."""
    first, second, third = (each.astype(np.float32) for each in (inner, bias, outer))
    return Layer(first, second, third, best, parts)
