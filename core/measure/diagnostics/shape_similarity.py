from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import (
    PLURAL,
    both_kinds,
    estimate,
    format_value,
    histogram,
    quoted,
    share,
)
from core.measure.verdicts import SMALL, Advice, Threshold
from core.numerics.labels import Classes, classes
from core.numerics.sampling import groups, sampled_rows
from core.numerics.spectra import moments
from core.numerics.stats import jackknife_error, normal
from core.numerics.subspaces import (
    PrincipalSubspace,
    chance,
    overlap,
    principal_subspace,
    similarity,
    subspace_of,
)
from core.registry import Range
from core.types import Doubles, Finding, Floats, Ints, Kind, Reference, Space, per_space

HALF = 20_000  # images in each half of the reference
RESAMPLES = 60
DRAWN = 5000  # groups of a bootstrap, at most
WITHIN = 32  # leading directions that eigenvectors of a resample are sought among
LEAST_IMAGES = 100  # for an interval: directions of fewer are hardly determined
LEAST_LABELS = 4  # for an interval: the jackknife of fewer covers less than it says


@diagnostic(
    title="Shape similarity",
    concern="Images and texts vary in different ways",
    family="Groups",
    source="Ma, Dai, Huang, Chen. Geometric Knowledge-Guided Localized Global Distribution "
    "Alignment for Federated Learning. CVPR 2025; reference and principal angles ours.",
    better="none",
    bounds=(0.0, 1.0),
    invariant=("rotation",),
    aid="Shape similarity of all pairs of labels. Those at the left vary along directions of "
    "their own.",
    threshold=Threshold(
        "overlap of the principal subspaces above chance, as a share of that of two halves",
        good=0.3,
        bad=0.05,
        source="ours",
    ),
    advice=Advice(
        why="Groups that vary along the same directions can share what is learned: a common label "
        "then informs a rare one.",
        what=SMALL,
    ),
)
def shape_similarity(
    space: Space,
    *,
    p: Annotated[int, Range(1, 50, "principal directions to compare")] = 5,
    least: Annotated[int, Range(5, 1000, "items a label needs to count")] = 20,
    most: Annotated[int, Range(2, 200, "labels measured, the largest first")] = 30,
    sample: Annotated[int, Range(50, 100_000, "items of a label used, at most")] = 5000,
) -> tuple[Finding, ...]:
    """Similarity of the principal directions of images and texts, and of pairs of labels.

    Mean |cosine| of the first p principal directions of two groups, first with first and so on,
    each around its own mean. 1 for the same shape, about sqrt(2 / (pi d)) by chance. Directions of
    almost equal variance may swap, so the detail gives the mean squared cosine of the principal
    angles, p / d by chance, on which the verdict is based. The reference is the similarity of two
    random halves of the images, the most that can be measured.

    Args:
        space: three images and three texts; or two labels with `least` items of a kind.
        p: 5 in the paper; fewer where there are fewer directions.
        least: labels with fewer items are excluded.
        most: smaller labels beyond this number are excluded.
        sample: of each label, drawn at random beyond.

    Returns:
        A finding for images against texts (scope joint), and for images and for texts the mean
        over pairs of labels; the detail names the most and the least similar. The first interval is
        over images with their captions (bootstrap), none below 100 images; the others over
        labels (jackknife), none below 100 items or four labels.
        curve: histogram over pairs of labels.

    Raises:
        TooFew: not enough of either, or a kind whose items are all the same.

    >>> rows = np.array([[1, 0], [.8, .6], [.8, -.6]] * 2, np.float32)
    >>> shape_similarity(Space(rows, tuple("abcdef"), 3), p=1)[0].value.__round__(6)
    1.0
    """
    kinds: tuple[Kind, ...] = ("image", "text")
    parts = [_between_kinds(space, p)] if min(space.n_images, space.n - space.n_images) > 2 else []
    given = [classes(space, kind, least=least, most=most) for kind in kinds]
    parts += [_between_labels(space, of_kind, p, sample) for of_kind in given]
    findings = tuple(f for f in parts if f is not None)
    if not findings:
        both_kinds(space, 3, "Shape similarity")
        raise TooFew("Shape similarity", 2, "kinds of items that vary", 1, "Add more items.")
    return findings


def _between_kinds(space: Space, p: int) -> Finding | None:
    image, text = (principal_subspace(moments(space, kind)) for kind in ("image", "text"))
    p = min(p, image.rank, text.rank)
    if not p:
        return None
    value = similarity(image, text, p)
    low, high = normal(value, _error(space, image, text, p), 0.0, 1.0)
    halves, known = _halves(space, "image", p)
    angles = overlap(image, text, p)
    return Finding(
        scope="joint",
        value=value,
        low=low,
        high=high,
        reference=Reference(halves, "two random halves of the images"),
        yardstick=_against(angles, known, p / space.d),
        over="images like these, with their captions",
        sentence=(
            f"The shape similarity of images and texts ({_directions(p)}) is "
            f"{estimate(value, low, high)}, against {format_value(halves)} for two halves of the "
            f"images and {format_value(chance(space.d))} by chance. Similar groups can share what "
            "is learned."
        ),
        detail=(
            f"The subspaces overlap by {share(angles)} (two halves {share(known)}, chance "
            f"{share(min(1.0, p / space.d))})."
        ),
        sampled=(f"exact, all {space.n_images:,} images and {space.n - space.n_images:,} texts"),
    )


