from __future__ import annotations

from typing import Annotated

import numpy as np

from core.improve.repairs import FittedRepair, RowMap, affine, layer, repair
from core.numerics.sampling import sampled_rows
from core.registry import Range
from core.types import KINDS, Floats, Space


@repair(
    title="Inverse graph convolution, nearest rows only (InvGC LocalAdj)",
    family="Hubs",
    source="Jian, Wang. InvGC: Robust Cross-Modal Retrieval by Inverse Graph Convolution. Findings "
    "of EMNLP 2023.",
)
def invgc_local(
    train: Space,
    *,
    same: Annotated[float, Range(0.0, 10.0, "strength against rows of the same kind")] = 0.1,
    other: Annotated[float, Range(0.0, 10.0, "strength against rows of the other kind")] = 0.3,
    share: Annotated[float, Range(0.0, 1.0, "of a bank that counts as near, one row at least")] = (
        0.01
    ),
    bank: Annotated[int, Range(1, 20_000, "training rows of each kind to compare with")] = 1000,
) -> FittedRepair:
    """Moves every ranked row away from the training rows that are nearest to it; queries stay.

    The published graph is between the ranked rows and the training rows. So is this one, with a
    sample of them as a bank, so that a row alone is repaired as in the collection. A row of the
    bank is its own nearest row. Cost n b d to apply, for b rows in both banks; nothing a query.

    Args:
        train: (n, d) rows to fit on, of both kinds.
        same: r_g in the paper, for the kind that is ranked.
        other: r_q in the paper, for the kind of the queries.
        share: pool_rate in the paper's code.
        bank: fewer where a kind has fewer.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "c"), 2)
    >>> fitted = invgc_local(space, same=0.0, other=1.0, bank=1)  # away from the only text
    >>> row = np.array([[0.8, 0.0, 0.6]], np.float32)
    >>> fitted.rows["image"](row).astype(float).round(3).tolist()  # (0.8, 0, 0.3), to length 1
    [[0.936, 0.0, 0.351]]
    """
    size = min(bank, train.n_images, train.n - train.n_images)
    banks = {kind: train.vectors[sampled_rows(train, kind, size, seed=0)] for kind in KINDS}
    near = max(1, int(share * size))
    stay = affine(np.zeros(train.d))
    return FittedRepair(
        {
            "image": _away(banks["image"], banks["text"], same / near, other / near, near),
            "text": _away(banks["text"], banks["image"], same / near, other / near, near),
        },
        {kind: stay for kind in KINDS},
    )


def _away(ranked: Floats, queries: Floats, same: float, other: float, near: int) -> RowMap:
    """The mean of G - same S(G, ranked) ranked and G - other S(G, queries) queries.

    S holds the cosines with the `near` nearest rows of each bank. The published form gives both
    halves length 1 before it averages them.
    """
    both = np.concatenate([ranked, queries])
    outer = np.concatenate([-0.5 * same * ranked, -0.5 * other * queries])
    none = np.zeros(len(both))
    near_rows = layer(both.T.copy(), none, outer, best=near, parts=2)
    return RowMap(np.zeros(both.shape[1], np.float32), layer=near_rows)
