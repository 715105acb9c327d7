from __future__ import annotations

from typing import Annotated

import numpy as np

from core.improve.repairs import FittedRepair, RowMap, affine, repair
from core.numerics.spectra import Moments, moments
from core.registry import Range
from core.types import KINDS, Space


@repair(
    title="Inverse graph convolution (InvGC)",
    family="Hubs",
    source="Jian, Wang. InvGC: Robust Cross-Modal Retrieval by Inverse Graph Convolution. Findings "
    "of EMNLP 2023.",
)
def invgc(
    train: Space,
    *,
    same: Annotated[float, Range(0.0, 10.0, "strength against rows of the same kind")] = 0.3,
    other: Annotated[float, Range(0.0, 10.0, "strength against rows of the other kind")] = 0.3,
) -> FittedRepair:
    """Moves every ranked row away from where rows are dense; queries stay as they are.

    The published sum over all rows is a linear map of the second moment, so that no similarity is
    computed: cost n d^2 to fit, nothing a query.

    Args:
        train: (n, d) rows to fit on, of both kinds.
        same: r_g in the paper, for the kind that is ranked.
        other: r_q in the paper, for the kind of the queries.

    >>> fitted = invgc(Space(np.eye(2, dtype=np.float32), ("a", "b"), 1), same=0.0, other=0.0)
    >>> fitted.rows["image"].matrix.tolist(), fitted.queries["text"].matrix
    ([[1.0, 0.0], [0.0, 1.0]], None)
    """
    parts = {kind: moments(train, kind) for kind in KINDS}
    stay = affine(np.zeros(train.d))
    return FittedRepair(
        {
            "image": _away(parts["image"], parts["text"], same, other),
            "text": _away(parts["text"], parts["image"], same, other),
        },
        {kind: stay for kind in KINDS},
    )


def _away(ranked: Moments, queries: Moments, same: float, other: float) -> RowMap:
    """G (I - r M) + r (mean(G) mean(T)) mean(T), the mean of both kinds T of training rows.

    The published form gives both halves length 1 before it averages them; here they are averaged
    first, which makes one map of it.
    """
    matrix, shift = np.zeros_like(ranked.second), np.zeros(ranked.d)
    for rows, strength in ((ranked, same), (queries, other)):
        matrix += 0.5 * (np.eye(ranked.d) - strength * rows.second)
        shift += 0.5 * strength * (ranked.mean @ rows.mean) * rows.mean
    return affine(shift, matrix)
