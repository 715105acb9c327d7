from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, scopes
from core.measure.verdicts import TRUNCATE, Advice, Threshold
from core.numerics.nulls import isotropic_spectrum
from core.numerics.spectra import SAME, moments, spectrum_error
from core.numerics.stats import normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Reference, Scope, Space


@diagnostic(
    title="Numerical rank",
    concern="Directions are unused",
    family="Collapse",
    source="Jolliffe. Principal Component Analysis. 2nd ed., Springer 2002 (cumulative share of "
    "variance).",
    aid="Cumulative share of the variance in the first directions. PCA may truncate where it "
    "reaches the share.",
    better="high",
    bounds=(0.0, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "directions as a share of isotropic data's at the same n and d",
        good=0.3,
        bad=0.1,
        source="ours",
    ),
    advice=Advice(
        why="It is the number of dimensions the collection needs: the rest can be truncated to "
        "save memory, or shows that the encoder is underused.",
        what=TRUNCATE,
    ),
    over="as many images or texts like these",
)
def numerical_rank(
    space: Space,
    *,
    share: Annotated[float, Range(0.5, 0.999, "share of the variance to hold")] = 0.95,
) -> tuple[Finding, ...]:
    """Number of principal directions that hold 95% of the variance.

    The smallest number of eigenvalues of the covariance, largest first, that sum to the share: how
    far PCA may truncate. 1 on a line, close to d when directions are used equally, 0 when all rows
    are the same. Far below d with good recall is no defect: the space is compressible. The detail
    gives the number before centering.

    Args:
        space: at least three items of one kind.
        share: 0.95 is customary.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.
        curve: share of the variance in the first directions.

    Raises:
        TooFew: fewer than three images and fewer than three texts.

    >>> rows = np.concatenate([np.eye(3, 8), -np.eye(3, 8)]).astype(np.float32)
    >>> numerical_rank(Space(rows, tuple("abcdef"), 6))[0].value
    3.0
    """
    return tuple(_measure(space, scope, share) for scope in scopes(space, 3, "The numerical rank"))


def _measure(space: Space, scope: Scope, share: float) -> Finding:
    m = moments(space, scope)
    held = _held(m.centered_eigen[0])
    value = _rank(held, share)
    low, high = _interval(space, scope, value, share)
    even = _rank(_held(isotropic_spectrum(m.n - 1, m.d)), share)
    before = _rank(_held(m.eigen[0]), share)
    order = np.arange(1.0, m.d + 1)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "isotropic, same n and d"),
        yardstick=value / even,
        sentence=(
            f"The numerical rank ({100 * share:.3g}% of the variance) of the {PLURAL[scope]} is "
            f"{estimate(value, low, high)} of {m.d}, against {even:.0f} "
            "for isotropic data. PCA may truncate to it."
        ),
        detail=f"Before centering: {before:.0f}.",
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        curve=Curve(order, held, "first directions", "share of the variance", log_x=True)
        if held[-1] > 0
        else None,
    )


def _held(values: Doubles) -> Doubles:
    """Cumulative share of the eigenvalues; zeros when there is no variance."""
    total = values.sum()
    return np.cumsum(values) / total if total > SAME else np.zeros(len(values))


def _rank(held: Doubles, share: float) -> float:
    if held[-1] == 0:
        return 0.0
    return float(min(len(held), int(np.searchsorted(held, share - 1e-9)) + 1))


def _interval(space: Space, scope: Scope, value: float, share: float) -> tuple[float, float]:
    """From the error of the rank between whole numbers, and that of rounding it."""
    error = spectrum_error(
        space, scope, lambda values: _between(_held(values), share), centered=True
    )
    low, high = normal(value, float(np.hypot(error, np.sqrt(1 / 12))), 0.0, float(space.d))
    return (value, value) if value == 0 and np.isfinite(low) else (np.floor(low), np.ceil(high))


def _between(held: Doubles, share: float) -> float:
    """The rank at which the share is reached, on a line between whole ranks."""
    return float(np.interp(share, np.append(0.0, held), np.arange(len(held) + 1.0)))
