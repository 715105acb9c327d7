from __future__ import annotations

from typing import Annotated

from core.improve.repairs import FittedRepair, affine, repair
from core.numerics.spectra import moments
from core.registry import Range
from core.types import KINDS, Space


@repair(
    title="Center each modality",
    family="Modality gap",
    source="An et al. I0T: Embedding Standardization Method Towards Zero Modality Gap. ACL 2025; "
    "Li, Zhang et al. Closing the Modality Gap for Mixed Modality Search. 2025.",
)
def per_modality_centering(
    train: Space,
    *,
    strength: Annotated[float, Range(0.0, 1.0, "share of the mean to subtract; 0 is none")] = 1.0,
) -> FittedRepair:
    """Subtracts the mean of its kind from every row: the modality gap closes.

    Helps most where images and texts are ranked together. Cost n d to fit and to apply.

    Args:
        train: (n, d) rows to fit on, of both kinds.
        strength: of the mean that is subtracted.

    >>> import numpy as np
    >>> rows = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], np.float32)
    >>> fitted = per_modality_centering(Space(rows, tuple("abcd"), 2))
    >>> fitted.rows["image"].shift.tolist(), fitted.rows["text"].shift.tolist()
    ([-0.5, -0.5], [-0.0, -0.0])
    """
    return FittedRepair({kind: affine(-strength * moments(train, kind).mean) for kind in KINDS})
