from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.nulls import isotropic_rankme
from core.numerics.spectra import moments, rankme, spectrum_error
from core.numerics.stats import normal
from core.types import Curve, Doubles, Finding, Reference, Scope, Space


@diagnostic(
    title="Effective rank",
    concern="Vectors fill few directions",
    family="Collapse",
    source="Garrido, Balestriero, Najman, LeCun. RankMe: Assessing the Downstream Performance of "
    "Pretrained Self-Supervised Representations by Their Rank. ICML 2023; Roy, Vetterli. The "
    "Effective Rank. EUSIPCO 2007.",
    better="high",
    bounds=(1.0, np.inf),
    invariant=("rotation", "order"),
    aid="Energy along each direction, largest first, on log-log axes. A slow decay uses many "
    "directions; a cliff is where the space collapses.",
    threshold=Threshold(
        "RankMe as a share of isotropic data's at the same n and d",
        good=0.4,
        bad=0.15,
        source="ours",
    ),
    advice=Advice(
        why="The fewer directions in use, the fewer things can be distinguished; it drops before "
        "recall does.",
        what=UNCONE,
    ),
    over="as many images or texts like these",
    vital="image",
)
def effective_rank(space: Space) -> tuple[Finding, ...]:
    """Effective number of directions in use, from the entropy of the singular values (RankMe).

    exp(entropy of s / sum s) for the singular values s of the rows as they are (not centered). 1
    when all items lie on one line, d when every direction is used equally. It grows with n: compare
    with the reference, isotropic data of the same n and d, or at equal n.

    The paper adds 1e-7 to each share; here a share of 0 adds nothing, so r equal singular values
    give exactly r.

    Args:
        space: at least two items of one kind.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.
        curve: eigenvalues of the second moment (squared singular values / n), largest first.

    Raises:
        TooFew: fewer than two images and fewer than two texts.

    >>> space = Space(np.eye(4, dtype=np.float32)[:3], ("a", "b", "c"), 3)
    >>> round(effective_rank(space)[0].value, 6)
    3.0
    """
    return tuple(_measure(space, scope) for scope in scopes(space, 2, "The effective rank"))


def _measure(space: Space, scope: Scope) -> Finding:
    m = moments(space, scope)
    values = m.eigen[0]
    value = rankme(values)
    error = spectrum_error(space, scope, rankme, centered=False)
    low, high = normal(value, error, 1.0, float(min(m.n, m.d)))
    even = isotropic_rankme(m.n, m.d)
    most = int(np.searchsorted(np.cumsum(values) / values.sum(), 0.95)) + 1
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "isotropic, same n and d"),
        yardstick=value / even,
        sentence=(
            f"The effective rank (RankMe) of the {PLURAL[scope]} is {estimate(value, low, high)} "
            f"of {count(m.d, 'dimension')}, against {format_value(even)} for isotropic data of the "
            "same n. "
            "The lower, the fewer things can be distinguished."
        ),
        detail=f"Directions that hold 95% of the energy: {most}.",
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        curve=_spectrum(values),
    )


def _spectrum(values: Doubles) -> Curve:
    kept = values[values > 1e-12 * values[0]]
    order = np.arange(1.0, len(kept) + 1)
    return Curve(order, kept, "direction", "energy along it", log_x=True, log_y=True)
