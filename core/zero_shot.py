"""Labels for pictures without training: probabilities from prompts, and the label in their middle.

Among labels that lie in a tree or at distances from each other, the likeliest label is not always
the best answer: between "poodle" and "beagle" the answer "dog" is never far off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import BadParameter, InputError
from core.types import Doubles, Floats, Ints

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


def tree(lines: Sequence[str]) -> LabelTree:
    """Labels from lines such as "animal > dog > poodle"; a line without ">" is a plain label.

    All top nodes share one unnamed root, so that labels without groups are two steps apart. Empty
    lines are left out, repeated labels count once.

    Raises:
        InputError: no label, more than 5,000, a label in two groups, or one that is also a group.

    >>> tree(["animal > dog", "animal > cat", "car"]).squared.astype(int).tolist()[1:]
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


def flat(names: Sequence[str]) -> LabelTree:
    """Plain labels beside each other, whatever signs stand in their names.

    Raises:
        InputError: no label, or more than 5,000.

    >>> flat(["a > b", "c"]).names
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


def expected_squares(chances: Doubles, squared: Doubles) -> Doubles:
    """(n, y) expected squared distance of each possible answer to the true label.

    The answer with the least is the Fréchet mean of the chances: Loki. Where all distances between
    labels are the same it is the likeliest label.

    Args:
        chances: (n, k) chance of each label.
        squared: (y, k) squared distances from answers to labels.

    Source: Roberts, Li, Adila, Cromp, Huang, Zhao, Sala. Geometry-Aware Adaptation for Pretrained
    Models. NeurIPS 2023 (Loki).

    >>> line = np.square(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> expected_squares(np.array([[0.45, 0.10, 0.45]]), line).round(2).tolist()
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
