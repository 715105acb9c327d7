from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.nulls import isotropic_participation, log_share_of_isotropic
from core.numerics.spectra import SAME, moments, participation, participation_of, spectrum_error
from core.numerics.stats import normal
from core.types import Finding, Reference, Scope, Space


@diagnostic(
    title="Participation ratio",
    concern="Vectors fill few directions",
    family="Collapse",
    source="Gao, Ganguli. On Simplicity and Complexity in the Brave New World of Large-Scale "
    "Neuroscience. Current Opinion in Neurobiology 2015; the correction for n is ours.",
    better="high",
    bounds=(1.0, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "log of the ratio as a share of isotropic data's at the same n and d",
        good=0.5,
        bad=0.25,
        source="ours, the same as for isotropy",
    ),
    advice=Advice(
        why="It counts the directions that matter to a cosine; when it is low, a few topics "
        "determine every ranking.",
        what=UNCONE,
    ),
    over="as many images or texts like these",
)
def participation_ratio(space: Space) -> tuple[Finding, ...]:
    """Number of directions that share the variance, from its squares.

    (sum l)^2 / sum l^2 for the eigenvalues l of the covariance: r when r directions share the
    variance equally, 1 on a line (or when all rows are the same). Squares emphasize the strong
    directions, where the effective rank also counts the weak. It is IsoScore before scaling to
    0..1.

    A finite sample underestimates it: 1 / PR is too large by about 1 / (n - 1). The detail gives
    the corrected number, and the one before centering; compare raw values at equal n only.

    Args:
        space: at least three items of one kind.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.

    Raises:
        TooFew: fewer than three images and fewer than three texts.

    >>> rows = np.concatenate([np.eye(3, 8), -np.eye(3, 8)]).astype(np.float32)
    >>> round(participation_ratio(Space(rows, tuple("abcdef"), 6))[0].value, 6)
    3.0
    """
    return tuple(_measure(space, scope) for scope in scopes(space, 3, "The participation ratio"))


def _measure(space: Space, scope: Scope) -> Finding:
    m = moments(space, scope)
    varied = np.trace(m.covariance) > SAME
    value = max(1.0, participation(m.covariance)) if varied else 1.0
    error = spectrum_error(space, scope, participation_of, centered=True)
    low, high = normal(value, error, 1.0, float(min(m.n, m.d)))
    even = isotropic_participation(m.n - 1, m.d)
    before = participation(m.second)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "isotropic, same n and d"),
        yardstick=log_share_of_isotropic(value, m.n - 1, m.d),
        sentence=(
            f"The participation ratio of the {PLURAL[scope]} is "
            f"{estimate(value, low, high)} of {count(m.d, 'dimension')}, against "
            f"{format_value(even)} for isotropic data of the same n. When it is low, a few topics "
            "determine every ranking."
        ),
        detail=f"{_corrected(value, m.n, m.d)}Before centering: {format_value(before)}.",
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
    )


def _corrected(value: float, n: int, d: int) -> str:
    """The estimate for many more items, where n suffices for it."""
    rest = 1 / value - 1 / (n - 1)
    if rest * d < 1:
        return ""
    return f"For many more items it is estimated at {format_value(1 / rest)}. "
