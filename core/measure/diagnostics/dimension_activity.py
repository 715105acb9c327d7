from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, percent, scopes
from core.measure.pair_ranks import clusters
from core.measure.verdicts import Advice, Threshold
from core.numerics.sampling import sampled_rows
from core.numerics.spectra import BLOCK, SAME, Moments, moments
from core.numerics.stats import LEAST_DRAWS, Z
from core.registry import Range
from core.types import Bools, Curve, Doubles, Finding, Floats, Ints, Reference, Scope, Space

DEAD, ROGUE = 0.01, 10.0  # of the mean variance
FAR = 5.0  # deviations of the means of all coordinates
PEAKED = 50.0  # fourth moment over squared variance; 3 for a normal distribution


@diagnostic(
    title="Dimension activity",
    concern="Dimensions are dead",
    family="Collapse",
    source="Bonheme, Grzes. Be More Active! Understanding the Differences between Mean and "
    "Sampled Representations of Variational Autoencoders. 2021; the transfer to stored vectors is "
    "ours.",
    aid="Variance of every coordinate over the mean variance, most active first. Above 10 is "
    "rogue; a tail at 0 is dead.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("order",),
    percent=True,
    threshold=Threshold(
        "share of coordinates that are dead, rogue or mixed", good=0.02, bad=0.1, source="ours"
    ),
    over="images or texts like these",
    advice=Advice(
        why="Dead coordinates waste memory; rogue ones dominate every cosine.",
        what="Standardize each dimension or drop the dead ones; keep it if recall@10 does not "
        "drop.",
    ),
)
def dimension_activity(
    space: Space,
    *,
    rows: Annotated[int, Range(100, 2_000_000, "items for the kurtosis, at most")] = 20_000,
) -> tuple[Finding, ...]:
    """Share of coordinates that are dead, rogue or active for few items only.

    A coordinate is dead when its variance is below 1/100 of the mean variance; rogue when above 10
    times, or when its mean lies more than 5 standard deviations from the means of the others; mixed
    when it varies for few items only (kurtosis above 50). 0 when all coordinates contribute.

    Coordinates are taken as stored, so a rotation changes the value; the same counts along the
    eigenvectors of the covariance, which are rotation invariant, are in the detail. The paper's
    rule is for the variances that a variational encoder outputs; here an encoder gives one point
    per item, so the variance over items takes their place.

    Args:
        space: at least three items of one kind.
        rows: random ones beyond; variances are exact.

    Returns:
        A finding each for images and texts. The interval follows from the errors of the
        variances and of the kurtosis; none below 10 items.
        curve: variance of each coordinate over the mean variance, largest first.

    Raises:
        TooFew: fewer than three images and fewer than three texts.

    >>> rows = np.array([[0.6, 0.8, 0], [-0.6, 0.8, 0], [0, -1, 0]], np.float32)
    >>> round(dimension_activity(Space(rows, ("a", "b", "c"), 3))[0].value, 3)  # the last is dead
    0.333
    """
    return tuple(_measure(space, scope, rows) for scope in scopes(space, 3, "Dimension activity"))


@dataclass(frozen=True, slots=True)
class Activity:
    """For each direction: variance over the mean variance, kurtosis, and their relative errors."""

    share: Doubles
    error: Doubles
    far: Bools
    kurtosis: Doubles
    doubt: Doubles

    def dead(self, slack: float = 0.0) -> Bools:
        """Directions below 1/100, with each variance shifted by `slack` errors."""
        result: Bools = self.share * np.maximum(0.0, 1 + slack * self.error) < DEAD
        return result

    def rogue(self, slack: float = 0.0) -> Bools:
        """Directions above 10 or with a far mean, variances shifted by `slack` errors."""
        result: Bools = (self.share * np.maximum(0.0, 1 + slack * self.error) > ROGUE) | self.far
        return result

    def mixed(self, slack: float = 0.0) -> Bools:
        """Directions that vary for few items, each kurtosis shifted by `slack` errors."""
        result: Bools = (self.kurtosis * np.exp(slack * self.doubt) > PEAKED) & (self.share >= DEAD)
        return result

    def idle(self, slack: float = 0.0) -> float:
        """Share of the directions that are dead, rogue or mixed; more of them with more slack."""
        return float((self.dead(-slack) | self.rogue(slack) | self.mixed(slack)).mean())


