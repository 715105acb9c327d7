from __future__ import annotations

from scipy.linalg import svd

from core.improve.repairs import FittedRepair, affine, repair
from core.improve.within import pair_covariances
from core.types import Space


@repair(
    title="Rotate texts onto images (Procrustes)",
    family="Pairs",
    source="Schönemann. A Generalized Solution of the Orthogonal Procrustes Problem. Psychometrika "
    "1966.",
)
def procrustes(train: Space) -> FittedRepair:
    """Centers both kinds and rotates texts so that captions come closest to their images.

    Distances among images and among texts change by centering alone. Cost p d^2 + d^3 for p
    pairs, d^2 a query.

    Args:
        train: (n, d) rows to fit on, with pairs.

    Raises:
        TooFew: fewer than two pairs.

    >>> import numpy as np
    >>> images = np.array([[1, 0], [-1, 0]], np.float32)  # captions: turned by 90 degrees
    >>> rows = np.concatenate([images, images[:, ::-1]])
    >>> space = Space(rows, tuple("abcd"), 2, pairs=np.array([[0, 2], [1, 3]]))
    >>> procrustes(space).rows["text"](rows[2:]).round(6).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    mean_x, mean_y, _, _, cross = pair_covariances(train, "Procrustes")
    left, _, right = svd(cross.T)
    rotation = left @ right
    return FittedRepair({"image": affine(-mean_x), "text": affine(-mean_y @ rotation, rotation)})
