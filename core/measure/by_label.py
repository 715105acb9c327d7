"""What labels alone can evaluate: naming images by their labels, and finding those of a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.measure.group_recall import few_images
from core.measure.retrieval import hit_chance
from core.numerics.labels import HINT, classes
from core.numerics.neighbors import SCORE_BLOCK, top_k
from core.numerics.stats import (
    clustered_error,
    family_z,
    folds,
    share_interval,
    two_way_error,
)
from core.types import Bools, Doubles, Floats, Ints, Score, Space

MAX_QUERIES = 5000
NAMED = (1, 5)  # labels that an image may be given
K = 10  # images found for an image
LEAST = 20  # images that share their label, for image to image
SPARE = 3  # times as many are listed, so that a jackknife can leave some out


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A score of the images of one label; the intervals of all labels hold together."""

    label: str
    score: Score


@dataclass(frozen=True, slots=True)
class Confusion:
    """Images of the label `true` that are taken for `named`, most confident first."""

    true: str
    named: str
    rows: tuple[int, ...]
    of: int


@dataclass(frozen=True)
class Classification:
    """Zero-shot classification: the nearest label's text against an image's labels.

    `scores` are "accuracy" (the first label is one of the image's) and "accuracy@5"; `by_label` the
    accuracy of each label's images, lowest first; `confusions` the most frequent first.
    """

    scores: dict[str, Score]
    by_label: tuple[LabelScore, ...]
    confusions: tuple[Confusion, ...]
    n_labels: int
    sentence: str


@dataclass(frozen=True)
class LabelRetrieval:
    """Image to image: does an image find others of its label?

    `scores` are "precision@1", "precision@10" (share of the first 10 with its label) and
    "recall@10" (share of the others with its label among the first 10). `by_label` is precision@10
    of each label's images, lowest first.
    """

    scores: dict[str, Score]
    by_label: tuple[LabelScore, ...]
    n_candidates: int
    sentence: str


def classify(space: Space, names: Sequence[str], vectors: Floats) -> Classification:
    """Zero-shot accuracy: the labels' names are the only candidates of each image.

    Intervals are over other images like these, of the same labels; an image with m of K labels has
    a chance of 1 - C(K - m, k) / C(K, k) for accuracy@k, exactly.

    Args:
        space: labeled images; those beyond 5,000 are sampled.
        names: (K,) labels.
        vectors: (K, d) unit rows of their texts.

    Raises:
        TooFew: fewer than two labels, or fewer than two images with one of them.

    >>> rows = np.eye(2, dtype=np.float32)
    >>> space = Space(rows[[0, 0, 1]], ("a", "b", "c"), 3, labels=(("x",), ("x",), ("x",)))
    >>> found = classify(space, ("x", "y"), rows)
    >>> round(found.scores["accuracy"].value, 3), found.scores["accuracy"].chance
    (0.667, 0.5)
    >>> [(c.true, c.named, c.rows) for c in found.confusions]
    [('x', 'y', (2,))]
    """
    rows, member = _members(space, names)
    if len(names) < 2 or len(rows) < 2:
        what, n = ("labels", len(names)) if len(names) < 2 else ("labeled images", len(rows))
        raise TooFew("Zero-shot accuracy", 2, what, n, HINT)
    cosines = space.vectors[rows] @ vectors.T
    order = np.argsort(-cosines, axis=1, kind="stable")
    right = np.take_along_axis(member, order, axis=1)
    relevant: Ints = member.sum(axis=1)
    scores = {}
    for k in NAMED:
        if k < len(names):
            name = "accuracy" if k == 1 else f"accuracy@{k}"
            values = np.asarray(right[:, :k].any(axis=1), np.float64)
            chance = float(hit_chance(len(names), relevant, k))
            scores[name] = _score(name, values, _clustered(values, rows), rows, chance)
    first = order[:, 0]
    hits = right[:, 0].astype(np.float64)
    sure = cosines[np.arange(len(rows)), first] - np.where(member, cosines, -np.inf).max(axis=1)
    return Classification(
        scores,
        _by_label(names, member, hits, rows, "accuracy", relevant / float(len(names))),
        _confusions(names, rows, member, first, sure),
        len(names),
        f"Measured on {len(rows):,} images with one or more of {len(names):,} labels, whose names "
        "are the candidates. Intervals are over other images like these, of the same labels.",
    )


