"""A cut learnt from a collection's own pairs: which score a true match reaches, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.findings import wilson
from core.neighbors import cosines
from core.search.adapter import Adapter, features, fit_adapter
from core.search.null import fit_null
from core.types import Bools, Doubles, Floats, Ints, Space

QUERIES, LEAST_QUERIES = 1500, 100  # captions that are asked: at most, and at least
CANDIDATES, LEAST_PICTURES = 2000, 60  # pictures that they are compared with
NEGATIVES = 31  # unrelated pictures beside each true one while fitting
FLOOR = 0.02  # share of true matches with a cosine so low that no query keeps it
MISSES = tuple(i / 20 for i in range(1, 11))  # miss rates that one can ask for
BETA = 0.5  # precision counts twice as much as recall where a level is chosen


@dataclass(frozen=True)
class Calibration:
    """What true matches look like in one collection, for a text that looks for pictures.

    A hit is kept where its score reaches a threshold that true pairs which were not used for
    fitting reach as often as promised (split conformal), and never below the cosine `floor`.

    Source: Vovk, Gammerman, Shafer. Algorithmic Learning in a Random World. Springer 2005;
    Angelopoulos et al. Conformal Risk Control. ICLR 2024.

    Args:
        adapter: from cosines to scores.
        sample: rows of the pictures that a query's null is taken from.
        floor: least cosine of a match.
        scores: (m,) scores of true pairs that were not used for fitting, in order.
        judged: (j,) scores of further true pairs, in order: what the cut keeps is measured on them.
        pictures: number of pictures that those belong to.
        usual: the miss rate to use when none is asked for.
        held_out: whether the measured pairs are those marked `split = test`.
    """

    adapter: Adapter
    sample: Ints
    floor: float
    scores: Doubles
    judged: Doubles
    pictures: int
    usual: float
    held_out: bool

    def cosine(self, space: Space, vector: Floats, miss: float) -> float:
        """The cosine from which a picture is kept when a share `miss` of them may be missed."""
        null = fit_null(cosines(space.vectors[self.sample], vector))
        a, b = self.adapter.line(features(null)[None])
        return max(self.floor, float((conformal(self.scores, miss) - b[0]) / a[0]))

    def kept(self, miss: float) -> tuple[float, float, float]:
        """Share of true matches that the cut keeps, measured, with its 95 % interval.

        The captions of a picture stand or fall together, so the interval counts pictures.
        """
        threshold = max(conformal(self.scores, miss), -1e300)
        share = float((self.judged >= threshold).mean())
        low, high = wilson(share * self.pictures, self.pictures)
        return share, low, high


def conformal(scores: Doubles, miss: float) -> float:
    """Highest threshold that a new true match stays below with a chance of at most `miss`.

    Of m + 1 exchangeable scores the new one is among the lowest i with chance i / (m + 1).

    >>> conformal(np.arange(1.0, 10.0), 0.2), conformal(np.arange(1.0, 10.0), 0.05)
    (2.0, -inf)
    """
    below = int(np.floor(miss * (len(scores) + 1) + 1e-9))
    return float(scores[below - 1]) if below else -inf


def calibrate(space: Space, held_out: Bools | None = None, *, seed: int = 0) -> Calibration | None:
    """Learn the cut for captions that look for pictures; None where there are too few pairs.

    Pictures are parted in three: the captions of one part fit the score, those of the next set the
    threshold, the rest measure it. At most 1,500 captions and 2,000 pictures are looked at.

    Args:
        space: at least 100 captions with a picture, and 60 pictures.
        held_out: (n,) rows marked `split = test`. Where there are enough, only the other pairs are
            learnt from, and these measure.
        seed: of the parts and samples.
    """
    rng = np.random.default_rng(seed)
    parts, marked = _parts(space, held_out, rng)
    if space.n_images < LEAST_PICTURES or sum(map(len, parts)) < LEAST_QUERIES:
        return None
    sample = np.sort(rng.permutation(space.n_images)[:CANDIDATES])
    fitted, set_by, judged = (_ask(space, pairs, sample) for pairs in parts)
    drawn = np.argsort(rng.random(fitted.cosines.shape) + fitted.related, axis=1)[:, :NEGATIVES]
    beside = np.take_along_axis(fitted.cosines, drawn, axis=1)
    adapter = fit_adapter(
        fitted.features,
        np.column_stack([fitted.own, beside]).astype(np.float64),
        np.column_stack([np.ones(len(fitted.own)), np.zeros(beside.shape)]),
    )
    floor = conformal(np.sort(fitted.own), FLOOR)
    scores = np.sort(set_by.scores(adapter, floor))
    return Calibration(
        adapter,
        sample,
        floor,
        scores,
        np.sort(judged.scores(adapter, floor)),
        len(np.unique(parts[2][:, 0])),
        _usual(set_by, adapter, floor, scores, space.n_images / len(sample)),
        marked,
    )


@dataclass(frozen=True)
class _Asked:
    """Captions as queries.

    Args:
        features: (q, 4) of each.
        cosines: (q, m) with a sample of the pictures.
        related: (q, m) whether a picture of the sample is the own one.
        own: (q,) cosine with the own picture.
    """

    features: Doubles
    cosines: Floats
    related: Bools
    own: Floats

    def scores(self, adapter: Adapter, floor: float) -> Doubles:
        """(q,) scores of the true pairs; below the floor there is none."""
        a, b = adapter.line(self.features)
        return np.where(self.own >= floor, a * self.own + b, -inf)


def _ask(space: Space, pairs: Ints, sample: Ints) -> _Asked:
    found = cosines(space.vectors[sample], space.vectors[pairs[:, 1]].T).T
    own = np.einsum("ij,ij->i", space.vectors[pairs[:, 0]], space.vectors[pairs[:, 1]])
    return _Asked(
        np.array([features(fit_null(row)) for row in found]),
        found,
        pairs[:, :1] == sample,
        own.astype(np.float32),
    )


def _parts(
    space: Space, held_out: Bools | None, rng: np.random.Generator
) -> tuple[list[Ints], bool]:
    """Pairs to fit with, to set the threshold with and to measure with, no picture in two.

    The second value says whether the last are the held-out ones.
    """
    pairs = space.pairs[rng.permutation(len(space.pairs))]
    if held_out is not None:
        test, rest = held_out[pairs].all(axis=1), ~held_out[pairs].any(axis=1)
        if test.sum() >= LEAST_QUERIES / 3 and rest.sum() >= LEAST_QUERIES:
            return [*_split(pairs[rest], 2, rng), *_split(pairs[test], 1, rng)], True
    return _split(pairs, 3, rng), False


def _split(pairs: Ints, ways: int, rng: np.random.Generator) -> list[Ints]:
    """Pairs in so many parts, by picture; at most `QUERIES` / 3 of each."""
    pictures, place = np.unique(pairs[:, 0], return_inverse=True)
    part = (rng.permutation(len(pictures)) % ways)[place]
    return [pairs[part == i][: QUERIES // 3] for i in range(ways)]


def _usual(asked: _Asked, adapter: Adapter, floor: float, scores: Doubles, times: float) -> float:
    """The miss rate with the best F0.5 on queries of which half have lost their own picture.

    Args:
        asked: the queries.
        adapter: from cosines to scores.
        floor: least cosine of a match.
        scores: of their true pairs, in order.
        times: pictures that each of the sample stands for.
    """
    a, b = adapter.line(asked.features)
    others = np.where(
        asked.related | (asked.cosines < floor), -inf, a[:, None] * asked.cosines + b[:, None]
    )
    quality = []
    for miss in MISSES:
        threshold = max(conformal(scores, miss), -1e300)
        kept = float((scores >= threshold).mean())
        false = 2 * times * float((others >= threshold).sum(axis=1).mean())
        precision = kept / max(kept + false, 1e-12)
        quality.append((1 + BETA**2) * precision * kept / max(BETA**2 * precision + kept, 1e-12))
    return MISSES[int(np.argmax(quality))]
