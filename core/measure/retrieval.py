"""Retrieval of known pairs: recall, median rank and mean average precision, in both directions.

Every item of the other kind is a candidate. Intervals come from a bootstrap over groups of queries
that share an image, because the captions of one image are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.numerics.neighbors import ranks
from core.types import Bools, Curve, Doubles, Ints, Score, Space

MAX_QUERIES = 5000
RESAMPLES = 1000
K = (1, 5, 10)
HELD_OUT = "the held-out (split = test)"


@dataclass(frozen=True)
class Direction:
    """Scores of one direction.

    For every query its row, the rank of its best true item, and its image (`groups`).
    """

    scores: dict[str, Score]
    queries: Ints
    first_ranks: Ints
    n_candidates: int
    groups: Ints


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
        seed: of the bootstrap, and of the choice of queries beyond 5,000.

    Raises:
        TooFew: fewer than two pairs.

    >>> x = np.eye(4, dtype=np.float32)
    >>> space = Space(np.concatenate([x, x]), tuple("abcdefgh"), 4,
    ...               pairs=np.array([[0, 4], [1, 5], [2, 6], [3, 7]]))
    >>> evaluate(space).text_to_image.scores["recall@1"].value
    1.0
    """
    pairs = space.pairs
    if judged is not None:
        pairs = pairs[judged[space.pairs].all(axis=1)]
    if len(pairs) < 2:
        raise TooFew(
            "Evaluation", 2, "pairs of an image and a caption", len(pairs), "Add captions first."
        )
    rng = np.random.default_rng(seed)
    text_to_image = _direction(space, pairs[:, ::-1], pairs, rng)
    image_to_text = _direction(space, pairs, pairs, rng)
    return Evaluation(
        text_to_image,
        image_to_text,
        f"Measured on {'all' if judged is None else which} {len(pairs):,} pairs, among "
        f"{space.n_images:,} images and {space.n - space.n_images:,} texts.",
    )


def gained(after: Direction, before: Direction, k: int = 1) -> tuple[float, float, float]:
    """Gain in recall@k on the same queries, with its 95 % interval (paired bootstrap)."""
    gain = (after.first_ranks <= k).astype(np.float64) - (before.first_ranks <= k)
    weights = resampled(before.groups, np.random.default_rng(0))
    return float(gain.mean()), *_interval(weights @ gain / weights.sum(axis=1))


def _direction(space: Space, ask: Ints, pairs: Ints, rng: np.random.Generator) -> Direction:
    """Score one direction. `ask` is (p, 2): query row, true row."""
    queries = np.unique(ask[:, 0])
    if len(queries) > MAX_QUERIES:
        queries = np.sort(rng.choice(queries, MAX_QUERIES, replace=False))
    ask = ask[np.isin(ask[:, 0], queries)]
    order = np.argsort(ask[:, 0], kind="stable")
    ask = ask[order]
    from_text = bool(ask[0, 0] >= space.n_images)
    first = 0 if from_text else space.n_images
    candidates = space.images if from_text else space.texts
    offset = space.offset[: space.n_images] if from_text else space.offset[space.n_images :]
    index = np.searchsorted(queries, ask[:, 0])
    result = ranks(
        space.vectors[queries],
        candidates,
        np.stack([index, ask[:, 1] - first], axis=1),
        offset=offset if offset.any() else None,
    )
    n, relevant = len(candidates), np.bincount(index)
    first_ranks = np.full(len(queries), n, np.int64)
    np.minimum.at(first_ranks, index, result)
    precision = _average_precision(index, result, len(queries))
    groups = _groups(queries, pairs, from_text)
    weights = resampled(groups, rng)
    scores = {
        f"recall@{k}": _mean(
            f"recall@{k}", (first_ranks <= k).astype(float), weights, _hit_chance(n, relevant, k)
        )
        for k in K
    }
    scores["median_rank"] = _median(first_ranks, weights, (n + 1) / (relevant.mean() + 1))
    scores["mAP"] = _mean("mAP", precision, weights, float((relevant / n).mean()))
    return Direction(scores, queries, first_ranks, n, groups)


def _average_precision(index: Ints, result: Ints, n_queries: int) -> Doubles:
    """(q,) mean over a query's true items of the precision at that item's rank."""
    order = np.lexsort((result, index))
    index, result = index[order], result[order]
    relevant = np.bincount(index, minlength=n_queries)
    place = np.arange(len(index)) - np.repeat(np.cumsum(relevant) - relevant, relevant) + 1
    total = np.bincount(index, weights=place / result, minlength=n_queries)
    return np.asarray(total / relevant)


def _groups(queries: Ints, pairs: Ints, from_text: bool) -> Ints:
    """(q,) the image of each query: the unit of resampling."""
    if not from_text:
        return np.arange(len(queries))
    order = np.argsort(pairs[:, 1], kind="stable")
    at = np.searchsorted(pairs[order, 1], queries)
    return np.unique(pairs[order, 0][at], return_inverse=True)[1]


def resampled(groups: Ints, rng: np.random.Generator) -> Doubles:
    """(RESAMPLES, q) weight of each query in each bootstrap sample of images."""
    n = int(groups.max()) + 1
    counts = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES)
    return np.asarray(counts[:, groups], np.float64)


def _interval(samples: Doubles) -> tuple[float, float]:
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)


def _mean(metric: str, per_query: Doubles, weights: Doubles, chance: float) -> Score:
    low, high = _interval(weights @ per_query / weights.sum(axis=1))
    return Score(metric, float(per_query.mean()), low, high, chance, len(per_query))


def _median(first_ranks: Ints, weights: Doubles, chance: float) -> Score:
    order = np.argsort(first_ranks)
    cumulative = np.cumsum(weights[:, order], axis=1)
    at = (cumulative >= cumulative[:, -1:] / 2).argmax(axis=1)
    low, high = _interval(first_ranks[order][at].astype(np.float64))
    value = float(np.median(first_ranks))
    return Score("median_rank", value, min(low, value), max(high, value), chance, len(first_ranks))


def _hit_chance(n: int, relevant: Ints, k: int) -> float:
    """Probability that k random candidates include one of a query's true items."""
    miss = np.ones(len(relevant))
    for i in range(min(k, n)):
        miss *= np.clip((n - relevant - i) / (n - i), 0, 1)
    return float(1 - miss.mean())


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
    steps = np.unique(np.geomspace(1, direction.n_candidates, 200).round())
    result = np.searchsorted(np.sort(direction.first_ranks), steps, side="right")
    return Curve(steps, result / len(direction.first_ranks), "k", "recall@k", log_x=True)
