from __future__ import annotations

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.nulls import isotropic_spectrum
from core.numerics.spectra import moments, spectrum_error
from core.numerics.stats import normal
from core.types import Curve, Doubles, Finding, Reference, Scope, Space

FIRST, LAST = 11, 500  # eigenvalues that are fitted, counted from 1
TAIL = 1e-6  # of the largest: below it an eigenvalue is rounding
LEAST = 5  # points to fit
STRAIGHT = 0.9  # R^2 from which one exponent describes the spectrum


@diagnostic(
    title="Spectral decay (alpha-ReQ)",
    concern="The spectrum decays too fast or too slowly",
    family="Collapse",
    source="Agrawal, Mondal, Ghosh, Richards. alpha-ReQ: Assessing Representation Quality in "
    "Self-Supervised Learning by Measuring Eigenspectrum Decay. NeurIPS 2022; the fit range is "
    "ours.",
    aid="Variance along each fitted direction, on log-log axes. A straight line is a power law; a "
    "curved one has no single exponent.",
    better="none",
    bounds=(-np.inf, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "distance of the exponent from the range of 1 to isotropic data's at the same n and d",
        good=0.5,
        bad=1.5,
        source="Agrawal et al. 2022 report the best features near 1; lines ours",
    ),
    advice=Advice(
        why="Far below 1 the variance is spread so evenly that most of it is noise; far above 1 a "
        "few directions hold everything and fine differences are lost.",
        what=UNCONE,
    ),
    over="as many images or texts like these",
)
def alpha_req(space: Space) -> tuple[Finding, ...]:
    """Exponent of the power law by which the variance decays over the principal directions.

    The alpha of l_i ~ i^-alpha for the eigenvalues l of the covariance: minus the slope of a least-
    squares line through log l_i against log i. 0 when all directions have the same variance; the
    larger, the fewer directions matter. Values around 1 are reported to accompany good features.

    The line is fitted from i = 11 to 500 (or d), excluding eigenvalues below 1e-6 of the largest.
    With R^2 below 0.9 no single exponent describes the spectrum, and there is no verdict. A finite
    sample makes any spectrum steeper: compare with the reference.

    Args:
        space: at least 15 directions with variance, hence at least 16 items of one kind.

    Returns:
        A finding each for images and texts. The interval is about the value at this
        number of items: what as many others like these would give.
        curve: the eigenvalues that were fitted.

    Raises:
        TooFew: fewer directions with variance.

    >>> rows = np.concatenate([np.eye(16), -np.eye(16)]).astype(np.float32)
    >>> abs(round(alpha_req(Space(rows, tuple(map(str, range(32))), 32))[0].value, 6))
    0.0
    """
    findings = [_measure(space, scope) for scope in scopes(space, 2, "Spectral decay")]
    measured = tuple(f for f in findings if isinstance(f, Finding))
    if not measured:
        raise TooFew(
            "Spectral decay",
            FIRST + LEAST - 1,
            "directions with variance",
            max(f for f in findings if isinstance(f, int)),
            "Add more items.",
        )
    return measured


def _measure(space: Space, scope: Scope) -> Finding | int:
    """The finding, or the number of directions with variance when that is too small."""
    m = moments(space, scope)
    values = m.centered_eigen[0]
    last = _last(values)
    if last < FIRST + LEAST - 1:
        return last
    weights, kept, value = _weights(last), values[FIRST - 1 : last], _exponent(values)
    error = spectrum_error(space, scope, _exponent, centered=True)
    low, high = normal(value, error)
    straight = _straightness(kept)
    null = isotropic_spectrum(m.n - 1, m.d)[FIRST - 1 : last]
    even = float(weights[null > 0] @ np.log(null[null > 0]))
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "isotropic, same n and d"),
        yardstick=max(value - max(1, even), min(1, even) - value, 0.0)
        if straight >= STRAIGHT
        else np.nan,
        sentence=(
            f"The spectral decay exponent of the {PLURAL[scope]} is {estimate(value, low, high)}, "
            f"against {even:.2f} for isotropic data. "
            + (
                "Values near 1 are reported to accompany good features."
                if straight >= STRAIGHT
                else "The log-log spectrum is curved: no single exponent describes it."
            )
        ),
        detail=f"Fitted to eigenvalues {FIRST} to {last} (R² {straight:.2f}).",
        sampled=f"exact, all {m.n:,} {PLURAL[scope]}",
        curve=Curve(
            np.arange(FIRST, last + 1.0), kept, "direction", "variance along it", True, True
        ),
    )


def _last(values: Doubles) -> int:
    """The number of the last eigenvalue that is fitted, or could be."""
    return min(LAST, int((values > max(TAIL * values[0], 1e-14)).sum()))


def _exponent(values: Doubles) -> float:
    """The fitted alpha; NaN where too few eigenvalues have variance."""
    last = _last(values)
    if last < FIRST + LEAST - 1:
        return float("nan")
    return float(_weights(last) @ np.log(values[FIRST - 1 : last]))


def _weights(last: int) -> Doubles:
    """The weight of each log eigenvalue in the fitted alpha."""
    x = np.log(np.arange(FIRST, last + 1))
    off = x - x.mean()
    weights: Doubles = -off / (off @ off)
    return weights


def _straightness(values: Doubles) -> float:
    """R^2 of the line; 1 when there is nothing to explain."""
    x, y = np.log(np.arange(FIRST, FIRST + len(values))), np.log(values)
    if y.std() < 1e-9:
        return 1.0
    return float(np.corrcoef(x, y)[0, 1] ** 2)
