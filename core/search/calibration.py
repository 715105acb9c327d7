"""Calibration of the cutoff on a collection's caption pairs: which cosines true matches reach."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.numerics.neighbors import cosines
from core.numerics.stats import wilson
from core.search.null import body
from core.types import Bools, Doubles, Floats, Ints, Space

FEATURES = 4  # of a query's cosines, see `features`
REACH = 1.0  # standard deviations from the mean up to which features are extrapolated
DECAY = 1e-4  # weight decay of the adapter
MISSES = tuple(i / 20 for i in range(1, 19))  # miss rates that can be chosen
QUERIES, LEAST_QUERIES = 1500, 100  # captions used as queries, at most and at least
LEAST_PART = 20  # of each part: from 19 on the strictest threshold is one of them
CANDIDATES, LEAST_IMAGES = 2000, 60  # images that they are compared with
NEGATIVES = 31  # unrelated images per true one when fitting
LEAST_AUC = 0.75  # share of the other images below the caption's own; 0.5 is chance
FEW_SHARE, FEW = 0.005, (2, 24)  # other images above the cutoff at the default level

Scales = tuple[float, float, float, float]


@dataclass(frozen=True)
class Adapter:
    """Maps a cosine c to a score a(q) c + b(q) with a > 0, so that no query's order changes.

    a and b are linear in four features of the query's cosines (see `features`), a through softplus.
    Features are clipped to `REACH` standard deviations from their mean.

    Source: form and loss: Rossi et al. Relevance Filtering for Embedding-based Retrieval (Cosine
    Adapter). CIKM 2024. These features in place of the query's vector, and no hidden layer, are
    ours: they do better with few pairs (`python -m tests.bench cut`).

    Args:
        slope: (5,) weights of a: the features, then 1.
        shift: (5,) weights of b.
        center: (4,) mean of the features when fitting; `scale` their standard deviation.
        mean: of the cosines when fitting; `sd` their standard deviation.

    >>> one = np.array([0, 0, 0, 0, np.log(np.e - 1)])  # softplus of the last is 1
    >>> same = Adapter(one, np.zeros(5), np.zeros(4), np.ones(4))
    >>> a, b = same.line(np.zeros((1, 4)))
    >>> float(a[0].round(12)), float(b[0])
    (1.0, 0.0)
    """

    slope: Doubles
    shift: Doubles
    center: Doubles
    scale: Doubles
    mean: float = 0.0
    sd: float = 1.0

    def line(self, features: Doubles) -> tuple[Doubles, Doubles]:
        """Slope a and shift b, (q,) each, of queries with these (q, 4) features."""
        x = np.clip((features - self.center) / self.scale, -REACH, REACH)
        x = np.column_stack([x, np.ones(len(x))])
        a = np.logaddexp(0, x @ self.slope) / self.sd
        return a, x @ self.shift - a * self.mean


@dataclass(frozen=True)
class Calibration:
    """What true matches reach in one collection, for a text that finds images.

    Each hit has two values: its adapted score and its plain cosine, both standardized by the true
    pairs used for fitting. The lower of the two is its conformity score: the adapted score follows
    the query, the cosine keeps queries about something else from having matches. The threshold is
    a quantile of the conformity scores of true pairs not used for fitting (split conformal).

    Source: Vovk, Gammerman, Shafer. Algorithmic Learning in a Random World. Springer 2005;
    Angelopoulos et al. Conformal Risk Control. ICLR 2024.

    Args:
        adapter: from cosines to scores.
        sample: (s, d) vectors of the images that a query's features are computed from.
        scales: mean and deviation of the true pairs' cosines, then of their adapted scores.
        conformity: (m,) conformity scores of true pairs not used for fitting, in order.
        judged: (j,) those of further true pairs, on which recall is measured.
        images: number of images those belong to.
        usual: the default miss rate; 0 where the null distribution is the better rule.
        held_out: whether the measured pairs are those marked `split = test`.
    """

    adapter: Adapter
    sample: Floats
    scales: Scales
    conformity: Doubles
    judged: Doubles
    images: int
    usual: float
    held_out: bool

    def line(self, vectors: Floats) -> tuple[Doubles, Doubles]:
        """Slope and shift, (q,) each, of (q, d) queries."""
        return self.adapter.line(features(cosines(self.sample, vectors.T).T))

    def cosine(self, vector: Floats, miss: float) -> float:
        """The least cosine of a match at a miss rate, for the (d,) vector of a query."""
        a, b = self.line(vector[None])
        least, (mean, sd, score, score_sd) = conformal(self.conformity, miss), self.scales
        return max(mean + sd * least, float((score + score_sd * least - b[0]) / a[0]))

    def recall(self, miss: float) -> tuple[float, float, float]:
        """Measured recall of the cutoff at a miss rate, with its 95 % interval.

        The captions of an image are not independent, so the interval counts images.
        """
        share = float((self.judged >= conformal(self.conformity, miss)).mean())
        return share, *wilson(share * self.images, self.images)


def calibrate(space: Space, held_out: Bools | None = None, *, seed: int = 0) -> Calibration | None:
    """Calibrate the cutoff for captions that find images.

    None where there are too few pairs, or where a caption's own image ranks hardly above the
    others, so that any cutoff below it lets most of them in.

    Images are split in three: the captions of one part fit the adapter, those of the second set the
    threshold, the rest measure it. At most 1,500 captions and 2,000 images are used.

    Args:
        space: at least 100 captions with an image, 20 in each part, and 60 images.
        held_out: (n,) rows marked `split = test`. Where there are enough, the adapter is fitted to
            the other pairs, and these set the threshold (one half) and measure it (the other):
            pairs that an encoder was trained on are too easy for it.
        seed: of the split and the samples.
    """
    rng = np.random.default_rng(seed)
    parts, marked = _parts(space, held_out, rng)
    enough = min(map(len, parts)) >= LEAST_PART and sum(map(len, parts)) >= LEAST_QUERIES
    if space.n_images < LEAST_IMAGES or not enough:
        return None
    sample = np.sort(rng.permutation(space.n_images)[:CANDIDATES])
    fitted, threshold, judged = (_caption_queries(space, pairs, sample) for pairs in parts)
    drawn = np.argsort(rng.random(fitted.cosines.shape) + fitted.related, axis=1)[:, :NEGATIVES]
    negatives = np.take_along_axis(fitted.cosines, drawn, axis=1)
    adapter = fit_adapter(
        fitted.features,
        np.column_stack([fitted.own, negatives]).astype(np.float64),
        np.column_stack([np.ones(len(fitted.own)), np.zeros(negatives.shape)]),
    )
    scores = fitted.scores(adapter, fitted.own[:, None])
    scales = (
        float(fitted.own.mean()), float(fitted.own.std()) + 1e-9,
        float(scores.mean()), float(scores.std()) + 1e-9,
    )  # fmt: skip
    conformity, others = threshold.conformity(adapter, scales)
    if (others < conformity[:, None]).mean() < LEAST_AUC:
        return None
    return Calibration(
        adapter,
        space.vectors[sample],
        scales,
        np.sort(conformity),
        judged.conformity(adapter, scales)[0],
        len(np.unique(parts[2][:, 0])),
        _usual(np.sort(conformity), others, space.n_images),
        marked,
    )


def features(cosines: Floats) -> Doubles:
    """(q, 4) features of queries' (q, m) cosines: mean, log deviation, start, log excess.

    Mean and standard deviation are those of the body; start is the 90th percentile, excess the mean
    distance above it.
    """
    mean, sd = body(cosines)
    width = np.maximum(sd, 1e-6)
    start = np.quantile(cosines, 0.9, axis=1)
    above = np.maximum(cosines - start[:, None], 0)
    excess = above.sum(axis=1) / np.maximum((above > 0).sum(axis=1), 1)
    return np.column_stack([mean, np.log(width), start, np.log(np.maximum(excess, 1e-3 * width))])


def fit_adapter(features: Doubles, cosines: Doubles, true: Doubles) -> Adapter:
    """Fit a(q) and b(q) to related and unrelated pairs.

    Minimizes the mean cross-entropy of 1 / (1 + exp(-(a c + b))) with weight decay.

    Args:
        features: (q, 4) of each query.
        cosines: (q, m) with its true item and with unrelated ones.
        true: (q, m) 1 for the true item, else 0.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    center, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    x = np.column_stack([((features - center) / scale).clip(-REACH, REACH), np.ones(len(features))])
    mean, sd = float(cosines.mean()), float(cosines.std()) + 1e-9
    c = (cosines - mean) / sd
    penalized = np.array([1.0] * FEATURES + [0.0])

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        slope, shift = weights.reshape(2, -1)
        score = np.logaddexp(0, x @ slope)[:, None] * c + (x @ shift)[:, None]
        error = (expit(score) - true) / score.size
        by_slope = x.T @ ((error * c).sum(axis=1) * expit(x @ slope))
        by_shift = x.T @ error.sum(axis=1)
        decay = DECAY * penalized * np.stack([slope, shift])
        entropy = (np.logaddexp(0, score) - true * score).mean()
        gradient = np.concatenate([by_slope, by_shift]) + 2 * decay.ravel()
        return float(entropy + (decay * np.stack([slope, shift])).sum()), gradient

    start = np.zeros((2, FEATURES + 1))
    start[:, -1] = 2.0, -3.0
    fit = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    slope, shift = fit.x.reshape(2, -1)
    return Adapter(slope, shift, center, scale, mean, sd)