def images_of_label(space: Space, *, k: int = K, least: int = LEAST) -> LabelRetrieval:
    """Precision and recall of images as queries for others of their label.

    Args:
        space: labeled images; candidates are all others that have a label. A class is an image's
            only label, or its first where most have several.
        k: cutoff.
        least: images that share their label with another one.

    Raises:
        TooFew: fewer than two labels, or than `least` images.

    >>> rows = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
    >>> space = Space(rows, tuple("abcd"), 4, labels=(("x",), ("x",), ("y",), ("y",)))
    >>> found = images_of_label(space, k=1, least=4).scores
    >>> found["precision@1"].value, round(found["precision@1"].chance, 3)
    (1.0, 0.333)
    """
    given = classes(space, "image", least=1, most=space.n)
    codes, sizes, n = given.codes, given.sizes, len(given.rows)
    queries = np.flatnonzero(sizes[codes] > 1)
    if len(given.names) < 2 or len(queries) < least:
        what = "Finding images by label"
        if len(given.names) < 2:
            raise TooFew(what, 2, "labels", len(given.names), HINT)
        raise TooFew(what, least, "images that share a label", len(queries), HINT)
    if len(queries) > MAX_QUERIES:
        drawn = np.random.default_rng(0).choice(queries, MAX_QUERIES, replace=False)
        queries = np.sort(drawn)
    k = min(k, n - 1)
    listed = min(n - 1, SPARE * k)
    vectors = space.vectors[given.rows]
    found = top_k(vectors[queries], vectors, listed, exclude=queries)[0]
    same = codes[found] == codes[queries][:, None]
    others = (sizes[codes[queries]] - 1).astype(np.float64)
    fold = folds(np.arange(n))
    kept = fold[queries][:, None] != np.arange(fold.max() + 1)
    scores = {}
    for name, cutoff, of in (
        ("precision@1", 1, None), (f"precision@{k}", k, None), (f"recall@{k}", k, others)
    ):  # fmt: skip
        divisor = np.full(len(queries), float(cutoff)) if of is None else of
        values = same[:, :cutoff].sum(axis=1) / divisor
        without = _without(same, fold[found], cutoff, divisor, kept.shape[1])
        error = two_way_error(values, without, kept, queries)
        chance = cutoff / (n - 1) if of is not None else float(others.mean()) / (n - 1)
        scores[name] = _score(name, values, error, queries, chance)
    member = np.zeros((len(queries), len(given.names)), bool)
    member[np.arange(len(queries)), codes[queries]] = True
    precision = same[:, :k].sum(axis=1) / k
    return LabelRetrieval(
        scores,
        _by_label(given.names, member, precision, queries, f"precision@{k}", others / (n - 1)),
        n - 1,
        f"{len(queries):,} images as queries among the {n - 1:,} others with a label, "
        f"{given.rule}. Intervals are over other images like these, as queries and as candidates.",
    )


def _members(space: Space, names: Sequence[str]) -> tuple[Ints, Bools]:
    """Rows of images with one of the labels, and (n, K) which of them."""
    place = {name: i for i, name in enumerate(names)}
    of = [
        (row, place[label])
        for row in range(space.n_images if space.labels else 0)
        for label in space.labels[row]
        if label in place
    ]
    table = np.array(of, np.int64).reshape(-1, 2)
    rows = np.unique(table[:, 0])
    most = max(1, min(MAX_QUERIES, SCORE_BLOCK // max(1, len(names))))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        table = table[np.isin(table[:, 0], rows)]
    member = np.zeros((len(rows), len(names)), bool)
    member[np.searchsorted(rows, table[:, 0]), table[:, 1]] = True
    return rows, member


def _confusions(
    names: Sequence[str], rows: Ints, member: Bools, first: Ints, sure: Doubles
) -> tuple[Confusion, ...]:
    """Pairs of a label and the one it is taken for; of images with one label."""
    wrong = np.flatnonzero((member.sum(axis=1) == 1) & ~member[np.arange(len(rows)), first])
    true = member[wrong].argmax(axis=1)
    code = true * len(names) + first[wrong]
    order = np.lexsort((-sure[wrong], code))
    kinds, start, count = np.unique(code[order], return_index=True, return_counts=True)
    sizes = member.sum(axis=0)
    found = [
        (
            Confusion(
                names[c // len(names)], names[c % len(names)],
                tuple(rows[wrong[order[at : at + n]]].tolist()), int(sizes[c // len(names)]),
            ),
            float(sure[wrong[order[at]]]),
        )
        for c, at, n in zip(kinds.tolist(), start.tolist(), count.tolist(), strict=True)
    ]  # fmt: skip
    return tuple(c for c, s in sorted(found, key=lambda f: (-len(f[0].rows), -f[1])))


def _by_label(
    names: Sequence[str],
    member: Bools,
    values: Doubles,
    cluster: Ints,
    metric: str,
    chance: Doubles,
) -> tuple[LabelScore, ...]:
    """The mean of the values of each label's images, lowest first."""
    used = np.flatnonzero(member.any(axis=0))
    z = family_z(len(used))
    result = []
    for i in used.tolist():
        rows = member[:, i]
        value, images = float(values[rows].mean()), cluster[rows]
        count = len(np.unique(images))
        error = _clustered(values[rows], images) * few_images(count, z)
        low, high = share_interval(value, error, images, z)
        score = Score(metric, value, low, high, float(chance[rows].mean()), int(rows.sum()))
        result.append(LabelScore(names[i], score))
    return tuple(sorted(result, key=lambda s: (s.score.value, -s.score.n_queries, s.label)))


def _score(name: str, values: Doubles, error: float, cluster: Ints, chance: float) -> Score:
    value = float(values.mean())
    return Score(name, value, *share_interval(value, error, cluster), chance, len(values))


def _clustered(values: Doubles, cluster: Ints) -> float:
    """The clustered error; of a single cluster that of one draw."""
    if len(np.unique(cluster)) > 1:
        return clustered_error(values, cluster)
    return float(np.sqrt(values.mean() * (1 - values.mean())))


def _without(same: Bools, fold: Ints, k: int, divisor: Doubles, count: int) -> Doubles:
    """(q, folds) the score of each query without the candidates of each fold."""
    result = np.empty((len(same), count))
    for number in range(count):
        stays = fold != number
        counted = stays & (np.cumsum(stays, axis=1) <= k)
        result[:, number] = (same & counted).sum(axis=1) / divisor
    return result
