from __future__ import annotations

import numpy as np

from core.errors import TooFew
from core.measure.projections import projection
from core.numerics.spectra import moments, projections
from core.types import Floats, Space


@projection(
    title="Gap view",
    family="Map",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap: Understanding the Modality Gap in "
    "Multi-modal Contrastive Representation Learning. NeurIPS 2022, arXiv 2203.02053.",
    slow=False,
    cost="At once.",
    reading="Across: the modality gap, from the mean of the texts to the mean of the images, in "
    "true length. Up: the direction in which both kinds vary most beside it.",
)
def gap_view(space: Space) -> Floats:
    """The gap between images and texts across, what they share up.

    The first axis is the direction from the mean of the texts to the mean of the images, and 0 is
    in the middle: two clouds apart are a gap, one cloud is none. The second is the direction of
    largest variance of both kinds, each counted alike, orthogonal to the first. Both are in the
    units of the space.

    Args:
        space: images and texts.

    Returns:
        (n, 2) coordinates; images to the right.

    Raises:
        TooFew: no images, or no texts.

    >>> rows = np.array([[0.8, 0.6], [0.8, -0.6], [-0.8, 0.6], [-0.8, -0.6]], np.float32)
    >>> (5 * gap_view(Space(rows, ("a", "b", "c", "d"), 2))).round(3).tolist()
    [[4.0, 3.0], [4.0, -3.0], [-4.0, 3.0], [-4.0, -3.0]]
    """
    if not 0 < space.n_images < space.n:
        missing = "texts" if space.n_images else "images"
        raise TooFew("The gap view", 1, missing[:-1], 0, f"Add {missing}, or use PCA.")
    image, text = moments(space, "image"), moments(space, "text")
    across = image.mean - text.mean
    size = np.linalg.norm(across)
    # Without a gap there is no direction of it: the first axis is then any one.
    across = across / size if size > 1e-9 else np.eye(space.d)[0]
    shared = sum(m.covariance / max(float(np.trace(m.covariance)), 1e-12) for m in (image, text))
    beside = np.eye(space.d) - np.outer(across, across)
    up = np.linalg.eigh(beside @ shared @ beside)[1][:, -1] if space.d > 1 else np.zeros(1)
    up = beside @ up
    up *= np.sign(up[np.abs(up).argmax()]) or 1.0
    plane = np.column_stack([across, up])
    middle = (image.mean + text.mean) / 2
    return (projections(space.vectors, plane) - middle @ plane).astype(np.float32)