def _directions(p: int) -> str:
    return "first principal direction" if p == 1 else f"{p} principal directions"


def _against(angles: float, known: float, by_chance: float) -> float:
    """Overlap above chance as a share of that of two halves; NaN where those have none."""
    if known - by_chance < 0.1 * (1 - by_chance) or by_chance >= 1:
        return float("nan")
    return (angles - by_chance) / (known - by_chance)


def _error(space: Space, image: PrincipalSubspace, text: PrincipalSubspace, p: int) -> float:
    """Bootstrap over groups of connected items: near-equal variances swap, which no slope sees.

    Over at most `DRAWN` groups, and scaled to all.
    """
    if space.n_images < LEAST_IMAGES:
        return float("nan")
    linked = groups(space)
    count = int(linked.max()) + 1
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(count)[:DRAWN])
    place = np.full(count, -1)
    place[some] = np.arange(len(some))
    weights = rng.multinomial(len(some), np.full(len(some), 1 / len(some)), RESAMPLES)
    one = _resampled(space, "image", image, weights, place[linked], p)
    other = _resampled(space, "text", text, weights, place[linked], p)
    drawn = np.abs(np.einsum("rdi,rdi->ri", one, other)).mean(axis=1)
    center = similarity(image, text, p) if len(some) == count else float(drawn.mean())
    return float(np.sqrt(((drawn - center) ** 2).mean() * len(some) / count))


def _resampled(
    space: Space, kind: Kind, of: PrincipalSubspace, weights: Ints, place: Ints, p: int
) -> Doubles:
    """(r, d, p) first directions of weighted rows, sought among the leading ones of all.

    Args:
        space: where the rows are.
        kind: of the rows.
        of: the subspace of all of them.
        weights: (r, g) of the drawn groups.
        place: (n,) column of the group of each item in the weights; -1 is not drawn.
        p: directions.
    """
    basis = of.directions[:, :WITHIN]
    span = space.span(kind)
    rows = np.flatnonzero(place[span] >= 0)
    z = (space.vectors[rows + span.start] - moments(space, kind).mean) @ basis
    result = []
    for w in weights[:, place[rows + span.start]].astype(np.float64):
        mean = w @ z / w.sum()
        second = (z * w[:, None]).T @ z / w.sum() - np.outer(mean, mean)
        result.append(basis @ np.linalg.eigh(second)[1][:, ::-1][:, :p])
    return np.array(result)


@per_space
def _halves(space: Space, kind: Kind, p: int) -> tuple[float, float]:
    """Similarity and overlap of two random halves of a kind."""
    rows = sampled_rows(space, kind, 2 * HALF, 0)
    rows = np.random.default_rng(1).permutation(rows)
    one, other = (subspace_of(space.vectors[np.sort(h)], p) for h in np.array_split(rows, 2))
    return similarity(one, other, p), overlap(one, other, p)


def _between_labels(space: Space, given: Classes, p: int, sample: int) -> Finding | None:
    count = len(given.names)
    shapes = [_some(space.vectors, given.of_class(i), p, sample) for i in range(count)]
    p = min([p, *(s.rank for s in shapes)])
    if count < 2 or not p:
        return None
    first, second = np.triu_indices(count, 1)
    values = np.array(
        [similarity(shapes[i], shapes[j], p) for i, j in zip(first, second, strict=True)]
    )
    angles = np.array(
        [overlap(shapes[i], shapes[j], p) for i, j in zip(first, second, strict=True)]
    )
    value = float(values.mean())
    some = len(np.unique(groups(space)[given.rows])) >= LEAST_IMAGES
    error = _over_labels(values, first, second, count) if some else np.nan
    low, high = normal(value, error, 0.0, 1.0)
    halves, known = _halves(space, given.kind, p)
    most, least = int(values.argmax()), int(values.argmin())

    def named(at: int) -> str:
        one, other = quoted(given.names[first[at]]), quoted(given.names[second[at]])
        return f"{one} and {other} ({values[at]:.2f})"

    return Finding(
        scope=given.kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(halves, f"two random halves of the {PLURAL[given.kind]}"),
        yardstick=np.nan,  # no null to judge it by
        over="other labels of this kind",
        sentence=(
            f"The mean shape similarity of {count} labels of {PLURAL[given.kind]} "
            f"({_directions(p)}) is {estimate(value, low, high)}, against {format_value(halves)} "
            f"for two halves of all and {format_value(chance(space.d))} by chance."
        ),
        detail=(
            f"Most similar: {named(most)}; least similar: {named(least)}. The subspaces overlap by "
            f"{share(float(angles.mean()))} (two halves {share(known)})."
        ),
        sampled=(
            f"{len(given.rows):,} of {given.of:,} {PLURAL[given.kind]} with a label that counts, "
            f"{given.rule}, at most {sample:,} of each"
        ),
        curve=histogram(values, "shape similarity of two labels", "pairs of labels"),
    )


def _some(vectors: Floats, rows: Ints, p: int, most: int) -> PrincipalSubspace:
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    return subspace_of(vectors[rows], p)


def _over_labels(values: Doubles, first: Ints, second: Ints, count: int) -> float:
    """Standard error over labels: jackknife. NaN for too few to know how much labels differ."""
    if count < LEAST_LABELS:
        return float("nan")
    total = values.sum()
    without = np.array(
        [total - values[(first == i) | (second == i)].sum() for i in range(count)]
    ) / ((count - 1) * (count - 2) / 2)
    return jackknife_error(without)
