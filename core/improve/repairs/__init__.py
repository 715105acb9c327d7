"""Repairs of vectors, one file each. Add one by adding a file.

A repair is fitted on a space of training rows and is an affine map for each kind, after which rows
have length 1 again. Adding one vector to all rows that are ranked changes no order by itself:
repairs act through the new length, through the query, or where images and texts are ranked
together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from core.errors import InputError
from core.registry import Registry
from core.types import Doubles, Floats, Kind

BLOCK = 65_536
SHORT = 1e-6  # length below which a mapped row has no direction


@dataclass(frozen=True)
class AffineMap:
    """Rows to unit rows: `rows @ matrix + shift`, divided by their lengths.

    Args:
        shift: (e,) added to every row.
        matrix: (d, e); None leaves rows as they are before the shift.

    >>> AffineMap(np.array([-1.0, 0.0]))(np.array([[1.0, 2.0]])).tolist()
    [[0.0, 1.0]]
    """

    shift: Floats
    matrix: Floats | None = None

    def __call__(self, rows: Floats) -> Floats:
        """(n, e) unit rows of (n, d) rows.

        Raises:
            InputError: a row is mapped to zero, or rows have another number of dimensions.
        """
        expected = len(self.shift) if self.matrix is None else len(self.matrix)
        if rows.shape[1] != expected:
            raise InputError(
                f"The repair is for {expected} dimensions and the vectors have {rows.shape[1]}. "
                "Fit it on these vectors."
            )
        result = np.empty((len(rows), len(self.shift)), np.float32)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            moved = (block if self.matrix is None else block @ self.matrix) + self.shift
            lengths = np.sqrt(np.einsum("ij,ij->i", moved, moved))
            if len(moved) and lengths.min() < SHORT:
                raise InputError(
                    f"The repair maps row {start + int(lengths.argmin())} to zero, so that it has "
                    "no direction. Use a weaker setting."
                )
            result[start : start + BLOCK] = moved / lengths[:, None]
        return result


Maps: TypeAlias = Mapping[Kind, AffineMap]


@dataclass(frozen=True)
class FittedRepair:
    """The maps of rows that are ranked, by kind, and those of queries; None: the same."""

    rows: Maps
    queries: Maps | None = None


REPAIRS: Registry[Callable[..., FittedRepair]] = Registry(__name__, "repair")
repair = REPAIRS


def affine(shift: Doubles, matrix: Doubles | None = None) -> AffineMap:
    """A map in single precision."""
    return AffineMap(
        shift.astype(np.float32), None if matrix is None else matrix.astype(np.float32)
    )
