from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, format_value, per_item, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.centering import centered, mean_cosine_of
from core.numerics.sampling import items_error
from core.numerics.spectra import Moments, moments, projections
from core.numerics.stats import normal
from core.types import Doubles, Finding, Ints, Reference, Scope, Space

CONES: tuple[Scope, ...] = ("image", "text")


@diagnostic(
    title="Mean cosine",
    family="Spread",
    source="Ethayarajh. How Contextual are Contextualized Word Representations? EMNLP 2019; Liang "
    "et al. Mind the Gap. NeurIPS 2022 (the cone effect).",
    better="low",
    bounds=(-1.0, 1.0),
    invariant=("rotation", "order"),
    aid="Each item's cosine with the mean of its kind. A narrow hump far to the right is a narrow "
    "cone.",
    threshold=Threshold("size of the mean cosine", good=0.3, bad=0.7, source="ours"),
    advice=Advice(
        why="It is what two unrelated items score: only what lies above it means anything.",
        what=UNCONE,
    ),
    per_item=True,
)
def mean_cosine(space: Space) -> tuple[Finding, ...]:
    """How narrow a cone the items fill.

    The mean cosine of two different items. 0 when directions are spread all around, 1 when all
    items point the same way. Among images and among texts it measures the cone; between an image
    and a text (scope joint) it is where chance similarity lies in cross-modal search.

    Args:
        space: at least two items of one kind.

    Returns:
        A finding each for images, texts, and images with texts.
        per_item (images, texts): cosine with the mean direction of its own kind.

    Raises:
        TooFew: fewer than two images and fewer than two texts.

    >>> rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)  # cosines 1, 0, 0
    >>> round(mean_cosine(Space(rows, ("a", "b", "c"), 3))[0].value, 6)
    0.333333
    """
    found = [_within(space, scope) for scope in scopes(space, 2, "The mean cosine", CONES)]
    if min(space.n_images, space.n - space.n_images) >= 2:
        found.append(_across(space))
    return tuple(found)


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
            f"Two {PLURAL[scope]} have a mean cosine of {format_value(value, low, high)}; "
            "directions "
            f"spread evenly would have 0. Half of them lie within {half_angle:.0f}° of their mean. "
            f"Once the mean is taken out it is {_rounded(mean_cosine_of(centered(space, scope)))}."
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
            "An image and any text have a mean cosine of "
            f"{format_value(value, low, high)}; directions spread evenly would have 0. "
            "Read cosines of hits against this."
        ),
        sampled=f"exact, all {image.n:,} images with all {text.n:,} texts",
    )


def _along(space: Space, directions: Mapping[Scope, Doubles]) -> float:
    """Standard error of a sum of means, each along a direction of its own."""

    def along(direction: Doubles) -> Callable[[Ints], Doubles]:
        return lambda rows: projections(space.vectors[rows], direction)

    return items_error(space, {scope: along(v) for scope, v in directions.items()})


def _second_order(m: Moments) -> float:
    """What pairs add to the error beyond their items' own share (a U-statistic of degree 2)."""
    square = max(0.0, float((m.second**2).sum()) - float(m.mean @ m.mean) ** 2)
    return float(np.sqrt(2 * square / (m.n * (m.n - 1))))


def _rounded(value: float) -> str:
    """Three digits, without the sign of a nought."""
    return f"{round(value, 3) + 0.0:.3f}"


def _unit(mean: Doubles) -> Doubles:
    length = float(np.linalg.norm(mean))
    return mean / length if length > 1e-9 else mean
