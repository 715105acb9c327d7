from __future__ import annotations

from collections.abc import Sequence
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
    same: Annotated[float, Range(0.0, 10.0, "strength against rows of the same kind")] = 0.0,
    other: Annotated[float, Range(0.0, 10.0, "strength against rows of the other kind")] = 0.6,
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
    by_kind = {
        "image": ((banks["image"], same), (banks["text"], other)),
        "text": ((banks["text"], same), (banks["image"], other)),
    }
    stay = affine(np.zeros(train.d))
    rows = {
        kind: _away([part for part in by_kind[kind] if part[1]], near) or stay for kind in KINDS
    }
    return FittedRepair(rows, {kind: stay for kind in KINDS})


def _away(banks: Sequence[tuple[Floats, float]], near: int) -> RowMap | None:
    """G less half of each bank's strength times S bank, or None without a bank.

    S holds the cosines with the `near` nearest rows of the bank, over their number. The published
    form gives the two halves length 1 before it averages them.
    """
    if not banks:
        return None
    rows = np.concatenate([bank for bank, _ in banks])
    outer = np.concatenate([-0.5 * strength / near * bank for bank, strength in banks])
    units = layer(rows.T.copy(), np.zeros(len(rows)), outer, best=near, parts=len(banks))
    return RowMap(np.zeros(rows.shape[1], np.float32), layer=units)
