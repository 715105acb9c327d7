from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.class_means import (
    LABELS_SHOW,
    ClassMeans,
    agreement,
    cdnv,
    class_means,
    duality_error,
    free_lengths,
    labels_p,
    orthogonal_error,
    simplex_error,
    slope,
    space_class_means,
    within,
)
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, per_item, quoted, share
from core.measure.verdicts import Advice, Threshold
from core.numerics.labels import HINT, Classes, labeled_classes, prototypes
from core.numerics.sampling import groups
from core.numerics.stats import Z, normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Reference, Space

SHUFFLED_ROWS = 20_000  # of the null: NC1 of shuffled labels grows with the class sizes
NC4_ROWS = 5000


@diagnostic(
    title="Neural collapse",
    concern="Images of a label are indistinguishable",
    family="Collapse",
    source="Papyan, Han, Donoho. Prevalence of Neural Collapse during the terminal phase of deep "
    "learning training. PNAS 2020; Galanti, György, Hutter. On the Role of Neural Collapse in "
    "Transfer Learning. ICLR 2022 (CDNV).",
    better="none",
    bounds=(0.0, np.inf),
    invariant=("rotation", "order"),
    aid="Norm of each label's center against its number of items. A slope means that frequent and "
    "rare labels are treated differently.",
    over="labeled images like these, with their captions",
    threshold=Threshold(
        "variance of the tightest label as a share of all items'", good=0.2, bad=0.05, source="ours"
    ),
    advice=Advice(
        why="Where all items of a label coincide, search finds the label and nothing finer.",
        what="An earlier layer or a more general encoder; keep it if recall within a label rises.",
    ),
    per_item=True,
)
def neural_collapse(
    space: Space,
    *,
    least: Annotated[int, Range(2, 1000, "items a label needs to count")] = 5,
    most: Annotated[int, Range(2, 10_000, "labels measured, the largest first")] = 1000,
) -> tuple[Finding, ...]:
    """NC1 to NC4: within-class variability, and the geometry of the label centers.

    NC1, trace(Sw pinv(Sb)) / K: the within-class over the between-class covariance. 0 when each
    label is a point, so that its items cannot be distinguished; at the reference labels have no
    structure at all. Sb is taken around the mean of the K centers. NC2 is the distance of the
    centers from a simplex (0 to 1.41; from orthogonality as well), NC3 that of the texts' centers
    from them, NC4 how often the nearest text and the nearest center have the same label; CDNV is
    the within-class variance of two labels over the squared distance of their centers.

    Args:
        space: two labels with `least` items of one kind. An item has its only label, or
            the first where most have several; texts take their image's.
        least: labels with fewer items are excluded.
        most: smaller labels beyond this number are excluded.

    Returns:
        A finding each for images and texts. The interval is over images (with their captions); none
        below 50 images. The verdict is on the smallest within-label variance, where the labels
        show in the vectors at all.
        per_item: squared distance to the center of its label.
        curve: norm of the centers by size of the label.

    Raises:
        TooFew: no two such labels, or all have the same center.

    >>> rows = np.array([[.8, .6], [.8, -.6], [-.8, .6], [-.8, -.6]], np.float32)
    >>> two = Space(rows, ("a", "b", "c", "d"), 4, labels=(("x",), ("x",), ("y",), ("y",)))
    >>> neural_collapse(two, least=2)[0].value  # no variance along the line between the centers
    0.0
    """
    measured = [
        finding
        for given in labeled_classes(space, "Neural collapse", least=least, most=most)
        if (finding := _measure(space, given)) is not None
    ]
    if not measured:
        raise TooFew("Neural collapse", 2, "labels whose centers differ", 1, HINT)
    return tuple(measured)


def _measure(space: Space, given: Classes) -> Finding | None:
    of = space_class_means(space, given)
    if not of.whitening.size:
        return None
    linked = groups(space)[given.rows]
    inside = within(space.vectors, given, of, linked)
    low, high = normal(inside.nc1, inside.error, 0.0)
    null = _shuffled(space, given)
    tight, least = _tightest(given, of)
    matter = labels_p(space, given.kind, given.names) <= LABELS_SHOW
    lengths = np.linalg.norm(of.means, axis=1)
    kind = PLURAL[given.kind]
    return Finding(
        scope=given.kind,
        value=inside.nc1,
        low=low,
        high=high,
        reference=Reference(null, "shuffled labels"),
        yardstick=least if matter else np.nan,
        sentence=(
            f"NC1 (within- over between-class covariance) of the {kind} is "
            f"{estimate(inside.nc1, low, high)}, against {format_value(null)} for shuffled labels. "
            + (
                f"Items of the tightest label, {quoted(tight)}, have {share(least)} of the total "
                "variance."
                if matter
                else "These labels do not show in the vectors, so there is no verdict."
            )
        ),
        detail=(
            f"{count(len(given.names), 'label')}. "
            f"{_centers(of)} {_lengths(of, lengths)} {_texts(space, given, of)}"
        ),
        sampled=(
            f"exact, all {len(given.rows):,} of {given.of:,} {kind} with a label that counts, "
            f"{given.rule}"
        ),
        per_item=per_item(space, given.rows, inside.squares),
        per_item_title="squared distance to its label's center",
        curve=_curve(of, lengths),
    )


