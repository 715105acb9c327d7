from __future__ import annotations

from typing import Annotated

from core.improve.axes import row_mean
from core.improve.codebooks import ROWS, k_means
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import sampled
from core.registry import Range
from core.types import Floats, Kind, Space


@compressor(
    title="Product quantization (PQ)",
    family="Codebooks",
    source="Jegou, Douze, Schmid. Product Quantization for Nearest Neighbor Search. TPAMI 2011.",
)
def pq(
    train: Space,
    *,
    parts: Annotated[int, Range(1, 4096, "parts of a row, a byte each; more than d is d")] = 64,
) -> FittedCompressor:
    """The nearest of 256 centroids for each part of a row, around the mean of its kind.

    One byte a part; the centroids cost 1024 d bytes a kind once. Fitting takes a minute or less,
    encoding 256 n d.

    Args:
        train: (n, d) rows to fit on.
        parts: of a row.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> codes = pq(space, parts=2).encode(space.images, "image")
    >>> codes["code"].shape
    (2, 2)
    """

    def fit(rows: Floats, kind: Kind) -> Coder:
        mean = row_mean(rows)
        return Coder(train.d, k_means(sampled(rows, ROWS) - mean, parts), train.d, mean)

    return for_each_kind(train, fit)
