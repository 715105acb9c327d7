from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, per_item, scopes, share
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.centering import centered
from core.numerics.sampling import items_error
from core.numerics.spectra import moments, projections
from core.numerics.stats import Z
from core.types import Curve, Doubles, Finding, Floats, Reference, Scope, Space

NO_MEAN = 1e-9  # length below which a mean has no direction


@diagnostic(
    title="Cone half-angle",
    concern="Vectors crowd in a cone",
    worst="low",
    family="Spread",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap. NeurIPS 2022 (the cone effect); Mu, "
    "Viswanath. All-but-the-Top. ICLR 2018.",
    aid="Share of the items within an angle of their mean. A steep rise far left of 90° is a "
    "narrow cone.",
    better="high",
    bounds=(0.0, 180.0),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "median angle with the mean, in degrees",
        good=57.0,
        bad=33.0,
        source="ours: mean cosines of 0.3 and 0.7",
    ),
    over="as many images or texts like these",
    cause="mean",
    advice=Advice(
        why="In a narrow cone all cosines are high, so a score means little by itself and a fixed "
        "score threshold fails.",
        what=UNCONE,
    ),
    per_item=True,
)
def cone(space: Space) -> tuple[Finding, ...]:
    """Median angle between an item and the mean of its kind, in degrees.

    90 when directions are spread evenly (or when the mean is zero and has no direction), 0 when all
    items coincide. The detail gives the mean resultant length R (the length of the mean: 0 spread,
    1 one point) and the share of energy on the first eigenvector, before and after centering: a
    cone that opens when the mean is subtracted is nothing but its mean.

    Args:
        space: at least three items of one kind.

    Returns:
        A finding each for images and texts. The interval is that of a median, over as
        many items; none below 10.
        per_item: angle with the mean of its kind, in degrees.
        curve: share of the items within an angle.

    Raises:
        TooFew: fewer than three images and fewer than three texts.

    >>> rows = np.array([[0.6, 0.8], [1, 0], [0.6, -0.8]], np.float32)  # the mean is along (1, 0)
    >>> round(cone(Space(rows, ("a", "b", "c"), 3))[0].value, 3)
    53.13
    """
    return tuple(_measure(space, scope) for scope in scopes(space, 3, "The cone"))


def _measure(space: Space, scope: Scope) -> Finding:
    m = moments(space, scope)
    angles = _angles(space.vectors[space.span(scope)], m.mean)
    value = float(np.median(angles))
    low, high = _interval(space, scope, angles, value)
    edges = np.linspace(0, 100, 101)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(90.0, "uniform on the sphere"),
        sentence=(
            f"The cone half-angle (median angle with the mean) of the {PLURAL[scope]} is "
            f"{estimate(value, low, high, '°')}, "
            "against 90° for a uniform distribution. In a narrow cone all cosines are high."
        ),
        detail=_detail(space, scope, angles),
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        per_item=per_item(space, space.span(scope), angles),
        per_item_title="angle with the mean of its kind, in degrees",
        curve=Curve(np.percentile(angles, edges), edges / 100, "angle in degrees", "share within"),
    )


def _angles(rows: Floats, mean: Doubles) -> Doubles:
    length = float(np.linalg.norm(mean))
    if length < NO_MEAN:
        return np.full(len(rows), 90.0)
    result: Doubles = np.degrees(np.arccos(np.clip(projections(rows, mean / length), -1, 1)))
    return result


def _interval(space: Space, scope: Scope, angles: Doubles, median: float) -> tuple[float, float]:
    """The angles between which the median lies, from the error of the share below it (Woodruff)."""
    first = space.span(scope).start
    error = items_error(
        space, {scope: lambda rows: (angles[rows - first] <= median).astype(np.float64)}
    )
    if np.isnan(error):
        return error, error
    low, high = np.quantile(angles, np.clip([0.5 - Z * error, 0.5 + Z * error], 0, 1))
    return min(float(low), median), max(float(high), median)


def _detail(space: Space, scope: Scope, angles: Doubles) -> str:
    m, left = moments(space, scope), centered(space, scope)
    inner, outer = np.quantile(angles, [0.05, 0.95])
    start = (
        f"90% of the angles lie between {inner:.0f}° and {outer:.0f}°. Mean resultant length "
        f"{np.linalg.norm(m.mean):.2f}; first direction "
        f"{share(m.eigen[0][0] / m.eigen[0].sum())} of the energy"
    )
    rest = m.centered_eigen[0].sum()
    if len(left) < 2 or rest < 1e-10:
        return f"{start}; nothing remains after centering."
    mean = left.mean(axis=0, dtype=np.float64)
    return (
        f"{start}; after centering the angle is {np.median(_angles(left, mean)):.0f}°, the length "
        f"{np.linalg.norm(mean):.2f} and the share {share(m.centered_eigen[0][0] / rest)}."
    )
