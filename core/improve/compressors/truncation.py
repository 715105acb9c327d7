from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from core.improve.axes import frank_wolfe, principal, query_moment, row_moments, sphering
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import ROWS, grid, sampled
from core.improve.quantizers import FLOATS, Numbers
from core.registry import Choices, Range
from core.types import Floats, Kind, Space

BITS = {"int8": 8, "int4": 4}


@compressor(
    title="Fewer dimensions",
    family="Dimensions",
    source="Kusupati et al. Matryoshka Representation Learning. NeurIPS 2022; Tepper et al. "
    "LeanVec: Searching Vectors Faster by Making Them Fit. TMLR 2024.",
)
def truncation(
    train: Space,
    *,
    dims: Annotated[int, Range(1, 8192, "dimensions that are kept; more than d is all")] = 128,
    order: Annotated[
        str,
        Choices(
            ("leanvec", "pca", "stored", "frank_wolfe"),
            "which come first: those that matter for queries, those with most variance, as stored",
        ),
    ] = "leanvec",
    queries: Annotated[
        str, Choices(("both", "text", "image"), "rows that stand for queries in leanvec")
    ] = "both",
    numbers: Annotated[str, Choices((*FLOATS, *BITS), "how each coordinate is kept")] = "float16",
) -> FittedCompressor:
    """The first dimensions of each row, as stored or after a rotation that makes them the best.

    The stored order suits encoders trained for it (Matryoshka); their prefixes have length 1 again.
    `pca` and `leanvec` rotate around the mean of each kind; `leanvec` is the best that any linear
    map can do for these queries, and its prefixes are best for every length. Cost n d^2 + d^3 to
    fit, n d dims to encode.

    Args:
        train: (n, d) rows to fit on.
        dims: dimensions that are kept.
        order: of the dimensions.
        queries: kind of training rows that stand for queries.
        numbers: precision of each coordinate.

    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> fitted = truncation(space, dims=1, order="pca", numbers="float32")
    >>> codes = fitted.encode(space.images, "image")  # the rows differ along one axis
    >>> fitted.decode(codes, "image").astype(float).round(3).tolist()
    [[0.6, 0.8], [0.8, 0.6]]
    """
    kept = min(dims, train.d)
    plain = Coder(train.d, Numbers(FLOATS.get(numbers, "f4")), kept)
    rotates = order != "stored" and (kept < train.d or numbers in BITS)  # else only rounding
    second = query_moment(train, queries) if rotates and order != "pca" else None

    def axes(rows: Floats) -> Coder:
        found = row_moments(rows)
        down, up = principal(found.covariance)[:, :kept], None
        if second is not None and order == "leanvec":
            down, up = sphering(found.covariance, second)
        elif second is not None:
            down, up = frank_wolfe(found.covariance, second, kept)
        return replace(
            plain,
            mean=found.mean.astype(np.float32),
            down=np.ascontiguousarray(down[:, :kept], np.float32),
            up=None if up is None else np.ascontiguousarray(up[:kept], np.float32),
        )

    def fit(rows: Floats, kind: Kind) -> Coder:
        coder = axes(rows) if rotates else replace(plain, unit=kept < train.d)
        if numbers in FLOATS:
            return coder
        return replace(coder, quantizer=grid(coder.values(sampled(rows, ROWS)), BITS[numbers]))

    return for_each_kind(train, fit)
