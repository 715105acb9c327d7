from __future__ import annotations

from typing import Annotated

from core.improve.axes import row_mean
from core.improve.codebooks import ROWS, balanced
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import sampled
from core.registry import Range
from core.types import Floats, Kind, Space


@compressor(
    title="Balanced product quantization (RepCONC)",
    family="Codebooks",
    source="Zhan et al. Learning Discrete Representations via Constrained Clustering for Effective "
    "and Efficient Dense Retrieval. WSDM 2022.",
)
def repconc(
    train: Space,
    *,
    parts: Annotated[int, Range(1, 4096, "parts of a row, a byte each; more than d is d")] = 64,
) -> FittedCompressor:
    """Product quantization whose centroids all have about equally many rows.

    Without it a part may be spent on a few centroids. The form without training of the encoder:
    Sinkhorn-balanced assignment and means in turn; rows are encoded by the nearest centroid. Bytes
    as of product quantization, fitting takes several times as long.

    Args:
        train: (n, d) rows to fit on.
        parts: of a row.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> codes = repconc(space, parts=2).encode(space.images, "image")
    >>> codes["code"].shape
    (2, 2)
    """

    def fit(rows: Floats, kind: Kind) -> Coder:
        mean = row_mean(rows)
        return Coder(train.d, balanced(sampled(rows, ROWS) - mean, parts), train.d, mean)

    return for_each_kind(train, fit)
