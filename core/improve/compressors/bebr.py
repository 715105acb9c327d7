from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from core.improve.axes import row_mean
from core.improve.bit_training import STEPS, trained_axes
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
    axes: Annotated[
        str, Choices(("random", "trained"), "whether codes are of a random rotation, or trained")
    ] = "random",
    steps: Annotated[int, Range(1, 100_000, "steps of training, of trained axes")] = STEPS,
) -> FittedCompressor:
    """The sign of each coordinate, then the sign of what the bits before leave over.

    Around the mean of its kind and after a random rotation. Symmetric, queries of either kind are
    codes around their own mean too, so that scores are integers and the modality gap is gone: the
    ranking differs from that of the cosines, sometimes for the better. d bits / 8 bytes a row, 4
    more when asymmetric; encoding costs n d^2. With random axes nothing but the means is fitted.
    Trained, each kind has axes of its own, for d^2 numbers more, so that symmetric codes
    rank as the vectors do: a minute or two whatever n, with one linear map where the paper has a
    network.

    Args:
        train: (n, d) rows to fit on.
        bits: for each coordinate.
        distance: of a query from a row.
        axes: along which signs are taken.
        steps: of training.

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
        return Coder(train.d, levels, train.d, row_mean(rows), turn)

    fitted = for_each_kind(train, fit)
    if axes == "random":
        return replace(fitted, symmetric=symmetric)
    rows = {kind: train.vectors[train.span(kind)] for kind in fitted.coders}
    means = {kind: row_mean(rows[kind]) for kind in rows}
    coders: dict[Kind, Coder] = {}
    for kind, down in trained_axes(rows, means, turn, bits, steps).items():
        up = None if symmetric else np.linalg.pinv(down)
        coders[kind] = replace(fitted.coders[kind], down=down, up=up)
    return FittedCompressor(coders, symmetric)
