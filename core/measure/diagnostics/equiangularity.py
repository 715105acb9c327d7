from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.class_means import ClassMeans, cosines, space_class_means
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, format_value, histogram
from core.measure.verdicts import Advice, Threshold
from core.numerics.labels import HINT, Classes, labeled_classes
from core.numerics.nulls import welch_bound
from core.numerics.stats import Z
from core.registry import Range
from core.types import Doubles, Finding, Floats, Ints, Reference, Space

RIVALS = 20  # pairs of labels that may be the most alike, given what a sample leaves open
ROWS = 5000  # of a label, for the error of a cosine


@diagnostic(
    title="Equiangularity",
    family="Collapse",
    source="Shen, Sun, Wei. Equiangular Basis Vectors. CVPR 2023; Welch. Lower bounds on the "
    "maximum cross correlation of signals. IEEE Transactions on Information Theory 1974.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Cosines of all pairs of label centres, in size. Equiangular centres would all stand at "
    "the left end; those at 1 are labels that the space does not tell apart.",
    threshold=Threshold(
        "largest cosine of two label centres once their mean is taken out",
        good=0.6,
        bad=0.95,
        source="ours",
    ),
    advice=Advice(
        why="Labels whose centres are close are mistaken for each other; at equal angles they are "
        "as far apart as their number allows.",
        what="Merge labels that mean the same; else more items of the closest two. Check their "
        "recall on held-out items.",
    ),
)
def equiangularity(
    space: Space,
    *,
    least: Annotated[int, Range(2, 1000, "items a label needs to count")] = 5,
    most: Annotated[int, Range(2, 5000, "labels looked at, the largest first")] = 1000,
) -> tuple[Finding, ...]:
    """How near the two most alike labels lie, against the widest angles that their number allows.

    The largest |cosine| between two label centres as they are. N unit vectors in d dimensions
    cannot all be below the Welch bound sqrt((N - d) / (d (N - 1))), which is 0 up to N = d.
    Equiangular Basis Vectors are trained towards that bound; as it is about |cosine|, a simplex
    (-1 / (N - 1)) is not their optimum. Centres of a real space share their mean, so the sentence
    and the verdict add what is left once that is taken out.

    Args:
        space: two labels with `least` items of one kind; texts take their picture's label.
        least: labels with fewer items are left out.
        most: labels beyond the largest so many are left out.

    Returns:
        A finding each for the centres of images and of texts.
        curve: histogram of |cosine| over pairs of labels.

    Raises:
        TooFew: no two such labels, or one whose items cancel out.

    >>> rows = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    >>> labels = tuple((name,) for name in "aaaaabbbbbccccc")
    >>> equiangularity(Space(rows, tuple(map(str, range(15))), 15, labels=labels))[0].value
    0.0
    """
    told = [
        finding
        for given in labeled_classes(space, "Equiangularity", least=least, most=most)
        if (finding := _measure(space, given)) is not None
    ]
    if not told:
        raise TooFew("Equiangularity", 2, "labels whose items do not cancel out", 1, HINT)
    return tuple(told)


def _measure(space: Space, given: Classes) -> Finding | None:
    of = space_class_means(space, given)
    if (np.linalg.norm(of.means, axis=1) < 1e-6).any():
        return None
    count, kind = len(given.names), PLURAL[given.kind]
    sizes = np.abs(cosines(of.means))
    value, low, high, names = _largest(space, given, of, sizes)
    bound = welch_bound(count, space.d)
    return Finding(
        scope=given.kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(bound, "Welch bound, as many vectors in d dimensions"),
        yardstick=_left(of),
        sentence=(
            f"The centres of '{names[0]}' and '{names[1]}' are the most alike of {count:,} labels "
            f"of {kind}, at |cosine| {format_value(value, low, high)}; the best {count:,} "
            "directions in "
            f"{space.d} dimensions can do is {bound:.2g}. The mean over pairs is "
            f"{sizes.mean():.2f}. {_without_mean(of)}"
        ),
        sampled=(
            f"exact, all {len(given.rows):,} of {given.of:,} {kind} with a label that counts, "
            f"{given.rule}"
        ),
        curve=histogram(sizes, "|cosine| of two label centres", "pairs of labels"),
    )


def _largest(
    space: Space, given: Classes, of: ClassMeans, sizes: Doubles
) -> tuple[float, float, float, tuple[str, str]]:
    """The largest |cosine|, its interval over items, and the two labels.

    Another pair may really be the largest: the interval takes the ends of all that come near.
    """
    top = np.argsort(-sizes, kind="stable")[:RIVALS]
    first, second = (side[top] for side in np.triu_indices(len(given.names), 1))
    errors = np.array(
        [_error(space.vectors, given, of, i, j) for i, j in zip(first, second, strict=True)]
    )
    value = float(sizes[top[0]])
    low = min(value, max(0.0, float((sizes[top] - Z * errors).max())))
    high = max(value, min(1.0, float((sizes[top] + Z * errors).max())))
    return value, low, high, (given.names[first[0]], given.names[second[0]])


def _error(vectors: Floats, given: Classes, of: ClassMeans, i: int, j: int) -> float:
    """Standard error of the cosine of two centres, for other items of the same labels."""
    lengths = np.linalg.norm(of.means, axis=1)
    unit = of.means / lengths[:, None]
    cosine = float(unit[i] @ unit[j])
    total = 0.0
    for one, other in ((i, j), (j, i)):
        rows = _some(given.of_class(one))
        moved = vectors[rows] @ ((unit[other] - cosine * unit[one]) / lengths[one])
        total += float(moved.var(ddof=1)) / given.sizes[one]
    return float(np.sqrt(total))


def _some(rows: Ints) -> Ints:
    if len(rows) <= ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, ROWS, replace=False))


def _left(of: ClassMeans) -> float:
    """The largest cosine once the mean is out; two centres then lie opposite whatever they are."""
    return float(cosines(of.centred).max()) if len(of.sizes) > 2 else float("nan")


def _without_mean(of: ClassMeans) -> str:
    if len(of.sizes) < 3:
        return "Two centres lie opposite each other once their mean is taken out."
    even = -1 / (len(of.sizes) - 1)
    return (
        f"Once the mean of the centres is taken out the nearest two have cosine {_left(of):.2f}, "
        f"where a simplex has {even:.2g} for all."
    )
