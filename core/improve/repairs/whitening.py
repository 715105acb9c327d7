from __future__ import annotations

from typing import Annotated

from core.improve.repairs import FittedRepair, affine, repair
from core.improve.within import within_eigen
from core.numerics.spectra import moments
from core.registry import Range
from core.types import KINDS, Space


@repair(
    title="Whiten",
    family="Spread",
    source="Su, Cao, Liu, Ou. Whitening Sentence Representations for Better Semantics and Faster "
    "Retrieval. 2021.",
)
def whitening(
    train: Space,
    *,
    exponent: Annotated[float, Range(0.0, 1.0, "0 only centers, 1 is full whitening")] = 0.5,
    keep: Annotated[int, Range(0, 8192, "directions to keep, largest first; 0 is all")] = 0,
    ridge: Annotated[float, Range(0.0, 1.0, "of the mean variance, added to each variance")] = 1e-3,
) -> FittedRepair:
    """Divides each principal direction by a power of its standard deviation.

    One matrix for both kinds, from the pooled covariance around their own means: two matrices
    would no longer agree on what a direction means. Cost n d^2 + d^3 to fit, d^2 a query.

    Args:
        train: (n, d) rows to fit on, of both kinds.
        exponent: of the standard deviation.
        keep: number of directions; more than d is d.
        ridge: against small variances, which are mostly noise.

    >>> import numpy as np
    >>> rows = np.array([[0.6, 0.8], [0.6, -0.8], [-0.6, 0.8], [-0.6, -0.8]] * 2, np.float32)
    >>> fitted = whitening(Space(rows, tuple("abcdefgh"), 4), exponent=1.0, ridge=0.0)
    >>> np.abs(rows[:1] @ fitted.rows["image"].matrix).round(3).tolist()  # 0.8 / 0.8, 0.6 / 0.6
    [[1.0, 1.0]]
    """
    values, vectors = within_eigen(train)
    values = values + ridge * values.mean()
    kept = int((values > 0).sum())
    kept = min(kept, keep) if keep else kept
    matrix = vectors[:, :kept] * values[:kept] ** (-exponent / 2)
    return FittedRepair(
        {kind: affine(-moments(train, kind).mean @ matrix, matrix) for kind in KINDS}
    )
