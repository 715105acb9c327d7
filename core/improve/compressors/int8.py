from __future__ import annotations

from typing import Annotated

from core.improve.axes import row_mean
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import ROWS, grid, sampled
from core.improve.quantizers import RowGrid
from core.registry import Choices
from core.types import Floats, Kind, Space


@compressor(
    title="8-bit integers",
    family="Numbers",
    source="Jacob et al. Quantization and Training of Neural Networks for Efficient "
    "Integer-Arithmetic-Only Inference. CVPR 2018.",
)
def int8(
    train: Space,
    *,
    per: Annotated[
        str, Choices(("dimension", "row"), "what the 256 levels are fitted to")
    ] = "dimension",
) -> FittedCompressor:
    """256 even levels for each number.

    Those of a dimension reach from its least to its largest number in the training rows of a kind;
    those of a row reach its largest number around the mean of its kind, for 4 bytes more a row.
    d bytes a row; cost n d.

    Args:
        train: (n, d) rows to fit on.
        per: each dimension, or each row.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> fitted = int8(space)
    >>> codes = fitted.encode(space.images, "image")
    >>> codes["code"].tolist(), fitted.decode(codes, "image").astype(float).round(3).tolist()
    ([[0, 255], [255, 0]], [[0.6, 0.8], [0.8, 0.6]])
    """

    def fit(rows: Floats, kind: Kind) -> Coder:
        if per == "dimension":
            return Coder(train.d, grid(sampled(rows, ROWS), 8), train.d)
        mean = row_mean(rows)
        return Coder(train.d, RowGrid(8, train.d, fill=True), train.d, mean)

    return for_each_kind(train, fit)
