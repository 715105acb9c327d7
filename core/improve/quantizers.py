"""Coordinates to codes and back: numbers of fewer bits, or the numbers of centroids.

Codes are arrays with a row for each vector: `scale * (low + step * code)`, or the centroids of that
number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from core.types import Floats, Ints

Array: TypeAlias = npt.NDArray[Any]
# "code"; "scale", "first", "center" and "share" where rows have them; where rows share codes, "of":
# for each row the number of its code.
Codes: TypeAlias = Mapping[str, Array]
FLOATS = {"float32": "f4", "float16": "f2"}  # names of what `Numbers` keeps, as they are read
SHORT = 1e-12  # length below which a row has no direction


class Quantizer(Protocol):
    """What becomes of the coordinates of a row."""

    def encode(self, values: Floats) -> Codes:
        """Codes of (n, e) values."""

    def decode(self, codes: Codes) -> Floats:
        """(n, e) values that codes stand for."""

    @property
    def arrays(self) -> Codes:
        """What `decode` needs beside the codes."""


@dataclass(frozen=True)
class Numbers:
    """Floats of another precision: `dtype` is "f4" or "f2".

    >>> half = Numbers("f2")
    >>> half.decode(half.encode(np.array([[0.1, 0.5]], "f4"))).astype(float).tolist()
    [[0.0999755859375, 0.5]]
    """

    dtype: str

    def encode(self, values: Floats) -> Codes:
        """One number each."""
        return {"code": values.astype(self.dtype)}

    def decode(self, codes: Codes) -> Floats:
        """The same numbers in single precision."""
        return codes["code"].astype(np.float32, copy=False)

    @property
    def arrays(self) -> Codes:
        """None."""
        return {}


@dataclass(frozen=True)
class Grid:
    """Even levels from `low` (e,) in steps of `step` (e,), 2^bits of them, for each coordinate.

    >>> grid = Grid(np.zeros(2, "f4"), np.array([1, 10], "f4"), bits=2)
    >>> grid.decode(grid.encode(np.array([[1.2, 16.0], [9.0, -9.0]]))).tolist()
    [[1.0, 20.0], [3.0, 0.0]]
    """

    low: Floats
    step: Floats
    bits: int

    def encode(self, values: Floats) -> Codes:
        """The nearest level."""
        levels = (values - self.low) / self.step
        np.rint(levels, out=levels)
        return {"code": pack(levels.clip(0, 2**self.bits - 1).astype(np.uint8), self.bits)}

    def decode(self, codes: Codes) -> Floats:
        """The levels."""
        levels = unpack(codes["code"], len(self.low)).astype(np.float32)
        levels *= self.step
        levels += self.low
        return levels

    @property
    def arrays(self) -> Codes:
        """Those of the levels."""
        return {"low": self.low, "step": self.step}


@dataclass(frozen=True)
class RowGrid:
    """2^bits even levels around 0 for each coordinate, and a scale for each row.

    The levels are the odd numbers from 1 - 2^bits to 2^bits - 1. Of several steps that one is taken
    whose levels have the largest cosine with the row.

    Args:
        dims: e.
        steps: in standard deviations of a row's coordinates; one step suffices for 1 bit.
        fill: the step of each row is its largest coordinate instead: nothing is cut off.
        scaled: whether the scale is kept; without it only directions can be compared.
        unbiased: the scale makes the inner product with the row itself exact (RaBitQ); otherwise
            the squared error is least.
        first: how many of the first coordinates are kept apart, as 16-bit floats.
        error: root mean square error of a coordinate, by the scale; 0: not measured.
    """

    bits: int
    dims: int
    steps: tuple[float, ...] = ()
    fill: bool = False
    scaled: bool = True
    unbiased: bool = False
    first: int = 0
    error: float = 0.0

    def measured(self, values: Floats) -> RowGrid:
        """With the error on a sample of (n, e) values: the same for all rows that were rotated."""
        codes = self.encode(values)
        apart = (self.decode(codes) - values)[:, self.first :]
        some = codes["scale"] > SHORT
        shares = apart[some] / codes["scale"][some, None]
        return replace(self, error=float(np.sqrt(np.square(shares).mean())) if some.any() else 0.0)

    def encode(self, values: Floats) -> Codes:
        """The levels with the best step, and the scale."""
        from core.numerics import kernels

        top = 2**self.bits - 1
        apart = {"first": values[:, : self.first].astype(np.float16)} if self.first else {}
        values = values[:, self.first :]
        if self.fill:
            steps = np.abs(values).max(axis=1, initial=0)[:, None] * np.float32(2 / top)
        else:
            spread = np.sqrt(np.einsum("ij,ij->i", values, values) / max(1, values.shape[1]))
            steps = spread[:, None] * np.array(self.steps or (1.0,), np.float32)
        codes = np.empty(values.shape, np.uint8)
        scale = np.empty(len(values), np.float32)
        kernels.levels(np.ascontiguousarray(values), steps, top, self.unbiased, codes, scale)
        packed = {"code": pack(codes, self.bits)} | apart
        return packed | {"scale": scale} if self.scaled else packed

    def decode(self, codes: Codes) -> Floats:
        """The levels times the scale."""
        levels = unpack(codes["code"], self.dims - self.first).astype(np.float32)
        levels *= 2
        levels -= 2**self.bits - 1
        if "scale" in codes:
            levels *= codes["scale"][:, None]
        if self.first:
            levels = np.concatenate([codes["first"], levels], axis=1, dtype=np.float32)
        return levels

    @property
    def arrays(self) -> Codes:
        """Those of the levels."""
        return {
            "low": np.array([1 - 2**self.bits], np.float32),
            "step": np.array([2], np.float32),
        }


@dataclass(frozen=True)
class Recurrent:
    """The same levels and scale as `RowGrid`, found bit by bit (BEBR).

    The first bit is the sign of a coordinate; each further one halves the step and is the sign of
    what remains after the row is rebuilt as well as the bits before allow.

    >>> two = Recurrent(2, 3)
    >>> two.decode(two.encode(np.array([[0.1, 1.0, -3.0]], "f4"))).astype(float).round(2).tolist()
    [[0.92, 0.92, -2.75]]
    """

    bits: int
    dims: int
    scaled: bool = True

    def encode(self, values: Floats) -> Codes:
        """The levels, and the scale with the least squared error."""
        levels = np.where(values < 0, np.float32(-1), np.float32(1))
        scale = self._scale(values, levels)
        for _ in range(self.bits - 1):
            rest = values - scale[:, None] * levels
            levels *= 2
            levels += np.where(rest < 0, np.float32(-1), np.float32(1))
            scale = self._scale(values, levels)
        codes = ((levels + (2**self.bits - 1)) / 2).astype(np.uint8)
        packed = {"code": pack(codes, self.bits)}
        return packed | {"scale": scale} if self.scaled else packed

    def decode(self, codes: Codes) -> Floats:
        """The levels times the scale."""
        return RowGrid(self.bits, self.dims).decode(codes)

    @property
    def arrays(self) -> Codes:
        """Those of the levels."""
        return RowGrid(self.bits, self.dims).arrays

    def _scale(self, values: Floats, levels: Floats) -> Floats:
        along = np.einsum("ij,ij->i", values, levels)
        return along / np.maximum(np.einsum("ij,ij->i", levels, levels), SHORT)


@dataclass(frozen=True)
class Centroids:
    """The nearest of K centroids in each of M equal parts of a row: `centroids` (M, K, s).

    Rows have `dims` coordinates; where that is less than M s the last part is filled with zeros.

    >>> two = Centroids(np.array([[[0.0], [1.0]], [[0.0], [5.0]]], "f4"), 2)
    >>> two.encode(np.array([[0.9, 1.0]], "f4"))["code"].tolist()
    [[1, 0]]
    """

    centroids: Floats
    dims: int

    def encode(self, values: Floats) -> Codes:
        """(n, M) numbers of centroids."""
        from core.numerics import kernels

        parts = in_parts(values, len(self.centroids))
        code = np.empty(parts.shape[:2], np.uint8)
        by_part = np.ascontiguousarray(self.centroids.swapaxes(1, 2))
        halves = 0.5 * np.einsum("mks,mks->mk", self.centroids, self.centroids)
        kernels.nearest(np.ascontiguousarray(parts, np.float32), by_part, halves, code)
        return {"code": code}

    def decode(self, codes: Codes) -> Floats:
        """The centroids."""
        code = codes["code"]
        values = self.centroids[np.arange(code.shape[1]), code]
        return values.reshape(len(code), values.shape[1] * values.shape[2])[:, : self.dims]

    @property
    def arrays(self) -> Codes:
        """The centroids."""
        return {"centroids": self.centroids}


QUANTIZERS = (Numbers, Grid, RowGrid, Recurrent, Centroids)


def count(codes: Codes) -> int:
    """How many rows codes are of."""
    return len(codes.get("of", codes["code"]))


def taken(codes: Codes, rows: Ints | slice) -> Codes:
    """The codes of some of the rows, one for each.

    >>> shared = {"code": np.array([[7], [8]], np.uint8), "of": np.array([0, 1, 1])}
    >>> taken(shared, slice(1, 3))["code"].tolist()
    [[8], [8]]
    """
    at = codes["of"][rows] if "of" in codes else rows
    return {name: array[at] for name, array in codes.items() if name != "of"}


def in_parts(values: Floats, parts: int) -> Floats:
    """(n, M, s) equal parts of (n, e) values, the last filled with zeros where needed."""
    missing = -values.shape[1] % parts
    values = np.pad(values, ((0, 0), (0, missing))) if missing else values
    return values.reshape(len(values), parts, -1 if len(values) else values.shape[1] // parts)


def pack(levels: Array, bits: int) -> Array:
    """(n, e) numbers below 2^bits as (n, bits, e / 8) planes of bits, lowest first; 8 bits as is.

    >>> pack(np.array([[1, 2, 3]], np.uint8), 2).tolist()  # 101 and 011, from the left
    [[[160], [96]]]
    """
    if bits == 8:
        return levels
    planes = [np.packbits((levels >> j) & 1, axis=1) for j in range(bits)]
    return np.stack(planes, axis=1)


def unpack(code: Array, dims: int) -> Array:
    """(n, dims) numbers that were packed.

    >>> unpack(pack(np.array([[1, 2, 3]], np.uint8), 2), 3).tolist()
    [[1, 2, 3]]
    """
    if code.ndim == 2:
        return code
    levels = np.unpackbits(code[:, 0], axis=1, count=dims)
    for j in range(1, code.shape[1]):
        levels |= np.unpackbits(code[:, j], axis=1, count=dims) << np.uint8(j)
    return levels
