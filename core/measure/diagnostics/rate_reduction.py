from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.measure.class_means import mean_error, sampled_groups
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, format_value
from core.measure.verdicts import Advice, Threshold
from core.numerics.labels import Classes, labeled_classes
from core.numerics.sampling import groups
from core.numerics.spectra import EXACT_ROWS, moments_of
from core.numerics.stats import normal
from core.registry import Range
from core.types import Doubles, Finding, Floats, Ints, Reference, Space

SIZES = 4  # of random groups whose rate is measured; others are interpolated


@diagnostic(
    title="Rate reduction",
    concern="Labels hardly show in the vectors",
    family="Collapse",
    source="Yu, Chan, You, Song, Ma. Learning Diverse and Discriminative Representations via the "
    "Principle of Maximal Coding Rate Reduction. NeurIPS 2020.",
    better="high",
    bounds=(0.0, np.inf),
    invariant=("rotation",),
    over="labeled images like these, with their captions",
    threshold=Threshold(
        "share of the coding rate that labels save, above random groups",
        good=0.05,
        bad=0.005,
        source="ours",
    ),
    advice=Advice(
        why="It is what the labels explain of the space: without any, searching by label is "
        "guessing.",
        what="Check the labels of the items behind the confused ones; else use an encoder trained "
        "on such labels. Check recall by label.",
    ),
)
def rate_reduction(
    space: Space,
    *,
    precision: Annotated[float, Range(0.001, 10, "allowed squared error (eps^2)")] = 0.5,
    least: Annotated[int, Range(2, 1000, "items a label needs to count")] = 5,
    most: Annotated[int, Range(2, 2000, "labels measured, the largest first")] = 200,
) -> tuple[Finding, ...]:
    """Coding rate saved by knowing the labels, in nats.

    Delta R = R - sum n_j / n R_j, with R = log det(I + d / (n eps^2) Z Z') and R_j the same for one
    label's n_j items; no 1/2, eps^2 = 0.5. 0 when every label is distributed like the whole, large
    when labels span different directions and few each. Small groups save by their size alone, so
    the reference is random groups of the same sizes.

    Args:
        space: two labels with `least` items of one kind; texts take their image's label.
        precision: eps^2.
        least: labels with fewer items are excluded.
        most: smaller labels beyond this number are excluded.

    Returns:
        A finding each for images and texts; R is that of the rows whose label counts. The interval
        is over images (with their captions); none below 50 images.

    Raises:
        TooFew: no two such labels.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    >>> two = Space(rows, tuple("0123456789"), 10, labels=(("a",),) * 5 + (("b",),) * 5)
    >>> round(rate_reduction(two)[0].value, 6)  # 2 log(1 + 2) - log(1 + 4)
    0.587787
    """
    result = labeled_classes(space, "The rate reduction", least=least, most=most)
    return tuple(_measure(space, given, precision) for given in result)


@dataclass(frozen=True)
class Rates:
    """R of all rows, the mean of the R_j, and the standard error of the difference."""

    whole: float
    inside: float
    error: float


def _measure(space: Space, given: Classes, precision: float) -> Finding:
    scale = space.d / precision
    linked = groups(space)[given.rows]
    result = _rates(space.vectors, given, scale, linked)
    value = max(0.0, result.whole - result.inside)
    n = len(given.rows)
    low, high = normal(value, result.error, 0.0)
    chance = max(0.0, result.whole - _random(space.vectors, given, scale, linked))
    saved = (value - chance) / max(result.whole - chance, 1e-9)
    kind = PLURAL[given.kind]
    return Finding(
        scope=given.kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(chance, "random groups of the same sizes"),
        yardstick=saved,
        sentence=(
            f"The rate reduction by {len(given.names):,} labels of {kind} is "
            f"{estimate(value, low, high)} of {format_value(result.whole)} nats, against "
            f"{format_value(chance)} for random groups. It is what the labels explain of the space."
        ),
        detail=f"At a squared error of {precision:g}, form without 1/2.",
        sampled=(f"exact, all {n:,} of {given.of:,} {kind} with a label that counts, {given.rule}"),
    )


