"""Which labels suit a picture: the likeliest, and the one in the middle of what is likely.

The softmax scale is fitted on half of the collection's labelled pictures where there are enough,
and both rules are judged on the other half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core import zero_shot
from core.errors import TooFew
from core.labels import classes, split
from core.types import Doubles, Floats, Ints, Score, Space

LEAST = 20  # labelled pictures in each half
RESAMPLES = 1000


@dataclass(frozen=True)
class LabelSet:
    """Labels with a vector each, and what can be answered.

    `names` (k,) the labels; `vectors` (k, d) unit rows of their prompts; `answers` (y,) labels and
    groups, `at` (k,) the labels' places among them; `squared` (y, k) squared distances from answers
    to labels; `rule` says which distances.
    """

    names: tuple[str, ...]
    vectors: Floats
    answers: tuple[str, ...]
    at: Ints
    squared: Doubles
    rule: str


@dataclass(frozen=True, slots=True)
class LabelHit:
    """A label with its chance, or an answer with the expected squared distance to the truth."""

    label: str
    value: float


@dataclass(frozen=True)
class LabelAnswer:
    """`likeliest` labels by chance, `middle` answers by expected squared distance, least first."""

    likeliest: tuple[LabelHit, ...]
    middle: tuple[LabelHit, ...]
    scale: float
    sentence: str


@dataclass(frozen=True)
class LabelScores:
    """Accuracy and mean squared distance of both rules on pictures that fitted nothing."""

    scores: Mapping[str, Score]
    scale: float
    sentence: str


def label_set(nodes: zero_shot.LabelTree, vectors: Floats) -> LabelSet:
    """Labels with their vectors; distances are steps in the tree, or between texts if it is flat.

    Args:
        nodes: the labels and their groups.
        vectors: (k, d) unit rows, in the order of `nodes.leaves`.
    """
    names = tuple(nodes.names[i] for i in nodes.leaves)
    if len(nodes.names) == len(names) + 1:
        squared = zero_shot.text_distances(vectors)
        at = np.arange(len(names))
        return LabelSet(names, vectors, names, at, squared, "distances between the labels' texts")
    above = nodes.names[1:]  # the root has no name: it answers nothing
    return LabelSet(names, vectors, above, nodes.leaves - 1, nodes.squared[1:], "steps in the tree")


def rank(labels: LabelSet, vector: Floats, *, k: int = 10, scale: float) -> LabelAnswer:
    """The labels that suit a picture best, by both rules.

    Args:
        labels: what can be answered.
        vector: (d,) unit vector of the picture.
        k: how many of each.
        scale: of the softmax; see `zero_shot.fit_scale`.
    """
    chances = zero_shot.probabilities(vector[None], labels.vectors, scale)
    squares = zero_shot.expected_squares(chances, labels.squared)[0]
    likeliest = np.argsort(-chances[0], kind="stable")[:k]
    middle = np.argsort(squares, kind="stable")[:k]
    best, answer = labels.names[likeliest[0]], labels.answers[middle[0]]
    agree = (
        "which is also the answer nearest to everything likely"
        if best == answer
        else f"but '{answer}' is nearest to everything that is likely"
    )
    return LabelAnswer(
        tuple(LabelHit(labels.names[i], float(chances[0, i])) for i in likeliest),
        tuple(LabelHit(labels.answers[i], float(squares[i])) for i in middle),
        scale,
        f"The likeliest of {len(labels.names):,} labels is '{best}' ({chances[0].max():.0%}), "
        f"{agree} ({labels.rule}).",
    )


def judge(space: Space, labels: LabelSet) -> LabelScores:
    """Both rules on the collection's labelled pictures.

    Half of each label's pictures fits the softmax scale, the other half is judged. Scores:
    "accuracy" and "squared_distance" of the likeliest label, "middle_accuracy" and
    "middle_squared_distance" of the answer with the least expected squared distance; chance is a
    label drawn at random.

    Raises:
        TooFew: fewer than 20 pictures in a half carry exactly one of the labels.
    """
    rows, truth, held = _labelled(space, labels)
    if min((~held).sum(), held.sum()) < LEAST:
        raise TooFew(
            "Judging labels", 2 * LEAST, "pictures with one of the labels", len(rows),
            "Add a column 'label' when ingesting.",
        )  # fmt: skip
    scale = zero_shot.fit_scale(space.vectors[rows[~held]], labels.vectors, truth[~held])
    truth = truth[held]
    chances = zero_shot.probabilities(space.vectors[rows[held]], labels.vectors, scale)
    middle = zero_shot.expected_squares(chances, labels.squared).argmin(axis=1)
    scores: dict[str, Score] = {}
    for prefix, given in (("", labels.at[chances.argmax(axis=1)]), ("middle_", middle)):
        right = (given == labels.at[truth]).astype(np.float64)
        guess = labels.squared[labels.at][:, truth].mean()
        scores[f"{prefix}accuracy"] = _mean(f"{prefix}accuracy", right, 1 / len(labels.names))
        name = f"{prefix}squared_distance"
        scores[name] = _mean(name, labels.squared[given, truth], float(guess))
    return LabelScores(
        scores,
        scale,
        f"Judged on {len(truth):,} pictures, one half of those with one of the "
        f"{len(labels.names):,} labels; the softmax scale {scale:.0f} comes from the other half. "
        f"How far apart labels are: {labels.rule}.",
    )


def _labelled(space: Space, labels: LabelSet) -> tuple[Ints, Ints, np.typing.NDArray[np.bool_]]:
    """Rows of pictures with one of the labels, which label, and whether they are held out."""
    found = classes(space, "image", least=2)
    place = {name: i for i, name in enumerate(labels.names)}
    code = np.array([place.get(name, -1) for name in found.names], np.int64)[found.codes]
    held = split(found)
    inside = code >= 0
    return found.rows[inside], code[inside], held[inside]


def _mean(metric: str, values: Doubles, chance: float) -> Score:
    n = len(values)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    low, high = np.quantile(weights @ values / n, [0.025, 0.975])
    value = float(values.mean())
    return Score(metric, value, min(float(low), value), max(float(high), value), chance, n)