def _measure(space: Space, scope: Scope, most: int) -> Finding:
    m = moments(space, scope)
    rows = sampled_rows(space, scope, most, 0)
    effective = len(np.unique(clusters(space, rows)))
    own = _activity(m, space.vectors[rows], None, effective)
    eigen = _activity(m, space.vectors[rows], m.centered_eigen[1], effective)
    value = own.idle()
    low, high = min(own.idle(-Z), value), max(own.idle(Z), value)
    if effective < LEAST_DRAWS:
        low = high = float("nan")
    order = np.arange(1.0, m.d + 1)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, "every coordinate active"),
        sentence=(
            f"Dead, rogue or mixed coordinates of the {PLURAL[scope]}: "
            f"{percent(value, low, high)} of {m.d}, "
            "against 0% when all contribute. Rogue ones dominate every cosine."
        ),
        detail=_detail(own, eigen),
        sampled=_sampled(m.n, len(rows), PLURAL[scope]),
        curve=Curve(
            order,
            np.sort(own.share)[::-1],
            "coordinate, most active first",
            "variance over the mean variance",
        ),
    )


def _activity(m: Moments, rows: Floats, directions: Doubles | None, effective: int) -> Activity:
    """Activity of the coordinates, or of the eigenvectors of the covariance when given."""
    if directions is None:
        variance, mean = np.diag(m.covariance).copy(), m.mean
    else:
        variance, mean = m.centered_eigen[0], m.mean @ directions
    if variance.sum() < SAME:
        none = np.zeros(m.d)
        return Activity(none, none, none.astype(bool), none, none)
    share = variance / variance.mean()
    kurtosis, doubt = _kurtosis(rows, mean, directions)
    error = np.sqrt(np.maximum(0.0, kurtosis - 1) / effective)
    off = np.abs(mean - mean.mean())
    # Eigenvectors have no sign and one of them may be the mean itself: only coordinates are far.
    far = off > FAR * max(float(mean.std()), 1e-6) if directions is None else np.zeros(m.d, bool)
    return Activity(share, error, far, kurtosis, doubt * np.sqrt(len(rows) / effective))


def _kurtosis(rows: Floats, mean: Doubles, directions: Doubles | None) -> tuple[Doubles, Doubles]:
    """Fourth central moment over the squared variance, 0 where there is none; relative error."""
    sums = np.zeros((4, len(mean)))
    for start in range(0, len(rows), BLOCK):
        x = rows[start : start + BLOCK].astype(np.float64)
        off2 = ((x if directions is None else x @ directions) - mean) ** 2
        power = np.ones_like(off2)
        for order in range(4):
            power *= off2
            sums[order] += power.sum(axis=0)
    some = sums[0] > SAME
    square, fourth, sixth, eighth = np.where(some, sums / len(rows), 1.0)
    kurtosis = fourth / square**2
    # Delta method: a row moves the kurtosis k by x^4 / v^2 - k - 2 k (x^2 / v - 1).
    moved = eighth / square**4 - 4 * kurtosis * sixth / square**3 + 4 * kurtosis**3 - kurtosis**2
    doubt = np.sqrt(np.maximum(0.0, moved) / len(rows)) / kurtosis
    return np.where(some, kurtosis, 0.0), np.where(some, doubt, 0.0)


def _detail(own: Activity, eigen: Activity) -> str:
    dead = "/".join(str(int((own.share < limit).sum())) for limit in (0.001, 0.01, 0.1))
    return (
        f"{int(own.dead().sum())} dead ({dead} below 0.1/1/10% of the mean variance), "
        f"{int(own.rogue().sum())} rogue{_which(own.rogue())}, {int(own.mixed().sum())} mixed. "
        f"Along the eigenvectors, which no rotation changes: {int(eigen.dead().sum())} dead, "
        f"{int(eigen.rogue().sum())} rogue, {int(eigen.mixed().sum())} mixed."
    )


def _which(flags: Bools) -> str:
    places: Ints = np.flatnonzero(flags)
    if not len(places):
        return ""
    return f" (number {', '.join(map(str, places[:5]))}{', ...' if len(places) > 5 else ''})"


def _sampled(n: int, rows: int, kind: str) -> str:
    if rows == n:
        return f"exact, all {n:,} {kind}"
    return f"exact variances of all {n:,} {kind}; kurtosis of random {rows:,}"
