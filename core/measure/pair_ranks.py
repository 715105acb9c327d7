"""Score and rank of a text's own image, and the hardest other image.

Computed once per space and shared by pair margins, recall by label and recall by text length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.numerics.neighbors import TIE, precede
from core.numerics.sampling import groups
from core.numerics.spectra import moments
from core.types import Doubles, Ints, Space, per_space

QUERIES, IMAGES = 512, 16_384  # scores in memory at a time: 32 MiB of float32
AFFORDABLE = 1e12  # operations to spend: about 15 s on two cores
FEWEST = 500  # texts, whatever they cost


@dataclass(frozen=True, slots=True)
class PairRanks:
    """One entry per sampled text. A score is a cosine minus the score bias, if any.

    `texts`, `own` and `rival` (q,) are rows: the text, the best of its own images, and the best of
    all others; `own_score` and `rival_score` their scores; `next_score` that of the second best of
    the others, -inf without; `rank` (1 is best) that of `own` among `own` and the others.
    `n_texts` texts were available.
    """

    texts: Ints
    own: Ints
    rival: Ints
    own_score: Doubles
    rival_score: Doubles
    next_score: Doubles
    rank: Ints
    n_texts: int


def unrelated_cosines(space: Space) -> tuple[float, float]:
    """Mean and standard deviation of the cosine of any image with any text, exact."""
    image, text = moments(space, "image"), moments(space, "text")
    mean = float(image.mean @ text.mean)
    square = float(np.einsum("ij,ij->", image.second, text.second))
    return mean, float(np.sqrt(max(0.0, square - mean**2)))


def clusters(space: Space, rows: Ints) -> Ints:
    """(m,) connected group of each row; each row by itself where all are connected."""
    connected = groups(space)[rows]
    return connected if len(np.unique(connected)) > 1 else np.arange(len(rows))


@per_space
def pair_ranks(space: Space, *, q: int = 5000, seed: int = 0) -> PairRanks:
    """Ranks for up to q random texts that have images of their own and others.

    Fewer where images are very many: see `AFFORDABLE`.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float32)
    >>> r = pair_ranks(Space(rows, tuple("ijst"), 2, np.array([[0, 2], [0, 3]])))
    >>> r.rank.tolist(), (r.own_score - r.rival_score).round(1).tolist()
    ([1, 2], [1.0, -0.2])
    """
    pairs = np.unique(space.pairs[:, ::-1], axis=0)
    texts, own_images = np.unique(pairs[:, 0], return_counts=True)
    texts = texts[own_images < space.n_images]
    q = min(q, max(FEWEST, int(AFFORDABLE / (2.0 * max(1, space.n_images) * space.d))))
    chosen = texts
    if len(texts) > q:
        chosen = np.sort(np.random.default_rng(seed).choice(texts, q, replace=False))
    pairs = pairs[np.isin(pairs[:, 0], chosen)]
    own, own_score = _own(space, chosen, pairs)
    best, above = np.full(len(chosen), -np.inf), np.zeros(len(chosen), np.int64)
    rival, second = np.zeros(len(chosen), np.int64), best.copy()
    for start in range(0, len(chosen), QUERIES):
        part = slice(start, start + QUERIES)
        rival[part], best[part], second[part], above[part] = _against(
            space, chosen[part], pairs, own[part], own_score[part]
        )
    same = np.abs(best - own_score) <= TIE
    best = np.where(same, own_score, best)
    return PairRanks(chosen, own, rival, own_score, best, second, 1 + above, len(texts))


def _own(space: Space, texts: Ints, pairs: Ints) -> tuple[Ints, Doubles]:
    """The best own image of each text and its score; `pairs` are sorted by text."""
    values = np.empty(len(pairs))
    for start in range(0, len(pairs), IMAGES):
        text, image = pairs[start : start + IMAGES].T
        cosines = np.einsum("ij,ij->i", space.vectors[text], space.vectors[image])
        values[start : start + IMAGES] = cosines - space.offset[image]
    place = np.searchsorted(texts, pairs[:, 0])
    order = np.lexsort((pairs[:, 1], -values, place))
    best = order[np.searchsorted(place, np.arange(len(texts)))]
    return pairs[best, 1], values[best]


def _against(
    space: Space, texts: Ints, pairs: Ints, own: Ints, own_score: Doubles
) -> tuple[Ints, Doubles, Doubles, Ints]:
    """Hardest other image, its score, the next score, and how many rank before the own image."""
    rows, here = space.vectors[texts], np.arange(len(texts))
    first, last = np.searchsorted(pairs[:, 0], [texts[0], texts[-1] + 1])
    place, image = np.searchsorted(texts, pairs[first:last, 0]), pairs[first:last, 1]
    rival, best = np.zeros(len(texts), np.int64), np.full(len(texts), -np.inf)
    second, above = best.copy(), np.zeros(len(texts), np.int64)
    for start in range(0, space.n_images, IMAGES):
        stop = min(start + IMAGES, space.n_images)
        scores = rows @ space.vectors[start:stop].T
        scores -= space.offset[start:stop]
        mine = (image >= start) & (image < stop)
        scores[place[mine], image[mine] - start] = -np.inf
        top = scores.argmax(axis=1)
        value = scores[here, top].astype(np.float64)
        near = np.flatnonzero(value >= own_score - TIE)
        above[near] += precede(scores[near], own_score[near], own[near] - start).sum(axis=1)
        scores[here, top] = -np.inf
        second = np.maximum(second, np.minimum(value, best))
        second = np.maximum(second, scores.max(axis=1).astype(np.float64))
        rival, best = np.where(value > best, top + start, rival), np.maximum(value, best)
    return rival, best, second, above
