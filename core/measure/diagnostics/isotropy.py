from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.nulls import isotropic_participation, log_share_of_isotropic
from core.numerics.spectra import (
    SAME,
    Moments,
    moments,
    participation,
    participation_of,
    spectrum_error,
)
from core.numerics.stats import normal
from core.types import Curve, Finding, Reference, Scope, Space


@diagnostic(
    title="Isotropy (IsoScore)",
    concern="A few directions dominate",
    family="Spread",
    source="Rudman, Gillman, Rayne, Eickhoff. IsoScore: Measuring the Uniformity of Embedding "
    "Space Utilization. Findings of ACL 2022.",
    better="high",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Share of the variance in the first directions together. The steeper the rise, the fewer "
    "directions are in use.",
    threshold=Threshold(
        "log of the participation ratio as a share of isotropic data's at the same n and d",
        good=0.5,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="When a few directions hold the variance, cosines compare items on those alone.",
        what=UNCONE,
    ),
    over="as many images or texts like these",
)
def isotropy(space: Space) -> tuple[Finding, ...]:
    """IsoScore: how evenly the variance is distributed over all directions.

    (PR - 1) / (d - 1) for the participation ratio PR = (sum l)^2 / sum l^2 of the covariance's
    eigenvalues l: PR counts the directions that share the variance. 1 when all d share it equally,
    0 when it lies on one line (or when all rows are the same: there is no variance). The detail
    also gives PR before centering: most of CLIP's anisotropy is its mean.

    Args:
        space: at least three items of one kind. In one dimension it is 0: all lie on one line.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.
        curve: share of the variance in the first directions.

    Raises:
        TooFew: fewer than three images and fewer than three texts.

    >>> rows = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> isotropy(Space(rows, ("a", "b", "c", "d"), 4))[0].value
    1.0
    """
    return tuple(_measure(space, scope) for scope in scopes(space, 3, "Isotropy"))


def _measure(space: Space, scope: Scope) -> Finding:
    m = moments(space, scope)
    total = float(np.trace(m.covariance))
    after = participation(m.covariance) if total > SAME else 1.0
    wide = max(1, m.d - 1)
    value = min(1.0, max(0.0, (after - 1) / wide))
    error = spectrum_error(space, scope, participation_of, centered=True) / wide
    low, high = normal(value, error, 0.0, 1.0)
    even = isotropic_participation(m.n - 1, m.d)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference((even - 1) / wide, "isotropic, same n and d"),
        yardstick=log_share_of_isotropic(after, m.n - 1, m.d),
        sentence=(
            f"The IsoScore of the {PLURAL[scope]} is {estimate(value, low, high)}, against "
            f"{format_value((even - 1) / wide)} for isotropic data of the same n. At a low score "
            "cosines compare items on a few directions only."
        ),
        detail=(
            f"Participation ratio {format_value(after)} of {count(m.d, 'direction')}; before "
            f"centering {format_value(participation(m.second))}."
        ),
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        curve=_cumulative(m) if total > SAME else None,
    )


def _cumulative(m: Moments) -> Curve:
    values = m.centered_eigen[0]
    order = np.arange(1.0, len(values) + 1)
    share = np.cumsum(values) / values.sum()
    return Curve(order, share, "first directions", "share of the variance", log_x=True)
