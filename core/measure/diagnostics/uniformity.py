from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, scopes, share
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.centering import centered
from core.numerics.nulls import sphere_uniformity
from core.numerics.sampling import PairMean, pair_mean, random_pair_cosines
from core.numerics.stats import normal
from core.registry import Range
from core.types import Doubles, Finding, Reference, Scope, Space


@diagnostic(
    title="Uniformity",
    concern="Vectors crowd on a part of the sphere",
    family="Spread",
    source="Wang, Isola. Understanding Contrastive Representation Learning through Alignment and "
    "Uniformity on the Hypersphere. ICML 2020.",
    better="low",
    bounds=(-40.0, 0.0),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "uniformity as a share of the uniform sphere's", good=0.5, bad=0.2, source="ours"
    ),
    over="as many images or texts like these",
    cause="mean",
    advice=Advice(
        why="Items that use the whole sphere can be distinguished; crowded ones tie.", what=UNCONE
    ),
)
def uniformity(
    space: Space,
    *,
    t: Annotated[float, Range(0.1, 10, "how strongly close pairs count")] = 2.0,
    pairs: Annotated[int, Range(1000, 5_000_000, "random pairs, at most")] = 200_000,
) -> tuple[Finding, ...]:
    """How uniformly the items are distributed on the sphere.

    The logarithm of the mean of exp(-t distance^2) over pairs of different items. 0 when all items
    coincide; the lower, the more uniform. Points drawn from the uniform distribution reach the
    reference; a few points placed with care can go below it.

    Args:
        space: at least three items.
        t: 2 in the paper.
        pairs: all pairs up to this number, random ones beyond.

    Returns:
        A finding each for images, texts and both together. The interval is over as many items:
        captions of one image are among the pairs; none below 10. The detail gives the value after
        the mean of each kind is subtracted, and for both together the value between the kinds.

    Raises:
        TooFew: fewer than three items.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "c"), 3)
    >>> uniformity(space)[0].value  # every pair at squared distance 2: log exp(-2 * 2)
    -4.0
    """
    among = scopes(space, 3, "Uniformity", ("image", "text", "joint"))
    return tuple(_measure(space, scope, t, pairs) for scope in among)


def _measure(space: Space, scope: Scope, t: float, pairs: int) -> Finding:
    def kernel(cosines: Doubles) -> Doubles:
        return np.exp(-2 * t * (1 - np.minimum(cosines, 1.0)))

    mean = pair_mean(space, scope, kernel, pairs=pairs)
    value = min(0.0, float(np.log(mean.value)))
    low, high = normal(value, mean.error / mean.value, high=0.0)
    even = sphere_uniformity(space.d, t)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "uniform on the sphere"),
        yardstick=value / even,
        sentence=(
            f"The uniformity of the {PLURAL[scope]} is {estimate(value, low, high)}, "
            f"{share(value / even)} of the {format_value(even)} of a uniform distribution in "
            f"{count(space.d, 'dimension')}. The lower, the better items can be distinguished."
        ),
        detail=_centered(space, scope, t),
        sampled=_sampled(space, scope, mean),
    )


def _centered(space: Space, scope: Scope, t: float) -> str:
    """The value after centering, and between the kinds."""
    left = centered(space, scope)
    across = ""
    if scope == "joint":
        between = _log_mean(random_pair_cosines(space.images, space.texts), t)
        across = f"Between an image and a text: {format_value(between)}. "
    if len(left) < 3:
        return f"{across}After centering nothing remains."
    after = _log_mean(random_pair_cosines(left), t)
    return f"{across}After centering: {format_value(after)}."


def _log_mean(cosines: Doubles, t: float) -> float:
    return min(0.0, float(np.log(np.exp(-2 * t * (1 - np.minimum(cosines, 1.0))).mean())))


def _sampled(space: Space, scope: Scope, mean: PairMean) -> str:
    span = space.span(scope)
    of = f"{mean.pairs:,} pairs of {span.stop - span.start:,} {PLURAL[scope]}"
    return f"exact, all {of}" if mean.exact else f"{of}, drawn at random"
