from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.nulls import isotropic_spectrum
from core.numerics.spectra import moments, spectrum_error
from core.numerics.stats import normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Reference, Scope, Space


@diagnostic(
    title="Coding rate",
    concern="Vectors fill few directions",
    family="Collapse",
    source="Yu, Chan, You, Song, Ma. Learning Diverse and Discriminative Representations via the "
    "Principle of Maximal Coding Rate Reduction. NeurIPS 2020; the form without 1/2 is that of "
    "Ding, Tong, Chan, Dai, Ma, Haeffele. ICCV 2023.",
    better="high",
    bounds=(0.0, np.inf),
    invariant=("rotation", "order"),
    aid="Contribution of each direction to the rate, in nats, largest first. Directions at 0 add "
    "nothing.",
    threshold=Threshold(
        "coding rate as a share of isotropic data's at the same n and d",
        good=0.4,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="It is the information needed to distinguish the items; a low rate means that many "
        "are redundant.",
        what=UNCONE,
    ),
    over="as many images or texts like these",
)
def coding_rate(
    space: Space,
    *,
    precision: Annotated[float, Range(0.001, 10, "allowed squared error (eps^2)")] = 0.5,
) -> tuple[Finding, ...]:
    """Nats needed to encode the items up to a given error.

    R = log det(I + d / (n eps^2) Z Z'), the form without 1/2, eps^2 = 0.5. It grows with the number
    of directions in use and with their evenness; d log(1 + 1 / eps^2) is the maximum for unit rows.
    The reference is isotropic data of the same n and d.

    Args:
        space: at least two items of one kind.
        precision: eps^2.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.
        curve: the contribution of each direction.

    Raises:
        TooFew: fewer than two images and fewer than two texts.

    >>> space = Space(np.eye(2, dtype=np.float32), ("a", "b"), 2)
    >>> round(coding_rate(space)[0].value, 6)  # 2 log(1 + 1 / 0.5)
    2.197225
    """
    return tuple(_measure(space, s, precision) for s in scopes(space, 2, "The coding rate"))


def rate(eigenvalues: Doubles, scale: float) -> float:
    """Nats of log det(I + scale M), from the eigenvalues of M.

    >>> round(rate(np.full(10, 0.1), 128 / 0.5), 4)  # ten even directions of 128
    32.8091
    """
    return float(np.log1p(scale * eigenvalues).sum())


def _measure(space: Space, scope: Scope, precision: float) -> Finding:
    m = moments(space, scope)
    values = m.eigen[0]
    scale = m.d / precision
    value = rate(values, scale)
    error = spectrum_error(space, scope, lambda values: rate(values, scale), centered=False)
    most = m.d * float(np.log1p(1 / precision))
    low, high = normal(value, error, 0.0, max(most, value))
    even = rate(isotropic_spectrum(m.n, m.d), scale)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "isotropic, same n and d"),
        yardstick=value / even,
        sentence=(
            f"The coding rate of the {PLURAL[scope]} is {estimate(value, low, high)} nats, "
            f"{value / even:.0%} of the {even:.4g} nats of isotropic data. "
            "A low share means that many items are redundant."
        ),
        detail=(
            f"At a squared error of {precision:g}, form without 1/2; the maximum for unit rows is "
            f"{most:.4g} nats."
        ),
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        curve=Curve(np.arange(1.0, m.d + 1), np.log1p(scale * values), "direction", "nats", True),
    )
