from __future__ import annotations

from typing import Annotated

from core.improve.axes import row_mean
from core.improve.codebooks import ROWS, linear
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import sampled
from core.registry import Range
from core.types import Floats, Kind, Space


@compressor(
    title="One linear map of a codebook (SimVQ)",
    family="Codebooks",
    source="Zhu et al. Addressing Representation Collapse in Vector Quantized Models with One "
    "Linear Layer. 2024.",
)
def simvq(
    train: Space,
    *,
    parts: Annotated[int, Range(1, 4096, "parts of a row, a byte each; more than d is d")] = 64,
) -> FittedCompressor:
    """Product quantization whose centroids are a random basis under one fitted linear map.

    All centroids move together, so that none is left without rows; in return they follow the data
    less closely than k-means. Bytes as of product quantization.

    Args:
        train: (n, d) rows to fit on.
        parts: of a row.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> codes = simvq(space, parts=2).encode(space.images, "image")
    >>> codes["code"].shape
    (2, 2)
    """

    def fit(rows: Floats, kind: Kind) -> Coder:
        mean = row_mean(rows)
        return Coder(train.d, linear(sampled(rows, ROWS) - mean, parts), train.d, mean)

    return for_each_kind(train, fit)
