from __future__ import annotations

from typing import Annotated

from core.improve.axes import row_mean
from core.improve.codebooks import ROWS, rotated
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import sampled
from core.registry import Range
from core.types import Floats, Kind, Space


@compressor(
    title="Rotated product quantization (OPQ)",
    family="Codebooks",
    source="Ge, He, Ke, Sun. Optimized Product Quantization. TPAMI 2014.",
)
def opq(
    train: Space,
    *,
    parts: Annotated[int, Range(1, 4096, "parts of a row, a byte each; more than d is d")] = 64,
) -> FittedCompressor:
    """Product quantization after the rotation that makes its error least, from that of `pq` on.

    Spreads variance over the parts. The rotation costs 4 d^2 bytes a kind once; fitting takes some
    times as long, with one d^3 decomposition a round.

    Args:
        train: (n, d) rows to fit on.
        parts: of a row.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> codes = opq(space, parts=2).encode(space.images, "image")
    >>> codes["code"].shape
    (2, 2)
    """

    def fit(rows: Floats, kind: Kind) -> Coder:
        mean = row_mean(rows)
        found, turn = rotated(sampled(rows, ROWS) - mean, parts)
        return Coder(train.d, found, train.d, mean, turn)

    return for_each_kind(train, fit)
