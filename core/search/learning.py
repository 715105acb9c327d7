"""Learning the cut of a collection from its own pairs."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.neighbors import cosines
from core.search.adapter import Adapter, features, fit_adapter
from core.search.calibration import MISSES, Calibration, Typical, conformal
from core.types import Bools, Doubles, Floats, Ints, Space

QUERIES, LEAST_QUERIES = 1500, 100  # captions that are asked: at most, and at least
LEAST_PART = 20  # of each part: from 19 on the strictest threshold is one of them
CANDIDATES, LEAST_PICTURES = 2000, 60  # pictures that they are compared with
NEGATIVES = 31  # unrelated pictures beside each true one while fitting
LEAST_TOLD = 0.75  # share of other pictures below the own one; 0.5 is guessing
FEW_SHARE, FEW = 0.005, (2, 24)  # other pictures that the usual level may let in


def calibrate(space: Space, held_out: Bools | None = None, *, seed: int = 0) -> Calibration | None:
    """Learn the cut for captions that look for pictures.

    None where there are too few pairs, or where a caption's own picture is hardly nearer to it than
    others are, so that any cut that keeps it lets most of them in.

    Pictures are parted in three: the captions of one part fit the score, those of the next set the
    threshold, the rest measure it. At most 1,500 captions and 2,000 pictures are looked at.

    Args:
        space: at least 100 captions with a picture, 20 in each part, and 60 pictures.
        held_out: (n,) rows marked `split = test`. Where there are enough, the score is fitted to
            the other pairs, and these set the threshold (one half) and measure it (the other): an
            encoder that was trained on the other pairs finds them too well to promise anything.
        seed: of the parts and samples.
    """
    rng = np.random.default_rng(seed)
    parts, marked = _parts(space, held_out, rng)
    enough = min(map(len, parts)) >= LEAST_PART and sum(map(len, parts)) >= LEAST_QUERIES
    if space.n_images < LEAST_PICTURES or not enough:
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
    scores = fitted.scores(adapter, fitted.own[:, None])
    typical = (
        float(fitted.own.mean()), float(fitted.own.std()) + 1e-9,
        float(scores.mean()), float(scores.std()) + 1e-9,
    )  # fmt: skip
    marks, others = set_by.marks(adapter, typical)
    if (others < marks[:, None]).mean() < LEAST_TOLD:
        return None
    return Calibration(
        adapter,
        space.vectors[sample],
        typical,
        np.sort(marks),
        judged.marks(adapter, typical)[0],
        len(np.unique(parts[2][:, 0])),
        _usual(np.sort(marks), others, space.n_images),
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

    def scores(self, adapter: Adapter, cosines: Floats) -> Doubles:
        """(q, m) adapted scores of (q, m) cosines of each."""
        a, b = adapter.line(self.features)
        return a[:, None] * cosines + b[:, None]

    def marks(self, adapter: Adapter, typical: Typical) -> tuple[Doubles, Doubles]:
        """(q,) marks of the own pictures, and (q, m) of the others."""
        every = np.column_stack([self.own, self.cosines])
        mean, sd, middle, width = typical
        found = np.minimum((every - mean) / sd, (self.scores(adapter, every) - middle) / width)
        return found[:, 0], np.where(self.related, -inf, found[:, 1:])


def _ask(space: Space, pairs: Ints, sample: Ints) -> _Asked:
    found = cosines(space.vectors[sample], space.vectors[pairs[:, 1]].T).T
    own = np.einsum("ij,ij->i", space.vectors[pairs[:, 0]], space.vectors[pairs[:, 1]])
    return _Asked(
        features(found),
        found,
        pairs[:, :1] == sample,
        own.astype(np.float32),
    )


def _parts(
    space: Space, held_out: Bools | None, rng: np.random.Generator
) -> tuple[list[Ints], bool]:
    """Pairs to fit with, to set the threshold with and to measure with, no picture in two.

    The second value says whether the last two are the held-out ones.
    """
    pairs = space.pairs[rng.permutation(len(space.pairs))]
    if held_out is not None:
        test, rest = held_out[pairs].all(axis=1), ~held_out[pairs].any(axis=1)
        if test.sum() >= LEAST_QUERIES / 2 and rest.sum() >= LEAST_QUERIES / 2:
            return [*_split(pairs[rest], 1, rng), *_split(pairs[test], 2, rng)], True
    return _split(pairs, 3, rng), False


def _split(pairs: Ints, ways: int, rng: np.random.Generator) -> list[Ints]:
    """Pairs in so many parts, by picture; at most `QUERIES` / 3 of each."""
    pictures, place = np.unique(pairs[:, 0], return_inverse=True)
    part = (rng.permutation(len(pictures)) % ways)[place]
    return [pairs[part == i][: QUERIES // 3] for i in range(ways)]


def _usual(marks: Doubles, others: Doubles, n: int) -> float:
    """The least miss rate that lets few other pictures in; 0 where none does.

    Few are 0.5 % of the n pictures, but 2 at least and a page of 24 at most. The captions' other
    pictures are no clean negatives, some fit as well: a rule that punishes each of them more, such
    as the best F-score, ends up telling short questions that nothing matches.

    Args:
        marks: (q,) of their true pairs, in order.
        others: (q, m) of a sample of other pictures.
        n: how many pictures there are.
    """
    few = min(max(FEW_SHARE * n, FEW[0]), FEW[1])
    for miss in MISSES:
        least = max(conformal(marks, miss), -1e300)
        if n * float((others >= least).mean()) <= few:
            return miss
    return 0.0