def _shuffled(space: Space, given: Classes) -> float:
    """NC1 of shuffled labels, from a part of the rows and scaled up to all."""
    many = min(len(given.rows), SHUFFLED_ROWS)
    rng = np.random.default_rng(0)
    draws = [
        _shuffle_once(space, given, many, rng) for _ in range(max(1, min(8, SHUFFLED_ROWS // many)))
    ]
    return float(np.mean(draws)) * len(given.rows) / many


def _shuffle_once(space: Space, given: Classes, many: int, rng: np.random.Generator) -> float:
    """The rows of a group stay together: captions of an image are alike whatever their label."""
    names, sizes = np.unique(rng.choice(given.codes, many, replace=False), return_counts=True)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    place = rng.random(space.n)[groups(space)[given.rows]]
    rows = given.rows[np.argsort(place, kind="stable")][:many]
    kept = tuple(given.names[i] for i in names)
    shuffled = Classes(given.kind, kept, rows, starts, given.of, given.rule)
    of = class_means(space.vectors, shuffled)
    return within(space.vectors, shuffled, of).nc1 if of.whitening.size else 0.0


def _tightest(given: Classes, of: ClassMeans) -> tuple[str, float]:
    """The label with the least variance, and that as a share of all items' variance."""
    center = (of.sizes @ of.means) / of.sizes.sum()
    between = ((of.means - center) ** 2).sum(axis=1)
    total = float(of.sizes @ (of.spreads + between)) / float(of.sizes.sum())
    own = of.spreads * of.sizes / (of.sizes - 1)
    at = int(own.argmin())
    return given.names[at], min(1.0, float(own[at]) / total)


def _centers(of: ClassMeans) -> str:
    ratio = float(of.sizes @ of.spreads / of.sizes.sum()) / float((of.centered**2).sum(1).mean())
    return (
        f"Within over between is {format_value(ratio)} by traces and {format_value(cdnv(of))} for "
        f"the median pair of labels (CDNV); the centers are {simplex_error(of.means):.2f} from a "
        f"simplex (NC2) and {orthogonal_error(of.means):.2f} from orthogonal."
    )


def _lengths(of: ClassMeans, lengths: Doubles) -> str:
    result = slope(np.log(of.sizes), np.log(np.maximum(lengths, 1e-12)))
    if result is None:
        return "Norms have no slope: labels of one size, or too few."
    value, error = result
    low, high = value - Z * error, value + Z * error
    free = free_lengths(of.sizes)[:, 1]
    alone = slope(np.log(of.sizes[free > 0]), np.log(free[free > 0]) / 2)
    theory = f"; unconstrained features would give {format_value(alone[0])}" if alone else ""
    return (
        "The norm of a center grows with the label's size to the power "
        f"{estimate(value, low, high)}{theory}."
    )


def _texts(space: Space, given: Classes, of: ClassMeans) -> str:
    """NC3 and NC4, with texts as label prototypes."""
    if given.kind == "text":
        return "NC3 and NC4 are given for images."
    result = prototypes(space, given.names)
    if result is None:
        return "NC3 and NC4 are omitted: not every label has a text."
    words, which = result
    many = min(len(given.rows), NC4_ROWS)
    rows = np.sort(np.random.default_rng(0).choice(given.rows, many, replace=False))
    same = agreement(space.vectors[rows], of.means, words)
    return (
        f"Against the {which}, NC3 is {duality_error(words, of.means):.2f} (1.41 if unrelated), "
        f"and nearest text and nearest center agree for {share(same)} (NC4)."
    )


def _curve(of: ClassMeans, lengths: Doubles) -> Curve:
    order = np.lexsort((lengths, of.sizes))
    return Curve(
        of.sizes[order].astype(np.float64), lengths[order], "items", "norm of the center", True
    )
