from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.nulls import isotropic_stable_rank
from core.numerics.spectra import SAME, moments, spectrum_error
from core.numerics.stats import normal
from core.types import Finding, Reference, Scope, Space


@diagnostic(
    title="Stable rank (NESum)",
    concern="One direction dominates",
    family="Collapse",
    source="Rudelson, Vershynin. Sampling from Large Matrices. JACM 2007; He, Ozay. Exploring the "
    "Gap between Collapsed and Whitened Features in Self-Supervised Learning. ICML 2022 (NESum).",
    better="high",
    bounds=(1.0, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "energy of the first direction beyond isotropic data's at the same n and d",
        good=0.33,
        bad=0.67,
        source="ours: about mean cosines of 0.3 and 0.7",
    ),
    over="as many images or texts like these",
    cause="mean",
    advice=Advice(
        why="Near 1 one direction determines every cosine, and that is mostly the mean.",
        what=UNCONE,
    ),
)
def stable_rank(space: Space) -> tuple[Finding, ...]:
    """Sum of the eigenvalues over the largest one.

    Of the second moment (rows as they are): 1 when one direction holds all energy, d when every
    direction holds the same. With a cone around the mean it is little more than 1 / R^2 for the
    mean resultant length R; the detail gives the value after centering. NESum is the same ratio on
    the same spectrum, so it has no part of its own.

    Args:
        space: at least two items of one kind.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.

    Raises:
        TooFew: fewer than two images and fewer than two texts.

    >>> rows = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], np.float32)  # s = 2, 1
    >>> stable_rank(Space(rows, tuple("abcde"), 5))[0].value
    1.25
    """
    return tuple(_measure(space, scope) for scope in scopes(space, 2, "The stable rank"))


def _measure(space: Space, scope: Scope) -> Finding:
    m = moments(space, scope)
    values = m.eigen[0]
    value = float(values.sum() / values[0])
    error = spectrum_error(space, scope, lambda v: float(v.sum() / v[0]), centered=False)
    low, high = normal(value, error, 1.0, float(min(m.n, m.d)))
    even = isotropic_stable_rank(m.n, m.d)
    rest = m.centered_eigen[0]
    after = "undefined"
    if rest.sum() > SAME:
        after = f"{rest.sum() / rest[0]:.3g}"
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "isotropic, same n and d"),
        yardstick=(1 / value - 1 / even) / (1 - 1 / even) if even > 1 else 0.0,
        sentence=(
            f"The stable rank of the {PLURAL[scope]} is {estimate(value, low, high)}, "
            f"against {even:.3g} for isotropic data of the same n. Near 1 one direction determines "
            "every cosine."
        ),
        detail=f"After centering: {after}.",
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
    )
