"""A score that follows the query: which cosine is much depends on what else the query is like."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.numerics.neighbors import cosines
from core.numerics.stats import wilson
from core.search.null import body
from core.types import Bools, Doubles, Floats, Ints, Space

REACH = 1.0  # deviations from the mean query up to which what was learnt is carried
DECAY = 1e-4
FEATURES = 4


@dataclass(frozen=True)
class Adapter:
    """A cosine c becomes a score a(q) c + b(q) with a > 0, so that no query's order changes.

    a and b are linear in four numbers of its cosines (see `features`), a through softplus. Queries
    far from those it was fitted to are treated like the nearest within `REACH` deviations.

    Source: form and loss: Rossi et al., Relevance Filtering for Embedding-based Retrieval (Cosine
    Adapter), CIKM 2024. These numbers in place of the query's vector, and no hidden layer, are
    ours: they do better from few pairs (`sextant bench cut`).

    Args:
        slope: (5,) weights of a: the features, then 1.
        shift: (5,) weights of b.
        centre: (4,) mean of the features while fitting; `scale` their deviation.
        middle: mean of the cosines while fitting; `width` their deviation.

    >>> one = np.array([0, 0, 0, 0, np.log(np.e - 1)])  # softplus of the last is 1
    >>> same = Adapter(one, np.zeros(5), np.zeros(4), np.ones(4))
    >>> a, b = same.line(np.zeros((1, 4)))
    >>> float(a[0].round(12)), float(b[0])
    (1.0, 0.0)
    """

    slope: Doubles
    shift: Doubles
    centre: Doubles
    scale: Doubles
    middle: float = 0.0
    width: float = 1.0

    def line(self, features: Doubles) -> tuple[Doubles, Doubles]:
        """Slope a and shift b, (q,) each, of queries with these (q, 4) features."""
        x = np.clip((features - self.centre) / self.scale, -REACH, REACH)
        x = np.column_stack([x, np.ones(len(x))])
        a = np.logaddexp(0, x @ self.slope) / self.width
        return a, x @ self.shift - a * self.middle


def features(cosines: Floats) -> Doubles:
    """(q, 4) what is read of queries' (q, m) cosines: mean, log deviation, start, log excess.

    Mean and deviation of the body; where the best tenth starts, by how much it exceeds that on
    average.
    """
    mean, sd = body(cosines)
    width = np.maximum(sd, 1e-6)
    start = np.quantile(cosines, 0.9, axis=1)
    above = np.maximum(cosines - start[:, None], 0)
    excess = above.sum(axis=1) / np.maximum((above > 0).sum(axis=1), 1)
    return np.column_stack([mean, np.log(width), start, np.log(np.maximum(excess, 1e-3 * width))])


def fit_adapter(features: Doubles, cosines: Doubles, true: Doubles) -> Adapter:
    """Learn a(q) and b(q) from pairs that belong together and pairs that do not.

    Args:
        features: (q, 4) of each query.
        cosines: (q, m) with its true item and with unrelated ones.
        true: (q, m) 1 where the two belong together, else 0.

    Minimises the mean cross-entropy of 1 / (1 + exp(-(a c + b))) and a little weight decay.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    x = np.column_stack([((features - centre) / scale).clip(-REACH, REACH), np.ones(len(features))])
    middle, width = float(cosines.mean()), float(cosines.std()) + 1e-9
    c = (cosines - middle) / width
    penalised = np.array([1.0] * FEATURES + [0.0])

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        slope, shift = weights.reshape(2, -1)
        score = np.logaddexp(0, x @ slope)[:, None] * c + (x @ shift)[:, None]
        off = (expit(score) - true) / score.size
        by_slope = x.T @ ((off * c).sum(axis=1) * expit(x @ slope))
        by_shift = x.T @ off.sum(axis=1)
        decay = DECAY * penalised * np.stack([slope, shift])
        entropy = (np.logaddexp(0, score) - true * score).mean()
        gradient = np.concatenate([by_slope, by_shift]) + 2 * decay.ravel()
        return float(entropy + (decay * np.stack([slope, shift])).sum()), gradient

    first = np.zeros((2, FEATURES + 1))
    first[:, -1] = 2.0, -3.0
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    slope, shift = found.x.reshape(2, -1)
    return Adapter(slope, shift, centre, scale, middle, width)


MISSES = tuple(i / 20 for i in range(1, 19))  # miss rates that one can ask for

Typical = tuple[float, float, float, float]


@dataclass(frozen=True)
class Calibration:
    """What true matches look like in one collection, for a text that looks for pictures.

    A hit has two marks: its adapted score and its plain cosine, each in deviations from the mean of
    the true pairs used for fitting. The lower of the two counts: the score follows the query, the
    cosine keeps queries about something else from having matches. A hit is kept where it reaches
    what true pairs not used for fitting reach as often as promised (split conformal).

    Source: Vovk, Gammerman, Shafer. Algorithmic Learning in a Random World. Springer 2005;
    Angelopoulos et al. Conformal Risk Control. ICLR 2024.

    Args:
        adapter: from cosines to scores.
        sample: (s, d) vectors of the pictures that a query's features are taken from.
        typical: mean and deviation of the true pairs' cosines, then of their adapted scores.
        marks: (m,) lower marks of true pairs that were not used for fitting, in order.
        judged: (j,) the same of further true pairs: what the cut keeps is measured on them.
        pictures: number of pictures that those belong to.
        usual: the miss rate to use when none is asked for; 0 where chance tells better.
        held_out: whether the measured pairs are those marked `split = test`.
    """

    adapter: Adapter
    sample: Floats
    typical: Typical
    marks: Doubles
    judged: Doubles
    pictures: int
    usual: float
    held_out: bool

    def line(self, vectors: Floats) -> tuple[Doubles, Doubles]:
        """Slope and shift, (q,) each, of (q, d) queries."""
        found = cosines(self.sample, vectors.T).T
        return self.adapter.line(features(found))

    def cosine(self, vector: Floats, miss: float) -> float:
        """The cosine from which a picture is kept when a share `miss` of them may be missed."""
        a, b = self.line(vector[None])
        least, (mean, sd, middle, width) = conformal(self.marks, miss), self.typical
        return max(mean + sd * least, float((middle + width * least - b[0]) / a[0]))

    def kept(self, miss: float) -> tuple[float, float, float]:
        """Share of true matches that the cut keeps, measured, with its 95 % interval.

        The captions of a picture stand or fall together, so the interval counts pictures.
        """
        share = float((self.judged >= conformal(self.marks, miss)).mean())
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
    fitted, set_by, judged = (_caption_queries(space, pairs, sample) for pairs in parts)
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
class _CaptionQueries:
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


def _caption_queries(space: Space, pairs: Ints, sample: Ints) -> _CaptionQueries:
    found = cosines(space.vectors[sample], space.vectors[pairs[:, 1]].T).T
    own = np.einsum("ij,ij->i", space.vectors[pairs[:, 0]], space.vectors[pairs[:, 1]])
    return _CaptionQueries(
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