def _rates(vectors: Floats, given: Classes, scale: float, linked: Ints) -> Rates:
    """Rates from one second moment per label; they add up to that of all."""
    n, d = len(given.rows), vectors.shape[1]
    chosen = sampled_groups(linked)
    ends = np.searchsorted(chosen, given.starts)
    second, inside = np.zeros((d, d)), 0.0
    exact = n <= EXACT_ROWS
    moved = np.empty(len(chosen))
    for i, size in enumerate(given.sizes):
        mine = slice(ends[i], ends[i + 1])
        own, cost, quadratic = _label(
            vectors, given.of_class(i), chosen[mine] - given.starts[i], scale, exact
        )
        second += size / n * own
        inside += float(size / n) * cost
        moved[mine] = -cost - quadratic
    pull, whole = _pull(second, scale)
    rows = vectors[given.rows[chosen]].astype(np.float64)
    moved += np.einsum("ij,ij->i", rows @ pull, rows)
    return Rates(whole, inside, mean_error(moved, linked[chosen], n))


def _label(
    vectors: Floats, rows: Ints, some: Ints, scale: float, exact: bool
) -> tuple[Doubles, float, Doubles]:
    """One label's second moment, its R, and the centered influence of some of its rows on R.

    With fewer rows than dimensions the Gram matrix K is smaller, and I + K equivalent.
    """
    own = moments_of(vectors, rows, exact=exact).second
    n, d = len(rows), vectors.shape[1]
    if n < d:
        x = vectors[rows].astype(np.float64)
        inverse, cost = _inverse(np.eye(n) + scale / n * (x @ x.T))
        quadratic = -n * np.diag(inverse)
        return own, cost, (quadratic - quadratic.mean())[some]
    pull, cost = _pull(own, scale)
    x = vectors[rows[some]].astype(np.float64)
    return own, cost, np.einsum("ij,ij->i", x @ pull, x) - float((pull * own).sum())


def _pull(second: Doubles, scale: float) -> tuple[Doubles, float]:
    """Gradient of log det(I + scale M), which is scale (I + scale M)^-1, and that log det."""
    inverse, cost = _inverse(np.eye(len(second)) + scale * second)
    return scale * inverse, cost


def _inverse(matrix: Doubles) -> tuple[Doubles, float]:
    """Inverse and log determinant of a positive matrix."""
    return np.asarray(np.linalg.inv(matrix), np.float64), _log_det(matrix)


def _log_det(matrix: Doubles) -> float:
    return 2 * float(np.log(np.diag(np.linalg.cholesky(matrix))).sum())


def _random(vectors: Floats, given: Classes, scale: float, linked: Ints) -> float:
    """Mean R_j of random groups: measured at some sizes, interpolated in log size.

    Linked rows stay together: the captions of an image are alike whatever their label.
    """
    rng = np.random.default_rng(0)
    exact = len(given.rows) <= EXACT_ROWS
    sizes = given.sizes.astype(np.float64)
    at = np.unique(np.quantile(sizes, np.linspace(0, 1, SIZES)).astype(np.int64))
    costs = []
    for size in at:
        draws = max(2, min(8, 400 // int(size)))
        orders = (np.argsort(rng.random(linked.max() + 1)[linked]) for _ in range(draws))
        drawn = [given.rows[order[:size]] for order in orders]
        costs.append(np.mean([_cost(vectors, np.sort(rows), scale, exact) for rows in drawn]))
    return float(sizes / sizes.sum() @ np.interp(np.log(sizes), np.log(at), costs))


def _cost(vectors: Floats, rows: Ints, scale: float, exact: bool) -> float:
    """R of some rows, from the smaller of their two Gram matrices."""
    n, d = len(rows), vectors.shape[1]
    if n >= d:
        return _log_det(np.eye(d) + scale * moments_of(vectors, rows, exact=exact).second)
    x = vectors[rows].astype(np.float64)
    return _log_det(np.eye(n) + scale / n * (x @ x.T))
