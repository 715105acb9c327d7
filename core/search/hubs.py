"""Which items show up far more often than others, whatever is asked."""

from __future__ import annotations

import numpy as np

from core.neighbors import nearest
from core.types import Floats, Kind, Space, per_space

HUB_RATIO, HUB_CHANCE = 3.0, 1e-3


@per_space
def hub_ratios(space: Space) -> Floats:
    """(n,) how many times more often than average an item is among the 10 best answers.

    The other modality asks where there is one (that is how people search), else the same. 0
    where an item is no clear hub or the sample is too small to say. Score biases count.
    """
    from scipy.special import pdtrc

    ratios = np.zeros(space.n, np.float32)
    sizes: dict[Kind, int] = {"image": space.n_images, "text": space.n - space.n_images}
    for kind in sizes:
        side = space.span(kind)
        other: Kind = "text" if kind == "image" else "image"
        asker = other if sizes[other] >= 10 else kind
        if sizes[kind] < 30 or sizes[asker] < 10:
            continue
        lists = nearest(space, asker, kind, ranked=True)
        counts = np.bincount(lists.indices.ravel(), minlength=space.n)[side]
        mean = counts.mean()
        by_chance = pdtrc(np.maximum(counts - 1, 0), mean)
        hub = (counts >= HUB_RATIO * mean) & (by_chance < HUB_CHANCE)
        ratios[side] = np.where(hub, counts / mean, 0)
    return ratios
