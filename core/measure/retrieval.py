"""Retrieval of known pairs: recall, median rank and mean average precision, in both directions.

Every item of the other kind is a candidate. Other images would have been other queries and other
candidates: intervals come from a jackknife that leaves out images with their captions on both
sides. The captions of one image are one draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.errors import TooFew
from core.numerics.neighbors import preceding
from core.numerics.sampling import groups
from core.numerics.stats import chance_precision, folds, normal, share_interval, two_way_error
from core.types import Bools, Curve, Doubles, Ints, Score, Space

MAX_QUERIES = 5000
K = (1, 5, 10)
HELD_OUT = "the held-out (split = test)"


@dataclass(frozen=True)
class Direction:
    """Scores of one direction.

    For every query its row, the rank of its best true item, the number of its true items
    (`relevant`), and its image (`groups`). `without` is (q, folds): that rank when a fold of the
    images and their captions is left out, 0 where the query itself is. `precision` (q,) is the
    average precision, and `precision_without` (q, folds) that without each fold.
    """

    scores: dict[str, Score]
    queries: Ints
    first_ranks: Ints
    n_candidates: int
    relevant: Ints
    groups: Ints
    without: Ints
    precision: Doubles = field(default_factory=lambda: np.empty(0))
    precision_without: Doubles = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True)
class Evaluation:
    """Both directions, and a sentence on which pairs were tested."""

    text_to_image: Direction
    image_to_text: Direction
    sentence: str


def evaluate(
    space: Space, *, judged: Bools | None = None, which: str = HELD_OUT, seed: int = 0
) -> Evaluation:
    """Recall@1/5/10, median rank and mAP from the space's own pairs.

    Args:
        space: at least two pairs.
        judged: (n,) rows that may be queries; all rows stay candidates.
        which: a name for those pairs.
        seed: of the choice of queries beyond 5,000.

    Raises:
        TooFew: fewer than two pairs.

    >>> x = np.eye(4, dtype=np.float32)
    >>> space = Space(np.concatenate([x, x]), tuple("abcdefgh"), 4,
    ...               pairs=np.array([[0, 4], [1, 5], [2, 6], [3, 7]]))
    >>> evaluate(space).text_to_image.scores["recall@1"].value
    1.0
    """
    pairs = _tested(space, judged)
    rng = np.random.default_rng(seed)
    return Evaluation(
        _direction(space, pairs[:, ::-1], pairs, rng),
        _direction(space, pairs, pairs, rng),
        f"Measured on {'all' if judged is None else which} {len(pairs):,} pairs, among "
        f"{space.n_images:,} images and {space.n - space.n_images:,} texts. Intervals are over "
        "other images like these with their captions, as queries and as candidates.",
    )


def text_to_image(
    space: Space, *, judged: Bools | None = None, most: int = MAX_QUERIES
) -> Direction:
    """The scores of `evaluate` from text to image alone, with at most so many queries.

    Raises:
        TooFew: fewer than two pairs.
    """
    pairs = _tested(space, judged)
    return _direction(space, pairs[:, ::-1], pairs, np.random.default_rng(0), most)


def _tested(space: Space, judged: Bools | None) -> Ints:
    pairs = space.pairs
    if judged is not None:
        pairs = pairs[judged[space.pairs].all(axis=1)]
    if len(pairs) < 2:
        raise TooFew(
            "Evaluation", 2, "pairs of an image and a caption", len(pairs), "Add captions first."
        )
    return pairs


def gained(after: Direction, before: Direction, k: int = 1) -> tuple[float, float, float]:
    """Gain in recall@k on the same queries, with its 95% interval (paired jackknife).

    From -1 to 1; shown where the interval excludes 0.

    Args:
        after: one direction. Both have the same queries and folds, as of `evaluate` with the same
            pairs and another encoder, recipe or score bias.
        before: the direction that it is compared with.
        k: cutoff.

    Returns:
        The gain and the ends of its interval; NaN ends for too few images.

    >>> x = np.eye(4, dtype=np.float32)
    >>> space = Space(np.concatenate([x, x]), tuple("abcdefgh"), 4,
    ...               pairs=np.array([[0, 4], [1, 5], [2, 6], [3, 7]]))
    >>> one = text_to_image(space)
    >>> other = text_to_image(space.biased(np.array([2, 0, 0, 0, 0, 0, 0, 0], "f4"), "bias"))
    >>> gained(other, one)[0]  # the first image is found no more: one query of four
    -0.25
    """
    gain = (after.first_ranks <= k).astype(np.float64) - (before.first_ranks <= k)
    without = (after.without <= k).astype(np.float64) - (before.without <= k)
    error = two_way_error(gain, without, before.without > 0, before.groups)
    return float(gain.mean()), *normal(float(gain.mean()), error, -1.0, 1.0)


def gains(after: Direction, before: Direction) -> dict[str, tuple[float, float, float]]:
    """Gains in recall@1, 5, 10 and mAP on the same queries, with their 95% intervals.

    >>> x = np.eye(4, dtype=np.float32)
    >>> space = Space(np.concatenate([x, x]), tuple("abcdefgh"), 4,
    ...               pairs=np.array([[0, 4], [1, 5], [2, 6], [3, 7]]))
    >>> one = text_to_image(space)
    >>> gains(one, one)["mAP"]
    (0.0, 0.0, 0.0)
    """
    gain = after.precision - before.precision
    without = after.precision_without - before.precision_without
    error = two_way_error(gain, without, before.without > 0, before.groups)
    precision = (float(gain.mean()), *normal(float(gain.mean()), error, -1.0, 1.0))
    return {f"recall@{k}": gained(after, before, k) for k in K} | {"mAP": precision}


def _direction(
    space: Space, ask: Ints, pairs: Ints, rng: np.random.Generator, most: int = MAX_QUERIES
) -> Direction:
    """Score one direction. `ask` is (p, 2): query row, true row."""
    queries = np.unique(ask[:, 0])
    if len(queries) > most:
        queries = np.sort(rng.choice(queries, most, replace=False))
    ask = ask[np.isin(ask[:, 0], queries)]
    order = np.argsort(ask[:, 0], kind="stable")
    ask = ask[order]
    from_text = bool(ask[0, 0] >= space.n_images)
    first = 0 if from_text else space.n_images
    candidates = space.images if from_text else space.texts
    side = slice(first, first + len(candidates))
    offset = space.offset[side]
    index = np.searchsorted(queries, ask[:, 0])
    fold, linked = _folds(space, pairs)
    ahead = preceding(
        space.vectors[queries],
        candidates,
        np.stack([index, ask[:, 1] - first], axis=1),
        fold[side] if linked else np.zeros(len(candidates), np.int64),
        offset=offset if offset.any() else None,
    )
    order = np.lexsort((ahead.sum(axis=1), index))
    index, ahead = index[order], ahead[order]
    result = 1 + ahead.sum(axis=1)
    if not linked:
        ahead = np.zeros((len(index), int(fold.max()) + 1), np.int64)
    start = np.searchsorted(index, np.arange(len(queries)))
    first_ranks = result[start]
    kept = fold[queries][:, None] != np.arange(ahead.shape[1])
    without = np.where(kept, first_ranks[:, None] - ahead[start], 0)
    n, relevant = len(candidates), np.bincount(index)
    images = _images(queries, pairs, from_text)
    scores = {f"recall@{k}": _recall(first_ranks, without, images, n, relevant, k) for k in K}
    scores["median_rank"] = _median(first_ranks, without, images, _median_chance(n, relevant))
    place = (np.arange(len(index)) - start[index] + 1)[:, None]
    precision = np.add.reduceat(place / result[:, None], start, axis=0)[:, 0] / relevant
    reduced = np.add.reduceat(place / (result[:, None] - ahead), start) / relevant[:, None]
    error = two_way_error(precision, reduced, kept, images)
    scores["mAP"] = _share("mAP", precision, error, images, chance_precision(n, relevant))
    return Direction(scores, queries, first_ranks, n, relevant, images, without, precision, reduced)


def _folds(space: Space, pairs: Ints) -> tuple[Ints, bool]:
    """(n,) fold of each item, and whether a fold holds items with all that they are paired with.

    Where all pairs hang together, folds are of single items, and only queries are left out.
    """
    tested = np.zeros(space.n, bool)
    tested[pairs.ravel()] = True
    connected = groups(space)
    linked = len(np.unique(connected[tested])) > 1
    return folds(connected if linked else np.arange(space.n), tested), linked


def _images(queries: Ints, pairs: Ints, from_text: bool) -> Ints:
    """(q,) the image of each query, numbered."""
    if not from_text:
        return np.arange(len(queries))
    order = np.argsort(pairs[:, 1], kind="stable")
    at = np.searchsorted(pairs[order, 1], queries)
    return np.unique(pairs[order, 0][at], return_inverse=True)[1]


def _share(metric: str, per_query: Doubles, error: float, images: Ints, chance: float) -> Score:
    value = float(per_query.mean())
    return Score(metric, value, *share_interval(value, error, images), chance, len(per_query))


def _recall(
    first_ranks: Ints, without: Ints, images: Ints, n: int, relevant: Ints, k: int
) -> Score:
    hits = (first_ranks <= k).astype(np.float64)
    chance = float(hit_chance(n, relevant, k))
    return _share(f"recall@{k}", hits, _recall_error(hits, without, images, k), images, chance)


def _recall_error(hits: Doubles, without: Ints, images: Ints, k: int) -> float:
    return two_way_error(hits, (without <= k).astype(np.float64), without > 0, images)


def _median(first_ranks: Ints, without: Ints, images: Ints, chance: float) -> Score:
    """The median, and the quantiles that the error of a share of one half spans (Woodruff 1952).

    The error is that of recall at the median rank, scaled to a share of one half.
    """
    value = float(np.median(first_ranks))
    hits = (first_ranks <= value).astype(np.float64)
    share, error = float(hits.mean()), _recall_error(hits, without, images, int(value))
    error = 0.5 * error / np.sqrt(share * (1 - share)) if share < 1 else 0.0
    ends = share_interval(0.5, error, images)
    low, high = np.quantile(first_ranks, ends, method="inverted_cdf").tolist()
    return Score("median_rank", value, min(low, value), max(high, value), chance, len(first_ranks))


def hit_chance(n: int, relevant: Ints, k: Ints | int) -> Doubles:
    """Probability that k random candidates include one of a query's true items, mean of queries.

    Args:
        n: candidates.
        relevant: (q,) true items of each query, from 1 to n.
        k: how many are drawn, up to n: a number, or an array of any shape.

    Returns:
        From 0 to 1, in the shape of `k`.

    >>> hit_chance(4, np.array([1, 2]), np.array([1, 4])).round(6).tolist()  # (1/4 + 2/4) / 2, 1
    [0.375, 1.0]
    """
    from scipy.special import gammaln

    counts, queries = np.unique(relevant, return_counts=True)
    left = n - np.asarray(k)[..., None]  # candidates that are not among the k
    with np.errstate(invalid="ignore"):
        miss = np.exp(
            gammaln(left + 1)
            - gammaln(left - counts + 1)
            + gammaln(n - counts + 1)
            - gammaln(n + 1)
        )
    hit: Doubles = 1 - (np.where(left >= counts, miss, 0.0) * queries).sum(axis=-1) / len(relevant)
    return hit


def _median_chance(n: int, relevant: Ints) -> float:
    """Median rank of the best true item in a random order."""
    return float(1 + np.searchsorted(hit_chance(n, relevant, np.arange(1, n)), 0.5))


def hardest(direction: Direction, k: int) -> list[tuple[int, int]]:
    """The queries with the worst rank of the true item: (row, rank), worst first."""
    order = np.argsort(-direction.first_ranks, kind="stable")[:k]
    return [(int(direction.queries[i]), int(direction.first_ranks[i])) for i in order]


def recall_curve(direction: Direction) -> Curve:
    """Recall at every k up to the number of candidates.

    >>> Direction = lambda **all: type("Direction", (), all)
    >>> line = recall_curve(Direction(first_ranks=np.array([1, 3]), n_candidates=4))
    >>> line.x.tolist(), line.y.tolist()
    ([1.0, 2.0, 3.0, 4.0], [0.5, 0.5, 1.0, 1.0])
    """
    steps = _steps(direction)
    recall = np.searchsorted(np.sort(direction.first_ranks), steps, side="right")
    return _curve(steps, recall / len(direction.first_ranks))


def chance_curve(direction: Direction) -> Curve:
    """Recall of a random order at every k of `recall_curve`.

    >>> Direction = lambda **all: type("Direction", (), all)
    >>> chance_curve(Direction(relevant=np.array([1, 1]), n_candidates=4)).y.tolist()
    [0.25, 0.5, 0.75, 1.0]
    """
    steps = _steps(direction)
    return _curve(steps, hit_chance(direction.n_candidates, direction.relevant, steps).round(12))


def _curve(steps: Ints, recall: Doubles) -> Curve:
    return Curve(steps.astype(np.float64), recall, "k", "recall@k", log_x=True)


def _steps(direction: Direction) -> Ints:
    return np.unique(np.geomspace(1, direction.n_candidates, 200).round().astype(np.int64))
