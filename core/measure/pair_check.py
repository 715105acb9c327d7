"""Which pairs look as if they were swapped, and whether an encoder can judge that at all.

Swapping captions at random gives the similarity of wrong pairs exactly; that of right pairs is a
bell with a tail (skew-normal). The observed similarities are a mixture of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.measure.pair_ranks import PairRanks, clusters, pair_ranks
from core.numerics.spectra import moments, projections
from core.numerics.stats import clustered_error, share_interval
from core.types import Bools, Doubles, Ints, Space

JUDGES = 0.8  # AUC below which an encoder cannot judge captions
FALSE_SHARE = 0.15  # of the flagged captions, at most this estimated share is right
FEWEST = 100  # texts
SIGNIFICANT = 10.0  # twice the gain in log-likelihood from which there are swapped pairs
FEW_SWAPPED = 3  # texts below the middle of swapped pairs that it takes to estimate their share
DRAWS = 5  # random images for each text
BINS = 300


@dataclass(frozen=True, slots=True)
class PairCheck:
    """Pairs against pairs swapped at random.

    `auc`, `low`, `high`: how well similarity separates them, with its 95% interval; `judges`:
    whether that, and the number of texts, is enough to say which are misplaced. `share` is the
    estimated share of swapped pairs, and `flagged` (q,) the texts that probably are. `own` (q,) are
    the similarities, and `probability` (q,) that of each pair to be swapped, NaN where the encoder
    cannot judge it.
    """

    auc: float
    low: float
    high: float
    judges: bool
    share: float
    flagged: Bools
    own: Doubles
    probability: Doubles


@dataclass(frozen=True, slots=True)
class Suspects:
    """Pairs that another image fits better, in the order in which to review them.

    Rows of the text, its image and the closest other image, and the probability that the caption
    belongs elsewhere (NaN where the encoder cannot judge it). The first `flagged` are probably
    misplaced. `n_texts` texts were checked.
    """

    texts: Ints
    images: Ints
    rivals: Ints
    probability: Doubles
    flagged: int
    n_texts: int


def suspects(space: Space, *, queries: int = 5000) -> Suspects:
    """The pairs to review: the flagged ones, then the least similar.

    Args:
        space: pairs, and other images.
        queries: texts checked, drawn at random beyond, as in the pair margin.

    >>> rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 2, 2]]
    >>> space = Space(rows, tuple("abcdef"), 3, np.array([[0, 3], [1, 4], [2, 5]]))
    >>> found = suspects(space)
    >>> found.texts.tolist(), found.images.tolist(), found.rivals.tolist()
    ([4], [1], [2])
    """
    ranked = pair_ranks(space, q=queries)
    none = np.empty(0, np.int64)
    if not len(ranked.texts):
        return Suspects(none, none, none, np.empty(0), 0, 0)
    checked = check_pairs(space, ranked)
    order = np.lexsort((checked.own, -np.nan_to_num(checked.probability), ~checked.flagged))
    order = order[ranked.rank[order] > 1]
    return Suspects(
        ranked.texts[order],
        ranked.own[order],
        ranked.rival[order],
        checked.probability[order],
        int(checked.flagged.sum()),
        len(ranked.texts),
    )


def check_pairs(space: Space, ranked: PairRanks) -> PairCheck:
    """Compare the pairs of some texts with the same texts and random images.

    Similarity is the cosine of a text with its image in standard deviations of its cosines with
    all images. Texts are flagged from the least similar on, while the estimated false-discovery
    share stays below 15%, and only if another image is closer.

    >>> from core.measure.pair_ranks import pair_ranks
    >>> rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    >>> space = Space(rows, tuple("abcdef"), 3, np.array([[0, 3], [1, 4], [2, 5]]))
    >>> found = check_pairs(space, pair_ranks(space))
    >>> found.auc, found.judges  # three texts are too few
    (1.0, False)
    """
    own, swapped = _similarities(space, ranked)
    ordered = np.sort(swapped)
    below = (np.searchsorted(ordered, own) + np.searchsorted(ordered, own, "right")) / 2
    shares = below / len(ordered)
    auc, cluster = float(shares.mean()), clusters(space, ranked.texts)
    low, high = share_interval(auc, clustered_error(shares, cluster), cluster)
    none = np.zeros(len(own), bool)
    if len(own) < FEWEST or auc < JUDGES:
        return PairCheck(auc, low, high, False, 0.0, none, own, np.full(len(own), np.nan))
    share, posterior = _swapped(own, swapped)
    order = np.argsort(own, kind="stable")
    false = np.cumsum(1 - posterior[order]) / np.arange(1, len(own) + 1)
    within = np.flatnonzero(false <= FALSE_SHARE)
    if share and len(within):
        none[order[: within[-1] + 1]] = True
    flagged = none & (ranked.rank > 1)
    return PairCheck(auc, low, high, True, share, flagged, own, posterior)


def _similarities(space: Space, ranked: PairRanks) -> tuple[Doubles, Doubles]:
    """(q,) of the pairs, and (about 5 q,) of the same texts with random images."""
    image, rows = moments(space, "image"), space.vectors[ranked.texts]
    mean = projections(rows, image.mean)
    variance = np.einsum("ij,ij->i", rows.astype(np.float64) @ image.covariance, rows)
    scale = np.sqrt(np.maximum(variance, 1e-12))

    def similarity(images: np.ndarray) -> Doubles:
        cosines = np.einsum("ij,ij->i", rows, space.vectors[images], dtype=np.float64)
        return np.asarray((cosines - mean) / scale)

    rng, drawn = np.random.default_rng(0), []
    for _ in range(DRAWS):
        other = rng.integers(0, space.n_images, len(rows))
        drawn.append(similarity(other)[other != ranked.own])
    return similarity(ranked.own), np.concatenate(drawn)


def _swapped(own: Doubles, swapped: Doubles) -> tuple[float, Doubles]:
    """Share of swapped pairs by maximum likelihood, and (q,) the probability of each to be one.

    The likelihood is that of counts in bins, so that it costs the same for any number of pairs.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    if (own < np.median(swapped)).sum() < FEW_SWAPPED:
        return 0.0, np.zeros(len(own))
    ends = min(own.min(), swapped.min()) - 1, max(own.max(), swapped.max()) + 1
    counts, edges = np.histogram(own, BINS, ends)
    middle = (edges[1:] + edges[:-1]) / 2
    null = smoothed(swapped, edges)

    def loss(parameters: Doubles) -> float:
        right = _skew_normal(middle, *parameters[:3])
        share = expit(parameters[3]) if len(parameters) > 3 else 0.0
        return float(-(counts * np.log((1 - share) * right + share * null + 1e-300)).sum())

    def best(starts: list[list[float]]) -> tuple[float, Doubles]:
        options = {"maxiter": 1000, "xatol": 1e-3, "fatol": 1e-2}
        fits = [minimize(loss, s, method="Nelder-Mead", options=options) for s in starts]
        fit = min(fits, key=lambda f: float(f.fun))
        return float(fit.fun), np.asarray(fit.x)

    def start(values: Doubles, skewed: float) -> list[float]:
        return [values.mean() + skewed * values.std(), np.log((1 + skewed / 3) * values.std()),
                -2 * skewed]  # fmt: skip

    ordered = np.sort(own)
    alone, _ = best([start(own, skewed) for skewed in (0.0, 1.0)])
    mixed, parameters = best(
        [
            [*start(ordered[int(share * len(own)) :], skewed), logit(share)]
            for share, skewed in ((0.01, 1.0), (0.1, 0.0), (0.1, 1.0))
        ]
    )
    if 2 * (alone - mixed) < SIGNIFICANT:
        return 0.0, np.zeros(len(own))
    share = float(expit(parameters[3]))
    wrong = share * np.interp(own, middle, null)
    right = (1 - share) * _skew_normal(own, *parameters[:3])
    return share, np.asarray(wrong / (wrong + right + 1e-300))


def smoothed(values: Doubles, edges: Doubles) -> Doubles:
    """Density in bins, smoothed by a normal kernel (Scott's rule)."""
    from scipy.ndimage import gaussian_filter1d

    density = np.histogram(values, edges, density=True)[0]
    bandwidth = 1.06 * values.std() * len(values) ** -0.2
    return np.asarray(gaussian_filter1d(density, bandwidth / (edges[1] - edges[0])))


def _skew_normal(x: Doubles, location: float, log_scale: float, shape: float) -> Doubles:
    """Density of Azzalini's skew-normal distribution."""
    from scipy.special import log_ndtr

    z = (x - location) * np.exp(-log_scale)
    log = np.log(2) - log_scale - 0.5 * np.log(2 * np.pi) - 0.5 * z * z + log_ndtr(shape * z)
    return np.asarray(np.exp(log))
