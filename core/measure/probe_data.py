"""What an encoder made of pictures before and after a change, and of texts before and after a cut.

It is all that a probe of the encoder takes: the encoder itself has then done its work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import InputError, TooFew
from core.types import Doubles, Floats, Ints

CONSTANT = 1 - 1e-4  # mean cosine from which pictures count as one point


@dataclass(frozen=True)
class Augmented:
    """Rows of the same pictures after a change at v strengths, weakest first.

    Args:
        rows: (n, v, d) unit rows.
        strengths: v strengths in words.
        usual: number of the strength to quote.
    """

    rows: Floats
    strengths: tuple[str, ...]
    usual: int


@dataclass(frozen=True)
class ProbeData:
    """One sample of a collection through one encoder.

    Args:
        pictures: (n, d) unit rows of pictures as they are.
        changed: the same pictures, by the name of the change.
        texts: (t, d) unit rows of texts as they are.
        words: (t,) words of each.
        cut: (c, m, d) unit rows of m texts, each cut to c lengths.
        cut_to: (c,) those lengths in words, shortest first.
        cut_from: what was cut, in words.
    """

    pictures: Floats = field(default_factory=lambda: np.empty((0, 1), np.float32))
    changed: Mapping[str, Augmented] = field(default_factory=dict)
    texts: Floats = field(default_factory=lambda: np.empty((0, 1), np.float32))
    words: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cut: Floats = field(default_factory=lambda: np.empty((0, 0, 1), np.float32))
    cut_to: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cut_from: str = "texts"


def check_pictures(trial: ProbeData, what: str, least: int) -> None:
    """Refuse fewer pictures than `least`, and an encoder that gives all of them one vector."""
    n = len(trial.pictures)
    if n < least:
        raise TooFew(what, least, "pictures that can be read", n, "Add images.")
    mean = float(unrelated(trial.pictures, np.ones((1, n)))[0])
    if mean > CONSTANT:
        raise InputError(
            f"The encoder gives all {n} pictures almost the same vector (mean cosine {mean:.5f}), "
            f"so that {what.lower()} cannot be told from blindness. "
            "Take other pictures or another encoder."
        )


def likeness(pictures: Floats, same: Doubles, weights: Doubles) -> Doubles:
    """(r,) share of their likeness to themselves that pictures keep, for r rows of weights.

    Args:
        pictures: (n, d) unit rows.
        same: (n,) cosine of each with its changed self.
        weights: (r, n) how often each picture counts.

    Returns:
        (c - c0) / (1 - c0), with c the mean of `same` and c0 that of two different pictures.
    """
    unlike = np.minimum(unrelated(pictures, weights), CONSTANT)
    kept: Doubles = (weights @ same / weights.sum(axis=1) - unlike) / (1 - unlike)
    return kept


def unrelated(rows: Floats, weights: Doubles) -> Doubles:
    """(r,) mean cosine of two different rows for r rows of weights: all pairs, from sums.

    >>> unrelated(np.array([[1, 0], [1, 0], [0, 1]], np.float32), np.ones((1, 3))).round(3)
    array([0.333])
    """
    x = rows.astype(np.float64)
    sums = weights @ x
    own = weights**2 @ np.einsum("ij,ij->i", x, x)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    found: Doubles = (np.einsum("ij,ij->i", sums, sums) - own) / pairs
    return found
