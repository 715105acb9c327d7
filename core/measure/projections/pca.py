from __future__ import annotations

import numpy as np

from core.errors import TooFew
from core.measure.map_input import Gap
from core.measure.projections import projection
from core.numerics.spectra import moments, projections
from core.types import Doubles, Floats, Space


@projection(
    title="PCA",
    family="Map",
    source="Pearson. On Lines and Planes of Closest Fit to Systems of Points in Space. 1901; "
    "Hotelling. Analysis of a Complex of Statistical Variables. 1933.",
    slow=False,
    cost="At once.",
    reading="PCA shows the plane of largest variance. Points far apart here are far apart in the "
    "space; near ones need not be near.",
)
def pca(space: Space, *, gap: Gap = "keep") -> Floats:
    """The plane of largest variance.

    Distances on it are never larger than the true ones; far apart on it is far apart. Exact for
    every item, from the covariance. Where images and texts sit apart, the first axis is the gap:
    "remove" subtracts the mean of each kind first.

    Args:
        space: at least two items.
        gap: "keep" or "remove".

    Returns:
        (n, 2) coordinates, widest axis first. The item farthest out on an axis is on its positive
        side, so that the map does not flip from run to run.

    Raises:
        TooFew: fewer than two items.

    >>> rows = np.array([[1, 0], [0, 1], [0, -1]], np.float32)
    >>> (3 * pca(Space(rows, ("a", "b", "c"), 3))).round(4).tolist()
    [[0.0, 2.0], [3.0, -1.0], [-3.0, -1.0]]
    """
    if space.n < 2:
        raise TooFew("A map", 2, "items", space.n, "Add more items.")
    image, text, joint = moments(space, "image"), moments(space, "text"), moments(space, "joint")
    if gap == "keep":
        centers, directions = (joint.mean, joint.mean), joint.centered_eigen[1]
    else:
        centers = (image.mean, text.mean)
        within = (image.n * image.covariance + text.n * text.covariance) / joint.n
        directions = np.linalg.eigh(within)[1][:, ::-1]
    plane: Doubles = directions[:, :2]
    xy = np.zeros((space.n, 2))
    for rows, center in zip((space.span("image"), space.span("text")), centers, strict=True):
        xy[rows, : plane.shape[1]] = projections(space.vectors[rows], plane) - center @ plane
    farthest = xy[np.abs(xy).argmax(axis=0), [0, 1]]
    return (xy * np.where(farthest < 0, -1.0, 1.0)).astype(np.float32)
