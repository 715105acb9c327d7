from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from core.improve.coding import Coder
from core.improve.compressors import FittedCompressor, compressor, for_each_kind
from core.improve.multiplexing import shared_table
from core.improve.quantizers import FLOATS, Numbers
from core.registry import Choices, Range
from core.types import Space


@compressor(
    title="Attributes beside the vector (feature multiplexing)",
    family="Numbers",
    source="Coleman et al. Unified Embedding: Battle-Tested Feature Representations for Web-Scale "
    "ML Systems. NeurIPS 2023.",
    attributes=True,
)
def attributes(
    train: Space,
    *,
    weight: Annotated[
        float, Range(0, 4, "of the cosine of attributes beside that of vectors")
    ] = 0.2,
    dims: Annotated[int, Range(8, 512, "coordinates that all attributes share")] = 64,
    numbers: Annotated[str, Choices(tuple(FLOATS), "how each coordinate is kept")] = "float16",
) -> FittedCompressor:
    """Each row as it is, and labels and attributes as a few coordinates of one shared table.

    A query that prefers values, such as the label `dog`, has them beside its vector too: one dot
    product is the cosine of the vectors plus `weight` times about that of the attributes, with an
    error of about 1 / sqrt(dims). A query that prefers nothing is ranked as by the floats. For what
    must hold use a filter. 2 (d + dims) bytes a row, and 1 KB for each of `dims` once.

    Args:
        train: (n, d) rows; nothing is fitted.
        weight: of attributes.
        dims: coordinates for them.
        numbers: precision of each coordinate.

    >>> import numpy as np
    >>> from core.types import Attributes
    >>> colors = Attributes((("color", "red"), ("color", "blue")), np.array([[0, 0], [1, 1]]))
    >>> rows = np.array([[0.6, 0.8], [0.8, 0.6]], "f4")
    >>> from core.improve import compressed, parse_way
    >>> space = Space(rows, ("a", "b"), 2, attributes=colors)
    >>> kept = compressed(space, attributes(space, weight=1), parse_way("attributes:weight=1"))
    >>> plain = kept.scores(np.array([[1, 0]], "f4"), "image")
    >>> wanted = kept.fitted.preferring(np.array([[1, 0]], "f4"), [("color", "red")])
    >>> (kept.scores(wanted, "image") - plain).round(2).tolist()[0][0]  # of the red one
    1.0
    """
    coder = Coder(train.d, Numbers(FLOATS[numbers]), train.d)
    fitted = for_each_kind(train, lambda rows, _: coder)
    return replace(fitted, table=shared_table(dims, weight))
