"""Zero-shot labels: softmax probabilities from prompts, and their Fréchet mean over a label tree.

Where labels form a tree, or lie at known distances, the most probable label is not always the best
prediction: between "poodle" and "beagle" the group "dog" is never far off.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from core.errors import BadParameter, InputError, TooFew
from core.numerics.labels import HINT, classes, split
from core.numerics.stats import clustered_error, share_interval
from core.types import Bools, Doubles, Floats, Ints, Score, Space

L = TypeVar("L", bound=Hashable)

STEP = ">"
SCALES = tuple(float(x) for x in np.geomspace(5, 300, 25))  # softmax scales that are tried
DEFAULT_SCALE = 100.0  # CLIP's upper limit
MOST = 5_000  # labels
LEAST = 20  # labeled images in each half


@dataclass(frozen=True)
class LabelTree:
    """Labels and the groups above them.

    Args:
        names: (y,) of all nodes, without those above.
        parents: (y,) the node above each, -1 for the root.
        leaves: (k,) the nodes that are labels.
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


@dataclass(frozen=True)
class LabelSet:
    """Labels with a vector each, and the nodes that can be predicted.

    Args:
        names: (k,) the labels; `vectors` (k, d) are unit rows of their prompts.
        nodes: (y,) labels and groups; `leaves` (k,) are the places of the labels among them.
        squared: (y, k) squared distances from nodes to labels.
        distance: which distances, as words.
    """

    names: tuple[str, ...]
    vectors: Floats
    nodes: tuple[str, ...]
    leaves: Ints
    squared: Doubles
    distance: str


@dataclass(frozen=True, slots=True)
class LabelHit:
    """A label with its probability, or a node with its expected squared distance to the label."""

    label: str
    value: float


@dataclass(frozen=True)
class LabelRanking:
    """Labels of one image, most probable first, and nodes by expected squared distance.

    The first of `frechet` is the Fréchet mean of the probabilities among the nodes.
    """

    likeliest: tuple[LabelHit, ...]
    frechet: tuple[LabelHit, ...]
    scale: float
    sentence: str


@dataclass(frozen=True)
class LabelScores:
    """Accuracy and mean squared distance of both predictions, on held-out images."""

    scores: Mapping[str, Score]
    scale: float
    sentence: str


def label_tree(lines: Sequence[str]) -> LabelTree:
    """Labels from lines such as "animal > dog > poodle"; a line without ">" is a plain label.

    All top nodes share one unnamed root, so that labels without groups are two steps apart. Empty
    lines are ignored, repeated labels count once.

    Raises:
        InputError: no label, more than 5,000, a label in two groups, or one that is also a group.

    >>> label_tree(["animal > dog", "animal > cat", "car"]).squared.astype(int).tolist()[1:]
    [[1, 1, 4], [0, 4, 9], [4, 0, 9], [9, 9, 0]]
    """
    paths = _unique(_path(line) for line in lines if line.strip())
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
    """Labels without groups, whatever characters their names contain.

    Raises:
        InputError: no label, or more than 5,000.

    >>> flat_labels(["a > b", "c"]).names
    ('', 'a > b', 'c')
    """
    known = _unique(names)
    parents = np.array([-1] + [0] * len(known), np.int64)
    return LabelTree(("", *known), parents, np.arange(1, len(known) + 1))


def label_set(tree: LabelTree, vectors: Floats) -> LabelSet:
    """Labels with their vectors; distances are steps in the tree, or between texts if it is flat.

    Args:
        tree: the labels and their groups.
        vectors: (k, d) unit rows, in the order of `tree.leaves`.
    """
    names = tuple(tree.names[i] for i in tree.leaves)
    if len(tree.names) == len(names) + 1:
        squared, places = text_distances(vectors), np.arange(len(names))
        return LabelSet(names, vectors, names, places, squared, "between the labels' texts")
    nodes = tree.names[1:]  # the unnamed root is no prediction
    return LabelSet(names, vectors, nodes, tree.leaves - 1, tree.squared[1:], "steps in the tree")


def rank_labels(labels: LabelSet, vector: Floats, *, k: int = 10, scale: float) -> LabelRanking:
    """The labels of one image, by probability and by expected squared distance.

    Args:
        labels: the labels.
        vector: (d,) unit vector of the image.
        k: how many of each, 1 or more.
        scale: of the softmax; see `fit_scale`.

    Raises:
        BadParameter: `k` is below 1.
    """
    if k < 1:
        raise BadParameter("k", k, "1 or more")
    chances = probabilities(vector[None], labels.vectors, scale)
    squares = frechet_scores(chances, labels.squared)[0]
    likeliest = np.argsort(-chances[0], kind="stable")[:k]
    frechet = np.argsort(squares, kind="stable")[:k]
    best, mean = labels.names[likeliest[0]], labels.nodes[frechet[0]]
    other = "the same" if mean == best else f"'{mean}'"
    return LabelRanking(
        tuple(LabelHit(labels.names[i], float(chances[0, i])) for i in likeliest),
        tuple(LabelHit(labels.nodes[i], float(squares[i])) for i in frechet),
        scale,
        f"The most probable of {len(labels.names):,} labels is '{best}' ({chances[0].max():.0%}); "
        f"the Fréchet mean is {other} (distance: {labels.distance}).",
    )


