from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, format_value, per_item, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.centering import centered, mean_cosine_of
from core.numerics.sampling import items_error
from core.numerics.spectra import Moments, moments, projections
from core.numerics.stats import normal
from core.types import Doubles, Finding, Ints, Reference, Scope, Space

CONES: tuple[Scope, ...] = ("image", "text")


@diagnostic(
    title="Mean cosine",
    concern="Vectors crowd around one direction",
    family="Spread",
    source="Ethayarajh. How Contextual are Contextualized Word Representations? EMNLP 2019; Liang "
    "et al. Mind the Gap. NeurIPS 2022 (the cone effect).",
    better="low",
    bounds=(-1.0, 1.0),
    invariant=("rotation", "order"),
    aid="Cosine of each item with the mean of its kind. A narrow peak far to the right is a "
    "narrow cone.",
    threshold=Threshold("absolute mean cosine", good=0.3, bad=0.7, source="ours"),
    over="images or texts like these",
    cause="mean",
    advice=Advice(
        why="It is the score of two unrelated items: only what exceeds it is evidence of a match.",
        what=UNCONE,
    ),
    per_item=True,
)
def mean_cosine(space: Space) -> tuple[Finding, ...]:
    """Mean cosine of two different items.

    0 when directions are spread evenly, 1 when all items point the same way. Among images and among
    texts it measures the cone; between an image and a text (scope joint) it is the chance level of
    similarity in cross-modal search.

    Args:
        space: at least two items of one kind.

    Returns:
        A finding each for images, texts, and images with texts. The interval is over as many items:
        captions of one image, and an image with its own, are among the pairs. None below 10.
        per_item (images, texts): cosine with the mean of its kind.

    Raises:
        TooFew: fewer than two images and fewer than two texts.

    >>> rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)  # cosines 1, 0, 0
    >>> round(mean_cosine(Space(rows, ("a", "b", "c"), 3))[0].value, 6)
    0.333333
    """
    findings = [_within(space, scope) for scope in scopes(space, 2, "The mean cosine", CONES)]
    if min(space.n_images, space.n - space.n_images) >= 2:
        findings.append(_across(space))
    return tuple(findings)


def _within(space: Space, scope: Scope) -> Finding:
    m = moments(space, scope)
    length2 = float(m.mean @ m.mean)
    value = float(np.clip((m.n * length2 - np.trace(m.second)) / (m.n - 1), -1, 1))
    error = np.hypot(_along(space, {scope: 2 * m.mean}), _second_order(m))
    low, high = normal(value, float(error), -1.0, 1.0)
    toward = projections(space.vectors[space.span(scope)], _unit(m.mean))
    half_angle = float(np.degrees(np.arccos(np.clip(np.median(toward), -1, 1))))
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, "uniform on the sphere"),
        yardstick=abs(value),
        sentence=(
            f"The mean cosine of two {PLURAL[scope]} is {estimate(value, low, high)}, against 0 "
            "for a uniform distribution. Only scores above it are evidence of a match."
        ),
        detail=(
            f"Half of the items lie within {half_angle:.0f}° of their mean; after centering the "
            f"mean cosine is {format_value(round(mean_cosine_of(centered(space, scope)), 3))}."
        ),
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        per_item=per_item(space, space.span(scope), toward),
        per_item_title="cosine with the mean of its kind",
    )


def _across(space: Space) -> Finding:
    image, text = moments(space, "image"), moments(space, "text")
    value = float(np.clip(image.mean @ text.mean, -1, 1))
    error = _along(space, {"image": text.mean, "text": image.mean})
    low, high = normal(value, error, -1.0, 1.0)
    return Finding(
        scope="joint",
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, "uniform on the sphere"),
        yardstick=abs(value),
        sentence=(
            f"The mean cosine of an image and a text is {estimate(value, low, high)}, against 0 "
            "for a uniform distribution. It is the chance level for the cosines of hits."
        ),
        sampled=f"exact, all {image.n:,} images with all {text.n:,} texts",
    )


def _along(space: Space, directions: Mapping[Scope, Doubles]) -> float:
    """Standard error of a sum of means, each along a direction of its own."""

    def along(direction: Doubles) -> Callable[[Ints], Doubles]:
        return lambda rows: projections(space.vectors[rows], direction)

    return items_error(space, {scope: along(v) for scope, v in directions.items()})


def _second_order(m: Moments) -> float:
    """Second-order part of the standard error (a U-statistic of degree 2)."""
    square = max(0.0, float((m.second**2).sum()) - float(m.mean @ m.mean) ** 2)
    return float(np.sqrt(2 * square / (m.n * (m.n - 1))))


def _unit(mean: Doubles) -> Doubles:
    length = float(np.linalg.norm(mean))
    return mean / length if length > 1e-9 else mean
