from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, scopes
from core.measure.verdicts import UNCONE, Advice, Threshold
from core.numerics.centering import centered
from core.numerics.nulls import even_partition_isotropy
from core.numerics.sampling import groups, items_error, sampled_rows
from core.numerics.spectra import Moments, moments, projections
from core.numerics.stats import normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Floats, Reference, Scope, Space

BLOCK = 8192
CLOSE = 1e-6  # eigenvalues whose vectors are any of a plane
TURNED = 0.05  # squared angle


@diagnostic(
    title="Partition isotropy",
    concern="Vectors crowd around one direction",
    family="Spread",
    source="Mu, Viswanath. All-but-the-Top: Simple and Effective Postprocessing for Word "
    "Representations. ICLR 2018, after Arora et al. TACL 2016.",
    aid="Partition function along each principal direction. A flat line favors none; a steep end "
    "is one strong direction, most often the mean.",
    better="high",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "smallest over largest partition sum, as a share of a uniform distribution's",
        good=0.33,
        bad=0.19,
        source="ours: mean cosines of 0.3 and 0.7",
    ),
    over="as many images or texts like these",
    cause="mean",
    advice=Advice(
        why="A space that leans in one direction favors the items on that side in every ranking.",
        what=UNCONE,
    ),
)
def partition_isotropy(
    space: Space,
    *,
    rows: Annotated[int, Range(1000, 2_000_000, "items summed over, at most")] = 20_000,
) -> tuple[Finding, ...]:
    """Ratio of the smallest to the largest partition function over the principal directions.

    Z(c) is the mean of exp(c . x) over the items. The value is the smallest Z over the largest, for
    c the eigenvectors of the second moment and their opposites: 1 when no direction is favored. For
    unit rows it cannot be below exp(-2) = 0.135, which is all of them at one point. The detail
    gives the same after centering and normalization, along the eigenvectors of the covariance.

    Where eigenvalues are equal their vectors are not unique, and any of them may be used.

    Args:
        space: at least three items of one kind.
        rows: items summed over, random ones beyond; the eigenvectors are always those of all.

    Returns:
        A finding each for images and texts. The interval is over as many items; none where
        their eigenvalues are so close that the two directions could be quite others.
        curve: Z from the smallest to the largest direction.

    Raises:
        TooFew: fewer than three images and fewer than three texts.

    >>> cross = np.concatenate([np.eye(4), -np.eye(4)]).astype(np.float32)
    >>> round(partition_isotropy(Space(cross, tuple("abcdefgh"), 8))[0].value, 6)
    1.0
    """
    return tuple(
        _measure(space, scope, rows) for scope in scopes(space, 3, "The partition isotropy")
    )


def _measure(space: Space, scope: Scope, most: int) -> Finding:
    m = moments(space, scope)
    rows = sampled_rows(space, scope, most, 0)
    sums = _partition(space.vectors[rows], m.eigen[1])
    value = float(sums.min() / sums.max())
    error = _error(space, scope, sums)
    share = np.sqrt(max(1.0, m.n / len(rows)))  # the error is for all rows, fewer were summed
    low, high = normal(value, error * share, 0.0, 1.0)
    even = even_partition_isotropy(m.n, m.d)
    left = centered(space, scope)
    after = "undefined"
    if len(left) > 2:
        again = _partition(left, m.centered_eigen[1])
        after = f"{again.min() / again.max():.3g}"
    order = np.arange(1.0, len(sums) + 1)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "uniform on the sphere, same n and d"),
        yardstick=value / even,
        sentence=(
            f"The partition isotropy of the {PLURAL[scope]} is {estimate(value, low, high)}, "
            f"against {even:.2f} for a uniform distribution and 0.14 for a single point. "
            "A low value favors the items on one side in every ranking."
        ),
        detail=f"After centering: {after}.",
        sampled=_sampled(len(rows), m.n, PLURAL[scope]),
        curve=Curve(order, np.sort(sums), "direction, least favored first", "mean of exp(c.x)"),
    )


def _partition(rows: Floats, directions: Doubles) -> Doubles:
    """(2 d,) mean of exp(c . x) for each direction, then for each opposite."""
    d = directions.shape[1]
    sums = np.zeros(2 * d)
    for start in range(0, len(rows), BLOCK):
        powers = np.exp(projections(rows[start : start + BLOCK], directions))
        sums[:d] += powers.sum(axis=0)
        sums[d:] += (1 / powers).sum(axis=0)
    return sums / len(rows)


def _error(space: Space, scope: Scope, sums: Doubles) -> float:
    """Standard error of the ratio; NaN where its two directions may be quite others."""
    m, drawn = moments(space, scope), len(np.unique(groups(space)[space.span(scope)]))
    values = m.eigen[0]
    turned = 0.0  # squared angle by which a direction is expected to be off
    for c in (sums.argmin() % m.d, sums.argmax() % m.d):
        others = np.delete(values, c)
        off = np.maximum(np.abs(others - values[c]), CLOSE)
        turned = max(turned, float((values[c] * others / off**2).sum() / drawn))
    if turned > TURNED:
        return float("nan")
    return items_error(space, {scope: lambda rows: _influence(m, space.vectors[rows], sums)})


def _influence(m: Moments, rows: Floats, sums: Doubles) -> Doubles:
    """Influence of each row on the ratio: on its two sums, and on their directions."""
    values, directions = m.eigen
    along = projections(rows, directions)
    moved = np.zeros(len(rows))
    for c, way in ((int(sums.argmin()), 1), (int(sums.argmax()), -1)):
        j, sign = c % m.d, 1 if c < m.d else -1
        powers = np.exp(sign * along[:, j])
        slopes = sign * (powers @ along) / len(rows)
        apart = values[j] - values
        apart[j] = np.inf
        turned = along @ (slopes / np.where(np.abs(apart) < CLOSE, CLOSE, apart)) * along[:, j]
        moved += way * (powers + turned) / sums[c]
    return moved * sums.min() / sums.max()


def _sampled(rows: int, n: int, kind: str) -> str:
    return f"exact, all {n:,} {kind}" if rows == n else f"random {rows:,} of {n:,} {kind}"
