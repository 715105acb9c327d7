from __future__ import annotations

from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.quantizers import Numbers
from core.types import Space


@compressor(
    title="32-bit floats",
    family="Numbers",
    source="IEEE Standard for Floating-Point Arithmetic. IEEE 754. 2019.",
)
def float32(train: Space) -> FittedCompressor:
    """Rows as they are: what every other way is compared with.

    4 d bytes a row; nothing is fitted.

    Args:
        train: (n, d) rows.

    >>> import numpy as np
    >>> space = Space(np.eye(2, dtype="f4"), ("a", "b"), 1)
    >>> float32(space).encode(space.images, "image")["code"].tolist()
    [[1.0, 0.0]]
    """
    return for_each_kind(train, lambda rows, _: Coder(train.d, Numbers("f4"), train.d))
