"""How a text's own image stands against all others: its score, its hardest rival and its rank.

Asked once per space and shared: pair margins and recall by text length need the same products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.types import Doubles, Ints, Space, per_space

SCORES = 1 << 25  # held at a time: 128 MiB of float32
QUERIES = 512


@dataclass(frozen=True, slots=True)
class Rivals:
    """One entry per sampled text. A score is a cosine less the score bias of a repair, if any.

    `texts`, `own` and `rival` (q,) are rows: the text, the best of its own images, and the best of
    all others; `own_score` and `rival_score` their scores; `rank` (1 is best) that of `own` among
    `own` and the others. `n_texts` texts could have been asked.
    """

    texts: Ints
    own: Ints
    rival: Ints
    own_score: Doubles
    rival_score: Doubles
    rank: Ints
    n_texts: int


@per_space
def rivals(space: Space, *, q: int = 2000, seed: int = 0) -> Rivals:
    """Rivals of up to q random texts that have an image of their own and one that is not.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float32)
    >>> r = rivals(Space(rows, tuple("ijst"), 2, np.array([[0, 2], [0, 3]])))
    >>> r.rank.tolist(), (r.own_score - r.rival_score).round(1).tolist()
    ([1, 2], [1.0, -0.2])
    """
    pairs = np.unique(space.pairs[:, ::-1], axis=0)
    texts, own_images = np.unique(pairs[:, 0], return_counts=True)
    texts = texts[own_images < space.n_images]
    asked = texts
    if len(texts) > q:
        asked = np.sort(np.random.default_rng(seed).choice(texts, q, replace=False))
    pairs = pairs[np.isin(pairs[:, 0], asked)]
    step = max(1, min(QUERIES, SCORES // max(1, space.n_images)))
    found = [
        _block(space, asked[start : start + step], pairs) for start in range(0, len(asked), step)
    ]
    columns = [np.concatenate(c) for c in zip(*found, strict=True)] or [np.empty(0)] * 5
    own, rival, own_score, rival_score, rank = columns
    return Rivals(
        asked,
        own.astype(np.int64),
        rival.astype(np.int64),
        own_score.astype(np.float64),
        rival_score.astype(np.float64),
        rank.astype(np.int64),
        len(texts),
    )


def _block(space: Space, texts: Ints, pairs: Ints) -> tuple[Ints, ...]:
    """Own image, rival, their scores and the rank, for some texts; `pairs` are sorted by text."""
    first, last = np.searchsorted(pairs[:, 0], [texts[0], texts[-1] + 1])
    text, image = pairs[first:last].T
    place = np.searchsorted(texts, text)
    scores = space.vectors[texts] @ space.images.T
    scores -= space.offset[: space.n_images]
    values = scores[place, image]
    order = np.lexsort((image, -values, place))
    best = order[np.searchsorted(place, np.arange(len(texts)))]
    own, own_score = image[best], values[best]
    scores[place, image] = -np.inf
    rival = scores.argmax(axis=1)
    rank = 1 + (scores > own_score[:, None]).sum(axis=1)
    tied = scores == own_score[:, None]
    if tied.any():
        rank += (tied & (np.arange(space.n_images) < own[:, None])).sum(axis=1)
    return own, rival, own_score, scores[np.arange(len(texts)), rival], rank
