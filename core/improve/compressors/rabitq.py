from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from core.improve.axes import row_mean
from core.improve.codebooks import PER_CENTER
from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.levels import sampled
from core.improve.quantizers import RowGrid
from core.improve.rotation import rotation
from core.numerics.kmeans import centers_of, nearest_center
from core.registry import Range
from core.types import KINDS, Floats, Kind, Space

# Best step of 2^bits even levels for a normal variable with deviation 1 (Max 1960), and tries.
STEPS = {1: 1.0, 2: 0.9957, 3: 0.586, 4: 0.3352, 5: 0.1881, 6: 0.1041, 7: 0.0569}
TRIES = (0.85, 1.0, 1.15)
SAMPLE = 1000  # rows that the error is measured on


@compressor(
    title="Rotated bits (RaBitQ)",
    family="Bits",
    source="Gao, Long. RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound "
    "for Approximate Nearest Neighbor Search. SIGMOD 2024; Gao et al. SIGMOD 2025.",
)
def rabitq(
    train: Space,
    *,
    bits: Annotated[int, Range(1, 7, "bits for each coordinate")] = 1,
    centers: Annotated[int, Range(0, 4096, "of groups of rows; 0: the mean of all alone")] = 0,
) -> FittedCompressor:
    """A few bits for each coordinate after a random rotation, around the mean of its kind.

    The rotation makes all coordinates alike whatever the data, so that even levels suit them and
    the error of a score is known (`errors`): it averages to 0 over rotations. The coordinates along
    the means of both kinds are kept as they are: queries lie far out along them, which would
    multiply their error. d bits / 8 + 8 bytes a row; only the means are fitted, encoding costs
    n d^2.

    With `centers` the nearest of that many k-means centers is subtracted first, and the bits are of
    the rest; the inner product with the center is kept exact, as that with the means is. The closer
    rows and queries are to a center, the smaller the error. 4 bytes more a row and 4 d for each
    center of a kind; encoding costs n d centers more.

    Args:
        train: (n, d) rows to fit on.
        bits: for each coordinate.
        centers: at most as many as there are training rows.

    >>> import numpy as np
    >>> space = Space(np.eye(8, dtype="f4"), tuple("abcdefgh"), 8)
    >>> codes = rabitq(space, bits=4).encode(space.images, "image")
    >>> {name: array.shape for name, array in codes.items()}  # 4 planes of 7 bits
    {'code': (8, 4, 1), 'first': (8, 1), 'scale': (8,)}
    """
    steps = tuple(STEPS[bits] * share for share in TRIES) if bits > 1 else ()
    means = {kind: row_mean(rows) for kind in KINDS if len(rows := train.vectors[train.span(kind)])}
    along = np.stack([*means.values()] or [np.zeros(train.d, np.float32)])[: train.d - 1]
    levels = RowGrid(bits, train.d, steps, unbiased=True, first=len(along))
    turn = rotation(train.d, first=along)

    def fit(rows: Floats, kind: Kind) -> Coder:
        coder = Coder(train.d, levels, train.d, means[kind], turn)
        values = coder.values(sampled(rows, max(SAMPLE, PER_CENTER * centers)))
        some = np.array(sampled(values, SAMPLE))
        if centers:
            values[:, : len(along)] = 0  # they are kept as they are
            found = centers_of(values, min(centers, len(values)))
            coder = replace(coder, centers=found)
            some -= found[nearest_center(some, found)]
        return replace(coder, quantizer=levels.measured(some))

    return for_each_kind(train, fit)
