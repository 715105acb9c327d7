"""Rows to codes and back, one coder for the rows of each kind.

What codes stand for follows from them and from the coder's arrays alone, whichever compressor
fitted it: the coordinates of `core.improve.quantizers`, plus the row's center, then `@ up + mean`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count

import numpy as np

from core.errors import InputError
from core.improve.duplicates import distinct
from core.improve.quantizers import SHORT, Array, Codes, Quantizer
from core.numerics.kmeans import nearest_center
from core.types import Floats, Progress

BLOCK = 2048  # rows at a time
LEAST = 1e-6  # squared length of a center with a direction; a 16-bit share of less would overflow


@dataclass(frozen=True)
class Coder:
    """Codes of the (n, d) rows of one kind.

    Args:
        d: dimensions of a row.
        quantizer: of the e coordinates that are kept.
        mean: (d,) subtracted from a row first; None: nothing.
        down: (d, e) axes; None: the first `dims` coordinates as they are.
        up: (e, d) from axes to rows; None: the transpose of `down`.
        dims: e.
        centers: (c, e) of which the nearest is subtracted from the coordinates; codes have its
            number, `center`, and the `share` of it that is added again. None: nothing.
        unit: whether coordinates are brought to length 1 before they are quantized.
        alike: cosine from which rows share a code, see `distinct`; 0: each has its own.
    """

    d: int
    quantizer: Quantizer
    dims: int
    mean: Floats | None = None
    down: Floats | None = None
    up: Floats | None = None
    centers: Floats | None = None
    unit: bool = False
    alike: float = 0.0

    def encode(self, rows: Floats, report: Progress | None = None) -> Codes:
        """Codes of rows, some thousand at a time, in one thread for each core.

        Args:
            rows: (n, d).
            report: called with the rows done and n; what it raises ends the work.

        Raises:
            InputError: rows of another number of dimensions.
        """
        if rows.shape[1] != self.d:
            raise InputError(
                f"The compressor is for {self.d} dimensions and the vectors have {rows.shape[1]}. "
                "Fit it on these vectors."
            )
        own, of = distinct(rows, self.alike) if self.alike else (None, None)
        n = len(rows) if own is None else len(own)
        empty = self._codes(np.empty((0, self.d), np.float32))
        codes = {name: np.empty((n, *a.shape[1:]), a.dtype) for name, a in empty.items()}

        def fill(start: int) -> int:
            part = slice(start, start + BLOCK)
            some = rows[part] if own is None else rows[own[part]]
            for name, array in self._codes(some).items():
                codes[name][part] = array
            return min(start + BLOCK, n)

        with ThreadPoolExecutor(cpu_count()) as pool:
            try:
                for done in pool.map(fill, range(0, n, BLOCK)):
                    if report:
                        report(done, n)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return codes if of is None else codes | {"of": of.astype(np.uint32)}

    def _codes(self, rows: Floats) -> Codes:
        values = self.values(rows)
        if self.centers is None:
            return self.quantizer.encode(values)
        nearest = nearest_center(values, self.centers)
        own = self.centers[nearest]
        values = values - own
        codes = self.quantizer.encode(values)
        # What is lost along the center is added to its share: inner products with it are exact.
        lost = np.einsum("ij,ij->i", values - self.quantizer.decode(codes), own)
        share = 1 + lost / np.maximum(np.einsum("ij,ij->i", own, own), LEAST)
        return {**codes, "center": nearest.astype(np.uint16), "share": share.astype(np.float16)}

    def values(self, rows: Floats) -> Floats:
        """(n, e) coordinates of (n, d) rows, before a center is subtracted."""
        values = rows if self.mean is None else rows - self.mean
        values = values[:, : self.dims] if self.down is None else values @ self.down
        if self.unit:
            lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
            values = values / np.maximum(lengths, SHORT)[:, None]
        return np.asarray(values, np.float32)

    def decode(self, codes: Codes) -> Floats:
        """(n, e) coordinates that codes stand for."""
        values = self.quantizer.decode(codes)
        if self.centers is None:
            return values
        own = self.centers[codes["center"]]
        own *= codes["share"][:, None]
        return values + own

    def rows(self, values: Floats) -> Floats:
        """(n, d) rows that (n, e) coordinates stand for."""
        up = self.to_rows
        if up is not None:
            values = values @ up
        elif self.dims < self.d:
            values = np.pad(values, ((0, 0), (0, self.d - self.dims)))
        return values if self.mean is None else values + self.mean

    def along(self, queries: Floats) -> tuple[Floats, Floats]:
        """(q, e) queries for inner products with coordinates, and (q,) what is added to these."""
        up = self.to_rows
        queries = np.ascontiguousarray(queries, np.float32)
        bias = np.zeros(len(queries), np.float32) if self.mean is None else queries @ self.mean
        return queries[:, : self.dims] if up is None else queries @ up.T, bias

    @property
    def to_rows(self) -> Floats | None:
        """(e, d) from coordinates to rows; None: they are coordinates of the rows."""
        return self.down.T if self.up is None and self.down is not None else self.up

    @property
    def arrays(self) -> dict[str, Array]:
        """Everything that is kept, by name."""
        own = {"mean": self.mean, "down": self.down, "up": self.up, "centers": self.centers}
        return {
            **{name: array for name, array in own.items() if array is not None},
            **self.quantizer.arrays,
            "dims": np.array([self.dims, self.d]),
        }
