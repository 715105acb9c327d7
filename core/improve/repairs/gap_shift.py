from __future__ import annotations

from typing import Annotated

from core.improve.repairs import FittedRepair, affine, repair
from core.numerics.spectra import moments
from core.registry import Range
from core.types import Space


@repair(
    title="Shift along the modality gap",
    family="Modality gap",
    source="Liang et al. Mind the Gap. NeurIPS 2022; Restrepo et al. Multimodal Deep Learning for "
    "Low-Resource Settings: A Vector Embedding Alignment Approach. 2024.",
)
def gap_shift(
    train: Space,
    *,
    amount: Annotated[
        float, Range(-1.0, 1.0, "of the gap to close: 0 none, 1 all, below 0 it widens")
    ] = 0.5,
) -> FittedRepair:
    """Moves images and texts along the line between their means, each by half of the amount.

    Which amount is best depends on the task, and closing all of the gap often is not. Cost n d.

    Args:
        train: (n, d) rows to fit on, of both kinds.
        amount: 1 makes the two means equal before rows have length 1 again.

    >>> import numpy as np
    >>> fitted = gap_shift(Space(np.eye(2, dtype=np.float32), ("a", "b"), 1), amount=1.0)
    >>> fitted.rows["image"].shift.tolist()
    [-0.5, 0.5]
    """
    gap = moments(train, "image").mean - moments(train, "text").mean
    return FittedRepair({"image": affine(-amount / 2 * gap), "text": affine(amount / 2 * gap)})
