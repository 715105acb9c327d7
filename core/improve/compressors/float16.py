from __future__ import annotations

from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.quantizers import Numbers
from core.types import Space


@compressor(
    title="16-bit floats",
    family="Numbers",
    source="IEEE Standard for Floating-Point Arithmetic. IEEE 754. 2019.",
)
def float16(train: Space) -> FittedCompressor:
    """Every number with 11 significant bits: cosines change by less than 0.001.

    2 d bytes a row; nothing is fitted.

    Args:
        train: (n, d) rows.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8]], "f4"), ("a",), 1)
    >>> fitted = float16(space)
    >>> codes = fitted.encode(space.images, "image")
    >>> codes["code"].nbytes, fitted.scores(space.images, "image", codes, "image").round(3).tolist()
    (4, [[1.0]])
    """
    return for_each_kind(train, lambda rows, _: Coder(train.d, Numbers("f2"), train.d))
