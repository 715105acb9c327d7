from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import InputError, TooFew
from core.improve.repairs import BLOCK, FittedRepair, affine, repair
from core.improve.within import within_eigen
from core.numerics.labels import HINT, Classes, class_sums, classes
from core.numerics.spectra import projections
from core.numerics.subspaces import fisher_of, top_fisher_mask
from core.registry import Range
from core.types import KINDS, Doubles, Floats, Ints, Space

LEAST = 2  # images of a label
MOST = 64  # labels whose pairs are averaged


@repair(
    title="Keep the directions of classes (Hydra gates)",
    family="Labels",
    source="Wu et al. Rethinking Positive Pairs in Contrastive Learning (Hydra, SimLAP). 2024.",
)
def class_gates(
    train: Space,
    *,
    first: Annotated[int, Range(0, 10_000, "place of a label by its images; 0: all pairs")] = 0,
    second: Annotated[int, Range(0, 10_000, "place of the other label; 0: all pairs")] = 0,
    keep: Annotated[int, Range(0, 8192, "directions to keep, best first; 0 weighs them all")] = 0,
    strength: Annotated[float, Range(0.0, 1.0, "of the gate; 0 is none")] = 0.2,
) -> FittedRepair:
    """Weighs principal directions by how well they tell a pair of classes from all others.

    The gate of a pair is the logistic function of each direction's standardized Fisher score, both
    classes against the rest; the paper trains it. A query has no label, so that one gate is for all
    rows: that of a chosen pair, to search among its classes, or the mean over the pairs of the 64
    most frequent labels. It is for search within classes: what separates items of one class
    counts less, so that retrieval over all items may lose. Cost n d^2 + d^3 to fit, d^2 a query.

    Args:
        train: (n, d) rows to fit on, of both kinds, with labels of images.
        first: 1 is the label of most images; the same as `second` for one class.
        second: see `first`.
        keep: 64 in frozen use; directions with a score of 0 are never kept.
        strength: 1 is the gate alone.

    Raises:
        TooFew: fewer labels with two images than the places named, or than two.
        InputError: one place without the other, or no direction separates the classes.

    >>> rows = np.array([[0.6, 0.8], [0.8, 0.6], [0.6, -0.8], [0.8, -0.6], [1, 0]], np.float32)
    >>> space = Space(rows, tuple("abcde"), 4, labels=(("x",),) * 2 + (("y",),) * 2 + ((),))
    >>> gate = class_gates(space, first=1, second=1, keep=1, strength=1.0).rows["image"].matrix
    >>> gate.round(3).tolist()  # the second dimension separates x from y
    [[0.0, 0.0], [0.0, 1.0]]
    """
    if bool(first) != bool(second):
        raise InputError(
            f"first is {first} and second is {second}: a pair of labels has two places. Give both, "
            "equal ones for one label, or 0 twice for all pairs."
        )
    labeled = classes(train, "image", least=LEAST)
    needed = max(2, first, second)
    if len(labeled.names) < needed:
        found = len(labeled.names)
        hint = f"Choose places up to {found}." if found > 1 else HINT
        raise TooFew("Class gates", needed, "labels with two images to fit on", found, hint)
    directions = within_eigen(train)[1]
    sizes = labeled.sizes.astype(np.float64)
    by_size = np.argsort(-sizes, kind="stable")
    sums, squares = _sums(train.vectors, labeled, directions)
    scores = _scores(sums, squares, sizes, _pairs(by_size, first, second))
    if not (scores > 0).any():
        raise InputError(
            "No direction separates these classes. Choose other labels, or none at all."
        )
    gate = top_fisher_mask(scores.mean(axis=0), keep) if keep else _soft(scores).mean(axis=0)
    weights = 1 - strength + strength * gate
    matrix = (directions * weights) @ directions.T
    return FittedRepair({kind: affine(np.zeros(train.d), matrix) for kind in KINDS})


def _pairs(by_size: Ints, first: int, second: int) -> Ints:
    """(p, 2) classes: the chosen pair, or all pairs of the largest, each with itself too."""
    if first and second:
        return by_size[[[first - 1, second - 1]]]
    largest = by_size[:MOST]
    return np.column_stack([largest[side] for side in np.triu_indices(len(largest))])


def _sums(vectors: Floats, labeled: Classes, directions: Doubles) -> tuple[Doubles, Doubles]:
    """(K, d) sums along the directions of the rows of each class, and of their squares."""
    sums = class_sums(vectors, labeled)[0] @ directions
    squares, codes = np.zeros_like(sums), labeled.codes
    for start in range(0, len(codes), BLOCK):
        part = slice(start, start + BLOCK)
        along = projections(vectors[labeled.rows[part]], directions)
        first = np.flatnonzero(np.diff(codes[part], prepend=-1))
        squares[codes[part][first]] += np.add.reduceat(along**2, first, axis=0)
    return sums, squares


def _scores(sums: Doubles, squares: Doubles, sizes: Doubles, pairs: Ints) -> Doubles:
    """(p, d) Fisher scores of the rows of two classes against those of all others.

    A pair that leaves no other rows scores 0.
    """
    one, other = pairs.T
    twice = (one != other)[:, None]

    def of_pair(each: Doubles) -> Doubles:
        return each[one] + np.where(twice, each[other], 0.0)

    count = of_pair(sizes[:, None])
    rest = sizes.sum() - count
    inside, outside = (
        _moments(of_pair(sums), of_pair(squares), count),
        _moments(sums.sum(axis=0) - of_pair(sums), squares.sum(axis=0) - of_pair(squares), rest),
    )
    return np.where(rest > 0, fisher_of(*inside, *outside), 0.0)


def _moments(sums: Doubles, squares: Doubles, count: Doubles) -> tuple[Doubles, Doubles]:
    """Means and variances (p, d)."""
    means = sums / np.maximum(count, 1)
    return means, np.maximum(squares / np.maximum(count, 1) - means**2, 0.0)


def _soft(scores: Doubles) -> Doubles:
    """(p, d) logistic function of the scores, standardized over directions."""
    spread = scores.std(axis=1, keepdims=True)
    standard = (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    return np.asarray(1 / (1 + np.exp(-standard)))
