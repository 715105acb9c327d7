from __future__ import annotations

from typing import Annotated

from core.improve.axes import row_mean
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.quantizers import Recurrent
from core.improve.rotation import rotation
from core.registry import Choices, Range
from core.types import Floats, Kind, Space


@compressor(
    title="Recurrent bits (BEBR)",
    family="Bits",
    source="Gan et al. Binary Embedding-based Retrieval at Tencent. KDD 2023.",
)
def bebr(
    train: Space,
    *,
    bits: Annotated[int, Range(1, 4, "bits for each coordinate")] = 1,
    distance: Annotated[
        str,
        Choices(
            ("symmetric", "asymmetric"), "whether queries become codes as well, or stay floats"
        ),
    ] = "symmetric",
) -> FittedCompressor:
    """The sign of each coordinate, then the sign of what the bits before leave over.

    Around the mean of its kind and after a random rotation. Symmetric, queries of either kind are
    codes around their own mean too, so that scores are integers and the modality gap is gone: the
    ranking differs from that of the cosines, sometimes for the better. d bits / 8 bytes a row, 4
    more when asymmetric; nothing but the means is fitted, encoding costs n d^2.

    Args:
        train: (n, d) rows to fit on.
        bits: for each coordinate.
        distance: of a query from a row.

    >>> import numpy as np
    >>> space = Space(np.array([[0.6, 0.8], [0.8, 0.6]], "f4"), ("a", "b"), 2)
    >>> fitted = bebr(space)
    >>> codes = fitted.encode(space.images, "image")
    >>> codes["code"].nbytes, fitted.scores(space.images, "image", codes, "image").round().tolist()
    (2, [[1.0, -1.0], [-1.0, 1.0]])
    """
    turn = rotation(train.d)
    symmetric = distance == "symmetric"
    levels = Recurrent(bits, train.d, scaled=not symmetric)

    def fit(rows: Floats, kind: Kind) -> Coder:
        mean = row_mean(rows)
        return Coder(train.d, levels, train.d, mean, turn)

    return FittedCompressor(for_each_kind(train, fit).coders, symmetric)