def score_labels(space: Space, labels: LabelSet) -> LabelScores:
    """Both predictions on the collection's labeled images.

    The softmax scale is fitted on half of each label's images, the other half is evaluated; a label
    of a single image has no other half, and is a candidate only. Scores:
    "accuracy" and "squared_distance" of the most probable label, "frechet_accuracy" and
    "frechet_squared_distance" of the Fréchet mean; chance is a label drawn at random.

    Raises:
        TooFew: fewer than 20 images in a half share one of the labels with another image.
    """
    rows, truth, held_out, rule = _labeled(space, labels)
    if min((~held_out).sum(), held_out.sum()) < LEAST:
        needed = "images that share one of the labels"
        raise TooFew("Zero-shot accuracy", 2 * LEAST, needed, len(rows), HINT)
    scale = fit_scale(space.vectors[rows[~held_out]], labels.vectors, truth[~held_out])
    truth = truth[held_out]
    chances = probabilities(space.vectors[rows[held_out]], labels.vectors, scale)
    frechet = frechet_scores(chances, labels.squared).argmin(axis=1)
    guess = float(labels.squared[labels.leaves][:, truth].mean())
    farthest = float(labels.squared.max()) or 1.0  # a single label is at no distance
    scores: dict[str, Score] = {}
    for prefix, nodes in (("", labels.leaves[chances.argmax(axis=1)]), ("frechet_", frechet)):
        right = (nodes == labels.leaves[truth]).astype(np.float64)
        name = f"{prefix}accuracy"
        scores[name] = _mean(name, right, 1.0, 1 / len(labels.names))
        name = f"{prefix}squared_distance"
        scores[name] = _mean(name, labels.squared[nodes, truth], farthest, guess)
    evaluated = len(np.unique(truth))
    return LabelScores(
        scores,
        scale,
        f"Evaluated on {len(truth):,} images, half of those of {_counted(evaluated)}, {rule}; "
        f"the softmax scale {scale:.0f} is fitted on the other half. Distance: {labels.distance}."
        + _left_out(len(labels.names) - evaluated),
    )


def probabilities(vectors: Floats, labels: Floats, scale: float = DEFAULT_SCALE) -> Doubles:
    """(n, k) probability of each label for each image: softmax of `scale` times their cosines.

    >>> x = np.eye(2, dtype=np.float32)
    >>> probabilities(x[:1], x, scale=np.log(3)).round(2).tolist()
    [[0.75, 0.25]]
    """
    from scipy.special import softmax

    return np.asarray(softmax(scale * (vectors @ labels.T).astype(np.float64), axis=1))


def frechet_scores(probabilities: Doubles, squared: Doubles) -> Doubles:
    """(n, y) expected squared distance of each node to the true label.

    The node with the least is the Fréchet mean of the probabilities (Loki). Where all distances
    between labels are equal it is the most probable label.

    Args:
        probabilities: (n, k) of the labels.
        squared: (y, k) squared distances from nodes to labels.

    Source: Roberts, Li, Adila, Cromp, Huang, Zhao, Sala. Geometry-Aware Adaptation for Pretrained
    Models. NeurIPS 2023 (Loki).

    >>> line = np.square(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> frechet_scores(np.array([[0.45, 0.10, 0.45]]), line).round(2).tolist()
    [[1.9, 0.9, 1.9]]
    """
    return np.asarray(probabilities @ squared.T, np.float64)


def text_distances(labels: Floats) -> Doubles:
    """(k, k) squared distances between the labels' unit vectors, for labels without a tree.

    >>> text_distances(np.eye(2, dtype=np.float32)).tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    result = 2.0 - 2.0 * (labels @ labels.T).astype(np.float64)
    np.fill_diagonal(result, 0.0)
    return np.maximum(result, 0.0)


def fit_scale(vectors: Floats, labels: Floats, truth: Ints) -> float:
    """The softmax scale with the lowest cross-entropy of the true labels.

    Args:
        vectors: (n, d) unit rows of images whose label is known, none of them evaluated later.
        labels: (k, d) unit rows of the labels.
        truth: (n,) label of each image.
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


def _unique(labels: Iterable[L]) -> tuple[L, ...]:
    """Labels without repeats, where there are neither none nor too many."""
    known = tuple(dict.fromkeys(labels))
    if not known:
        raise InputError("There are no labels. Give one on each line.")
    if len(known) > MOST:
        raise BadParameter("number of labels", len(known), f"1 to {MOST:,}")
    return known


def _counted(n: int) -> str:
    return f"{n:,} label{'s' * (n != 1)}"


def _left_out(n: int) -> str:
    """A sentence on labels without an image in each half, if there are any."""
    if not n:
        return ""
    are, them = ("is", "it") if n == 1 else ("are", "them")
    return f" {_counted(n)} {are} not evaluated: fewer than two images have {them}."


def _labeled(space: Space, labels: LabelSet) -> tuple[Ints, Ints, Bools, str]:
    """Rows of images with one of the labels, which, whether held out, and the rule for which."""
    codes = classes(space, "image", least=2, most=space.n)
    place = {name: i for i, name in enumerate(labels.names)}
    label = np.array([place.get(name, -1) for name in codes.names], np.int64)[codes.codes]
    known = label >= 0
    return codes.rows[known], label[known], split(codes)[known], codes.rule


def _mean(metric: str, values: Doubles, most: float, chance: float) -> Score:
    """The mean of numbers from 0 to `most`, with its 95% interval over images."""
    value, images = float(values.mean()), np.arange(len(values))
    error = clustered_error(values, images)
    low, high = share_interval(value / most, error / most, images)
    low, high = min(low * most, value), max(high * most, value)  # but for rounding as they are
    return Score(metric, value, low, high, chance, len(values))