def conformal(scores: Doubles, miss: float) -> float:
    """Highest threshold that a new true match stays below with probability at most `miss`.

    Of m + 1 exchangeable scores the new one is among the lowest i with probability i / (m + 1).

    >>> conformal(np.arange(1.0, 10.0), 0.2), conformal(np.arange(1.0, 10.0), 0.05)
    (2.0, -inf)
    """
    below = int(np.floor(miss * (len(scores) + 1) + 1e-9))
    return float(scores[below - 1]) if below else -inf


@dataclass(frozen=True)
class _CaptionQueries:
    """Captions as queries.

    Args:
        features: (q, 4) of each.
        cosines: (q, m) with a sample of the images.
        related: (q, m) whether an image of the sample is the caption's own.
        own: (q,) cosine with the caption's own image.
    """

    features: Doubles
    cosines: Floats
    related: Bools
    own: Floats

    def scores(self, adapter: Adapter, cosines: Floats) -> Doubles:
        """(q, m) adapted scores of (q, m) cosines."""
        a, b = adapter.line(self.features)
        return a[:, None] * cosines + b[:, None]

    def conformity(self, adapter: Adapter, scales: Scales) -> tuple[Doubles, Doubles]:
        """Conformity scores, (q,) of the captions' own images and (q, m) of the others."""
        every = np.column_stack([self.own, self.cosines])
        mean, sd, score, score_sd = scales
        lower = np.minimum((every - mean) / sd, (self.scores(adapter, every) - score) / score_sd)
        return lower[:, 0], np.where(self.related, -inf, lower[:, 1:])


