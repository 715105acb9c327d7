"""Labels for pictures without training: probabilities from prompts, and the label in their middle.

Among labels that lie in a tree or at distances from each other, the likeliest label is not always
the best answer: between "poodle" and "beagle" the answer "dog" is never far off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import BadParameter, InputError, TooFew
from core.numerics.labels import classes, split
from core.types import Doubles, Floats, Ints, Score, Space

STEP = ">"
SCALES = tuple(float(x) for x in np.geomspace(5, 300, 25))  # inverse temperatures that are tried
DEFAULT_SCALE = 100.0  # CLIP's own limit
MOST = 5_000


@dataclass(frozen=True)
class LabelTree:
    """Labels and the groups above them.

    `names` (y,) are all nodes, each by its own name; `parents` (y,) the node above, -1 at a root;
    `leaves` (k,) the nodes that are asked for with a prompt.
    """

    names: tuple[str, ...]
    parents: Ints
    leaves: Ints

    @cached_property
    def squared(self) -> Doubles:
        """(y, k) squared number of steps from each node to each leaf."""
        above = np.zeros((len(self.names), len(self.names)), bool)
        for node in range(len(self.names)):
            at = node
            while at >= 0:
                above[node, at] = True
                at = int(self.parents[at])
        depth = above.sum(axis=1)
        shared = above.astype(np.float32) @ above[self.leaves].astype(np.float32).T
        steps = depth[:, None] + depth[self.leaves] - 2 * shared
        return np.asarray(steps**2, np.float64)


def label_tree(lines: Sequence[str]) -> LabelTree:
    """Labels from lines such as "animal > dog > poodle"; a line without ">" is a plain label.

    All top nodes share one unnamed root, so that labels without groups are two steps apart. Empty
    lines are left out, repeated labels count once.

    Raises:
        InputError: no label, more than 5,000, a label in two groups, or one that is also a group.

    >>> label_tree(["animal > dog", "animal > cat", "car"]).squared.astype(int).tolist()[1:]
    [[1, 1, 4], [0, 4, 9], [4, 0, 9], [9, 9, 0]]
    """
    paths = dict.fromkeys(_path(line) for line in lines if line.strip())
    if not paths:
        raise InputError("There are no labels. Give one on each line.")
    if len(paths) > MOST:
        raise BadParameter("number of labels", len(paths), f"1 to {MOST:,}")
    at: dict[tuple[str, ...], int] = {(): 0}
    parents = [-1]
    for path in paths:
        for end in range(1, len(path) + 1):
            if path[:end] not in at:
                at[path[:end]] = len(at)
                parents.append(at[path[: end - 1]])
    leaves = [at[path] for path in paths]
    if set(leaves) & set(parents):
        both = next(path for path in paths if at[path] in parents)
        raise InputError(f"'{both[-1]}' is a label and a group of labels; give it one of the two.")
    names = tuple(path[-1] if path else "" for path in at)
    known = [names[leaf] for leaf in leaves]
    if len(set(known)) < len(known):
        twice = next(name for name in known if known.count(name) > 1)
        raise InputError(f"The label '{twice}' lies in two groups. Give each its own name.")
    return LabelTree(names, np.array(parents, np.int64), np.array(leaves, np.int64))


def flat_labels(names: Sequence[str]) -> LabelTree:
    """Plain labels beside each other, whatever signs stand in their names.

    Raises:
        InputError: no label, or more than 5,000.

    >>> flat_labels(["a > b", "c"]).names
    ('', 'a > b', 'c')
    """
    known = tuple(dict.fromkeys(names))
    if not known:
        raise InputError("There are no labels. Give one on each line.")
    if len(known) > MOST:
        raise BadParameter("number of labels", len(known), f"1 to {MOST:,}")
    parents = np.array([-1] + [0] * len(known), np.int64)
    return LabelTree(("", *known), parents, np.arange(1, len(known) + 1))


def probabilities(vectors: Floats, labels: Floats, scale: float = DEFAULT_SCALE) -> Doubles:
    """(n, k) chance of each label for each picture, from a softmax of `scale` times their cosines.

    >>> x = np.eye(2, dtype=np.float32)
    >>> probabilities(x[:1], x, scale=np.log(3)).round(2).tolist()
    [[0.75, 0.25]]
    """
    logits = scale * (vectors @ labels.T).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Doubles = odds / odds.sum(axis=1, keepdims=True)
    return result


def frechet_scores(chances: Doubles, squared: Doubles) -> Doubles:
    """(n, y) expected squared distance of each possible answer to the true label.

    The answer with the least is the Fréchet mean of the chances: Loki. Where all distances between
    labels are the same it is the likeliest label.

    Args:
        chances: (n, k) chance of each label.
        squared: (y, k) squared distances from answers to labels.

    Source: Roberts, Li, Adila, Cromp, Huang, Zhao, Sala. Geometry-Aware Adaptation for Pretrained
    Models. NeurIPS 2023 (Loki).

    >>> line = np.square(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> frechet_scores(np.array([[0.45, 0.10, 0.45]]), line).round(2).tolist()
    [[1.9, 0.9, 1.9]]
    """
    return np.asarray(chances @ squared.T, np.float64)


def text_distances(labels: Floats) -> Doubles:
    """(k, k) squared distances of the labels' own unit vectors: a metric when nobody gave a tree.

    >>> text_distances(np.eye(2, dtype=np.float32)).tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    result = 2.0 - 2.0 * (labels @ labels.T).astype(np.float64)
    np.fill_diagonal(result, 0.0)
    return np.maximum(result, 0.0)


def fit_scale(vectors: Floats, labels: Floats, truth: Ints) -> float:
    """The softmax scale under which the true labels are the least surprising.

    Args:
        vectors: (n, d) unit rows of pictures whose label is known; not those that are judged.
        labels: (k, d) unit rows of the labels.
        truth: (n,) label of each picture.
    """
    rows = np.arange(len(truth))
    losses = [
        -np.log(probabilities(vectors, labels, s)[rows, truth] + 1e-300).mean() for s in SCALES
    ]
    return SCALES[int(np.argmin(losses))]


def _path(line: str) -> tuple[str, ...]:
    path = tuple(part.strip() for part in line.split(STEP))
    if not all(path):
        raise InputError(f"'{line.strip()[:60]}' has an empty name beside a '{STEP}'.")
    return path


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


def label_set(nodes: LabelTree, vectors: Floats) -> LabelSet:
    """Labels with their vectors; distances are steps in the tree, or between texts if it is flat.

    Args:
        nodes: the labels and their groups.
        vectors: (k, d) unit rows, in the order of `nodes.leaves`.
    """
    names = tuple(nodes.names[i] for i in nodes.leaves)
    if len(nodes.names) == len(names) + 1:
        squared = text_distances(vectors)
        at = np.arange(len(names))
        return LabelSet(names, vectors, names, at, squared, "distances between the labels' texts")
    above = nodes.names[1:]  # the root has no name: it answers nothing
    return LabelSet(names, vectors, above, nodes.leaves - 1, nodes.squared[1:], "steps in the tree")


def rank_labels(labels: LabelSet, vector: Floats, *, k: int = 10, scale: float) -> LabelAnswer:
    """The labels that suit a picture best, by both rules.

    Args:
        labels: what can be answered.
        vector: (d,) unit vector of the picture.
        k: how many of each.
        scale: of the softmax; see `zero_shot.fit_scale`.
    """
    chances = probabilities(vector[None], labels.vectors, scale)
    squares = frechet_scores(chances, labels.squared)[0]
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


def score_labels(space: Space, labels: LabelSet) -> LabelScores:
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
    scale = fit_scale(space.vectors[rows[~held]], labels.vectors, truth[~held])
    truth = truth[held]
    chances = probabilities(space.vectors[rows[held]], labels.vectors, scale)
    middle = frechet_scores(chances, labels.squared).argmin(axis=1)
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
