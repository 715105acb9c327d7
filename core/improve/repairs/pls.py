from __future__ import annotations

from typing import Annotated

from scipy.linalg import svd

from core.improve.repairs import FittedRepair, affine, repair
from core.improve.within import pair_covariances
from core.registry import Range
from core.types import Space


@repair(
    title="Shared subspace (PLS)",
    family="Pairs",
    source="Wold. Partial Least Squares. Encyclopedia of Statistical Sciences 1985; Hadgi et al. "
    "Escaping Plato's Cave: Towards the Alignment of 3D and Text Latent Spaces. CVPR 2025.",
)
def pls(
    train: Space,
    *,
    keep: Annotated[int, Range(1, 8192, "directions to keep; more than d is d")] = 128,
) -> FittedRepair:
    """Projects both kinds on the directions in which captions and their images covary most.

    Unlike CCA it does not divide by the variance, so that few pairs suffice and the weak
    directions are dropped. Cost p d^2 + d^3 for p pairs, d^2 a query.

    Args:
        train: (n, d) rows to fit on, with pairs.
        keep: number of directions, largest covariance first.

    Raises:
        TooFew: fewer than two pairs.

    >>> import numpy as np
    >>> images = np.array([[1, 0], [-1, 0]], np.float32)
    >>> rows = np.concatenate([images, images[:, ::-1]])
    >>> space = Space(rows, tuple("abcd"), 2, pairs=np.array([[0, 2], [1, 3]]))
    >>> maps = pls(space, keep=1).rows
    >>> maps["image"](rows[:2]).tolist() == maps["text"](rows[2:]).tolist()
    True
    """
    mean_x, mean_y, _, _, cross = pair_covariances(train, "PLS")
    left, _, right = svd(cross)
    of_images, of_texts = left[:, :keep], right.T[:, :keep]
    return FittedRepair(
        {
            "image": affine(-mean_x @ of_images, of_images),
            "text": affine(-mean_y @ of_texts, of_texts),
        }
    )