def _caption_queries(space: Space, pairs: Ints, sample: Ints) -> _CaptionQueries:
    values = cosines(space.vectors[sample], space.vectors[pairs[:, 1]].T).T
    own = np.einsum("ij,ij->i", space.vectors[pairs[:, 0]], space.vectors[pairs[:, 1]])
    return _CaptionQueries(features(values), values, pairs[:, :1] == sample, own.astype(np.float32))


def _parts(
    space: Space, held_out: Bools | None, rng: np.random.Generator
) -> tuple[list[Ints], bool]:
    """Pairs to fit, to set the threshold and to measure it; no image is in two of them.

    The second value says whether the last two are the held-out ones.
    """
    pairs = space.pairs[rng.permutation(len(space.pairs))]
    if held_out is not None:
        test, rest = held_out[pairs].all(axis=1), ~held_out[pairs].any(axis=1)
        if test.sum() >= LEAST_QUERIES / 2 and rest.sum() >= LEAST_QUERIES / 2:
            return [*_split(pairs[rest], 1, rng), *_split(pairs[test], 2, rng)], True
    return _split(pairs, 3, rng), False


def _split(pairs: Ints, ways: int, rng: np.random.Generator) -> list[Ints]:
    """Pairs in so many parts, by image; at most `QUERIES` / 3 in each."""
    images, place = np.unique(pairs[:, 0], return_inverse=True)
    part = (rng.permutation(len(images)) % ways)[place]
    return [pairs[part == i][: QUERIES // 3] for i in range(ways)]


def _usual(conformity: Doubles, others: Doubles, n: int) -> float:
    """The least miss rate that lets few other images in; 0 where none does.

    Few are 0.5 % of the n images, but at least 2 and at most a page of 24. The captions' other
    images are no clean negatives, some fit as well: a rule that penalizes each of them more, such
    as the best F-score, finds no match for short queries.

    Args:
        conformity: (q,) conformity scores of true pairs, in order.
        others: (q, m) those of a sample of other images.
        n: number of images.
    """
    few = min(max(FEW_SHARE * n, FEW[0]), FEW[1])
    for miss in MISSES:
        least = max(conformal(conformity, miss), -1e300)
        if n * float((others >= least).mean()) <= few:
            return miss
    return 0.0
