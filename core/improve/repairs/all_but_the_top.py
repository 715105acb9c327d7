from __future__ import annotations

from typing import Annotated

import numpy as np

from core.improve.repairs import FittedRepair, affine, repair
from core.improve.within import within_eigen
from core.numerics.spectra import moments
from core.registry import Range
from core.types import KINDS, Space


@repair(
    title="Remove the top directions",
    family="Spread",
    source="Mu, Viswanath. All-but-the-Top: Simple and Effective Postprocessing for Word "
    "Representations. ICLR 2018.",
)
def all_but_the_top(
    train: Space,
    *,
    directions: Annotated[int, Range(0, 1024, "to remove; 0 is one of every 100")] = 0,
) -> FittedRepair:
    """Subtracts the mean of its kind and removes the directions of the largest variance.

    They are those within both kinds together, so that images and texts lose the same ones. For
    spaces where a few directions carry most of the variance and separate little. Cost n d^2 + d^3
    to fit, d^2 a query.

    Args:
        train: (n, d) rows to fit on, of both kinds.
        directions: fewer than d.

    >>> rows = np.array([[0.8, 0.6], [-0.8, 0.6], [0.8, -0.6], [-0.8, -0.6]], np.float32)
    >>> fitted = all_but_the_top(Space(rows, tuple("abcd"), 2), directions=1)
    >>> fitted.rows["image"].matrix.round(6).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    count = min(directions or max(1, train.d // 100), train.d - 1)
    top = within_eigen(train)[1][:, :count]
    matrix = np.eye(train.d) - top @ top.T
    return FittedRepair(
        {kind: affine(-moments(train, kind).mean @ matrix, matrix) for kind in KINDS}
    )
