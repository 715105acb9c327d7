from __future__ import annotations

from typing import Annotated

from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.quantizers import FLOATS, Numbers
from core.registry import Choices, Range
from core.types import Space


@compressor(
    title="Duplicates by reference",
    family="Numbers",
    source="Charikar. Similarity Estimation Techniques from Rounding Algorithms. STOC 2002.",
)
def duplicates(
    train: Space,
    *,
    cosine: Annotated[
        float, Range(0.9, 1, "cosine from which rows of a kind share one; 1: equal ones")
    ] = 0.999,
    numbers: Annotated[str, Choices(tuple(FLOATS), "how each coordinate is kept")] = "float16",
) -> FittedCompressor:
    """Nearly equal rows of a kind are kept once, and every row as the number of the one kept.

    Of a row and those nearly equal to it the first is kept. They then have equal scores, and are
    ranked in their order. 4 bytes a row, and 2 d or 4 d for each that is kept; nothing is fitted.
    Equal rows are always found, nearly equal ones by signs of random directions; cost n d.

    Args:
        train: (n, d) rows.
        cosine: from which rows share one.
        numbers: precision of each coordinate.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6], [0.6, 0.8]], "f4"), ("a", "b", "c"), 3)
    >>> codes = duplicates(space).encode(space.images, "image")
    >>> codes["code"].shape, codes["of"].tolist()
    ((2, 2), [0, 1, 0])
    """
    coder = Coder(train.d, Numbers(FLOATS[numbers]), train.d, alike=cosine)
    return for_each_kind(train, lambda rows, _: coder)
