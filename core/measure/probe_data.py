"""Vectors of images before and after augmentation, and of texts before and after truncation.

It is all that a probe of the encoder takes: the encoder has then run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import InputError, TooFew
from core.types import Doubles, Floats, Ints

CONSTANT = 1 - 1e-4  # mean cosine from which images count as identical


@dataclass(frozen=True)
class Augmented:
    """Rows of the same images after an augmentation at v strengths, weakest first.

    Args:
        rows: (n, v, d) unit rows.
        strengths: v strengths in words.
        usual: index of the strength to report.
    """

    rows: Floats
    strengths: tuple[str, ...]
    usual: int


@dataclass(frozen=True)
class ProbeData:
    """One sample of a collection through one encoder.

    Args:
        images: (n, d) unit rows of images as they are.
        changed: the same images, by the name of the augmentation.
        texts: (t, d) unit rows of texts as they are.
        words: (t,) number of words of each.
        cut: (c, m, d) unit rows of m texts, each truncated to c lengths.
        cut_to: (c,) those lengths in words, shortest first.
        cut_from: what was truncated.
    """

    images: Floats = field(default_factory=lambda: np.empty((0, 1), np.float32))
    changed: Mapping[str, Augmented] = field(default_factory=dict)
    texts: Floats = field(default_factory=lambda: np.empty((0, 1), np.float32))
    words: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cut: Floats = field(default_factory=lambda: np.empty((0, 0, 1), np.float32))
    cut_to: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cut_from: str = "texts"


def check_images(data: ProbeData, what: str, least: int) -> None:
    """Reject images that a probe of the encoder cannot measure.

    Raises:
        TooFew: fewer than `least`.
        InputError: the encoder gives all of them almost one vector.
    """
    n = len(data.images)
    if n < least:
        raise TooFew(what, least, "images that can be read", n, "Add images.")
    mean = float(unrelated(data.images, np.ones((1, n)))[0])
    if mean > CONSTANT:
        raise InputError(
            f"The encoder gives all {n} images almost the same vector (mean cosine {mean:.5f}), "
            f"so {what.lower()} cannot be measured. "
            "Take other images or another encoder."
        )


def relative_similarity(images: Floats, same: Doubles, weights: Doubles) -> Doubles:
    """(r,) similarity of images to their augmented selves, scaled by that of unrelated images.

    Args:
        images: (n, d) unit rows.
        same: (n,) cosine of each with its augmented self.
        weights: (r, n) weight of each image in r samples.

    Returns:
        (c - c0) / (1 - c0), with c the mean of `same` and c0 that of two different images.
    """
    unlike = np.minimum(unrelated(images, weights), CONSTANT)
    kept: Doubles = (weights @ same / weights.sum(axis=1) - unlike) / (1 - unlike)
    return kept


def unrelated(rows: Floats, weights: Doubles) -> Doubles:
    """(r,) mean cosine of two different rows, weighted in r samples: all pairs, from sums.

    >>> unrelated(np.array([[1, 0], [1, 0], [0, 1]], np.float32), np.ones((1, 3))).round(3)
    array([0.333])
    """
    x = rows.astype(np.float64)
    sums = weights @ x
    own = weights**2 @ np.einsum("ij,ij->i", x, x)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    result: Doubles = (np.einsum("ij,ij->i", sums, sums) - own) / pairs
    return result
