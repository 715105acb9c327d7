from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.improve.repairs import FittedRepair, RowMap, affine, layer, repair
from core.numerics.sampling import sampled_rows
from core.numerics.spectra import moments
from core.registry import Range
from core.types import Doubles, Space

LEAST = 16  # texts
MOST = 20_000  # texts that are read
SHRINK = 100  # texts of a bin at which its mean counts half
RIDGES = np.logspace(-6, 3, 10)  # leave-one-out chooses among them


@repair(
    title="Center each text length",
    family="Spread",
    source="Zhou et al. Length-Induced Embedding Collapse in PLM-based Models. ACL 2025 (the "
    "finding; its own repair needs the encoder).",
)
def length_centering(
    train: Space,
    *,
    bins: Annotated[int, Range(1, 64, "of length, with as many texts each; 1 ignores it")] = 8,
    strength: Annotated[float, Range(0.0, 1.0, "share of the mean to subtract; 0 is none")] = 1.0,
) -> FittedRepair:
    """Subtracts from every text the mean of the texts of its length, and from images their mean.

    For collections where long texts crowd together. A vector does not tell how long its text was,
    and a mixed query has no length: a ridge regression, fitted here, reads the logarithm of the
    length from the vector. Between the centers of two bins their means are interpolated. Where the
    length cannot be read, this is centering. Cost n d^2 to fit, d a query and bin.

    Args:
        train: (n, d) rows to fit on, of both kinds, with the lengths of the texts.
        bins: a bin of n texts counts n / (n + 100) of its mean, the rest is the mean of all.
        strength: of the mean that is subtracted.

    Raises:
        TooFew: fewer than 16 texts, or all of one length.

    >>> rows = np.tile([[0.6, 0.8], [0.6, -0.8]], (16, 1)).astype(np.float32)
    >>> space = Space(rows, tuple(map(str, range(32))), 16, text_lengths=np.tile([10, 90], 8))
    >>> moved = length_centering(space, bins=1).rows["text"](rows[:1])  # the mean is (0.6, 0)
    >>> moved.round(3).tolist()
    [[0.0, 1.0]]
    """
    image_map = affine(-strength * moments(train, "image").mean)
    texts, lengths = train.texts, train.text_lengths
    different = len(np.unique(lengths))
    if len(texts) < LEAST or different < 2:
        few = (2, "lengths of texts", different) if different < 2 else (LEAST, "texts", len(texts))
        raise TooFew("Centering of text lengths", *few, "Center each modality instead.")
    logs = np.log(np.maximum(lengths, 1))
    inside = np.searchsorted(np.unique(np.quantile(logs, np.arange(1, bins) / bins)), logs, "right")
    _, place, sizes = np.unique(inside, return_inverse=True, return_counts=True)
    centers = np.bincount(place, weights=logs) / sizes
    whole = moments(train, "text").mean
    sums = np.zeros((len(sizes), train.d))
    for i in range(len(sizes)):
        sums[i] = texts[place == i].sum(axis=0, dtype=np.float64)
    means = whole + (sizes / (sizes + SHRINK))[:, None] * (sums / sizes[:, None] - whole)
    if len(sizes) == 1:
        return FittedRepair({"image": image_map, "text": affine(-strength * whole)})
    return FittedRepair(
        {"image": image_map, "text": _subtracts(train, logs, centers, strength * means)}
    )


def _subtracts(train: Space, logs: Doubles, centers: Doubles, means: Doubles) -> RowMap:
    """The means (k, d) at the centers (k,), linear between them, at the length that is read."""
    from sklearn.linear_model import RidgeCV

    rows = sampled_rows(train, "text", MOST, seed=0)
    reader = RidgeCV(RIDGES).fit(
        train.vectors[rows].astype(np.float64), logs[rows - train.n_images]
    )
    slopes = np.diff(means, axis=0) / np.diff(centers)[:, None]
    turns = np.diff(slopes, axis=0, prepend=0, append=0)
    inner = np.repeat(reader.coef_[:, None], len(centers), axis=1)
    one = layer(inner, reader.intercept_ - centers, -turns)
    return RowMap((-means[0]).astype(np.float32), layer=one)
