from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.class_means import (
    LABELS_SHOW,
    LEAST_GROUPS,
    ClassMeans,
    cosines,
    labels_p,
    sampled_groups,
    space_class_means,
)
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, histogram, quoted
from core.measure.verdicts import Advice, Threshold
from core.numerics.labels import HINT, Classes, labeled_classes
from core.numerics.nulls import welch_bound
from core.numerics.sampling import groups
from core.numerics.stats import Z, clustered_error
from core.registry import Range
from core.types import Doubles, Finding, Floats, Ints, Reference, Space

TOP = 20  # most similar pairs of labels, of which any may be the first in another sample


@diagnostic(
    title="Equiangularity",
    concern="Two labels lie close together",
    family="Collapse",
    source="Shen, Sun, Wei. Equiangular Basis Vectors. CVPR 2023; Welch. Lower bounds on the "
    "maximum cross correlation of signals. IEEE Transactions on Information Theory 1974.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="|Cosine| of all pairs of label centers. Equiangular centers would all be at the left "
    "end; pairs at 1 are labels that the space does not separate.",
    over="labeled images like these, with their captions",
    threshold=Threshold(
        "largest cosine of two label centers after their mean is subtracted",
        good=0.6,
        bad=0.95,
        source="ours",
    ),
    advice=Advice(
        why="Labels with close centers are confused; at equal angles they are as far apart as "
        "their number allows.",
        what="Merge labels that mean the same; else collect more items of the closest two. Check "
        "their recall on held-out items.",
    ),
)
def equiangularity(
    space: Space,
    *,
    least: Annotated[int, Range(2, 1000, "items a label needs to count")] = 5,
    most: Annotated[int, Range(2, 5000, "labels measured, the largest first")] = 1000,
) -> tuple[Finding, ...]:
    """Largest |cosine| between two label centers, against the Welch bound.

    N unit vectors in d dimensions cannot all be below the Welch bound sqrt((N - d) / (d (N - 1))),
    which is 0 up to N = d. Equiangular Basis Vectors are trained towards that bound; as it is about
    |cosine|, a simplex (-1 / (N - 1)) is not their optimum. Centers of a real space share their
    mean, so the verdict is on the largest cosine after that mean is subtracted; the detail gives
    it.

    Args:
        space: two labels with `least` items of one kind; texts take their image's label.
        least: labels with fewer items are excluded.
        most: smaller labels beyond this number are excluded.

    Returns:
        A finding each for the centers of images and of texts. The interval is over images (with
        their captions); none below 50 images. No verdict where labels do not show in the vectors.
        curve: histogram of |cosine| over pairs of labels.

    Raises:
        TooFew: no two such labels, or one whose items cancel out.

    >>> rows = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    >>> labels = tuple((name,) for name in "aaaaabbbbbccccc")
    >>> equiangularity(Space(rows, tuple(map(str, range(15))), 15, labels=labels))[0].value
    0.0
    """
    measured = [
        finding
        for given in labeled_classes(space, "Equiangularity", least=least, most=most)
        if (finding := _measure(space, given)) is not None
    ]
    if not measured:
        raise TooFew("Equiangularity", 2, "labels whose items do not cancel out", 1, HINT)
    return tuple(measured)


def _measure(space: Space, given: Classes) -> Finding | None:
    of = space_class_means(space, given)
    if (np.linalg.norm(of.means, axis=1) < 1e-6).any():
        return None
    kind = PLURAL[given.kind]
    sizes = np.abs(cosines(of.means))
    value, low, high, names = _largest(space, given, of, sizes)
    bound = welch_bound(len(given.names), space.d)
    matter = labels_p(space, given.kind, given.names) <= LABELS_SHOW
    return Finding(
        scope=given.kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(bound, "Welch bound, as many vectors in d dimensions"),
        yardstick=_left(of) if matter else np.nan,
        sentence=(
            f"The largest |cosine| of two label centers of {kind} is {estimate(value, low, high)}, "
            f"against a Welch bound of {format_value(bound)}. "
            + (
                f"{quoted(names[0])} and {quoted(names[1])} are the most easily confused."
                if matter
                else "These labels do not show in the vectors, so there is no verdict."
            )
        ),
        detail=(
            f"Mean over all pairs of {count(len(given.names), 'label')}: "
            f"{format_value(float(sizes.mean()))}. {_without_mean(of)}"
        ),
        sampled=(
            f"exact, all {len(given.rows):,} of {given.of:,} {kind} with a label that counts, "
            f"{given.rule}"
        ),
        curve=histogram(sizes, "|cosine| of two label centers", "pairs of labels"),
    )


def _largest(
    space: Space, given: Classes, of: ClassMeans, sizes: Doubles
) -> tuple[float, float, float, tuple[str, str]]:
    """The largest |cosine|, its interval over items, and the two labels.

    Another pair may be the largest in truth: the interval spans the ends of the top pairs.
    """
    top = np.argsort(-sizes, kind="stable")[:TOP]
    first, second = (side[top] for side in np.triu_indices(len(given.names), 1))
    linked = groups(space)
    value, named = float(sizes[top[0]]), (given.names[first[0]], given.names[second[0]])
    if len(np.unique(linked[given.rows])) < LEAST_GROUPS:
        return value, np.nan, np.nan, named
    errors = np.array(
        [_error(space.vectors, given, of, linked, i, j) for i, j in zip(first, second, strict=True)]
    )
    low = min(value, max(0.0, float((sizes[top] - Z * errors).max())))
    high = max(value, min(1.0, float((sizes[top] + Z * errors).max())))
    return value, low, high, named


def _error(vectors: Floats, given: Classes, of: ClassMeans, linked: Ints, i: int, j: int) -> float:
    """Standard error of the cosine of two centers, over groups of items of their labels."""
    lengths = np.linalg.norm(of.means, axis=1)
    unit = of.means / lengths[:, None]
    cosine = float(unit[i] @ unit[j])
    total = 0.0
    for one, other in ((i, j), (j, i)):
        rows = given.of_class(one)
        rows = rows[sampled_groups(linked[rows])]
        moved = vectors[rows] @ ((unit[other] - cosine * unit[one]) / lengths[one])
        if len(np.unique(linked[rows])) < 2:  # one image: nothing to compare
            return float("inf")
        error = clustered_error(moved.astype(np.float64), linked[rows])
        total += error**2 * len(rows) / int(given.sizes[one])
    return float(np.sqrt(total))


def _left(of: ClassMeans) -> float:
    """The largest cosine after centering; two centers are then always opposite."""
    return float(cosines(of.centered).max()) if len(of.sizes) > 2 else float("nan")


def _without_mean(of: ClassMeans) -> str:
    if len(of.sizes) < 3:
        return "Two centers are always opposite after centering."
    even = -1 / (len(of.sizes) - 1)
    return (
        f"After centering the largest cosine is {format_value(_left(of))}; a simplex has "
        f"{format_value(even)}."
    )
