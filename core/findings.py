"""What every diagnostic shares: which scopes it can speak of, intervals, and numbers in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import numpy as np

from core.errors import TooFew
from core.types import Curve, Doubles, Floats, Ints, Scope, Space

Z = 1.959964  # two-sided 95 % of a normal distribution
PLURAL: dict[Scope, str] = {"image": "images", "text": "texts", "joint": "items", "pairs": "pairs"}


def scopes(
    space: Space, least: int, what: str, among: Sequence[Scope] = ("image", "text")
) -> tuple[Scope, ...]:
    """The scopes with at least `least` items; "joint" also needs both kinds.

    Raises:
        TooFew: none has enough.
    """
    sizes = {s: _size(space, s) for s in among}
    if max(sizes.values()) < least:
        raise TooFew(what, least, "items of one kind", max(sizes.values()), "Add more items.")
    return tuple(s for s in among if sizes[s] >= least)


def both_kinds(space: Space, least: int, what: str) -> None:
    """Refuse a space without `least` images and `least` texts."""
    if space.n_images < least:
        raise TooFew(what, least, "images", space.n_images, "Add images.")
    if space.n - space.n_images < least:
        raise TooFew(what, least, "texts", space.n - space.n_images, "Add captions.")


def normal(
    value: float, error: float, low: float = -np.inf, high: float = np.inf
) -> tuple[float, float]:
    """The 95 % interval of a normal estimate, kept within `low` and `high`."""
    return max(low, min(value, value - Z * error)), min(high, max(value, value + Z * error))


def wilson(hits: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927).

    >>> [round(x, 3) for x in wilson(0, 10)]
    [0.0, 0.278]
    """
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * np.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def clustered_error(values: Doubles, clusters: Ints) -> float:
    """Standard error of the mean when values of one cluster belong together.

    >>> clustered_error(np.array([1.0, 1.0, 3.0, 3.0]), np.array([7, 7, 9, 9]))
    1.0
    """
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=values - values.mean())
    groups = len(sums)
    return float(np.sqrt(groups / (groups - 1) * (sums**2).sum()) / len(values))


def shown(value: float, low: float, high: float) -> str:
    """A number with as many digits as its interval supports.

    >>> shown(0.82367, 0.81, 0.84), shown(503.47, 480, 520), shown(0.5, 0.5, 0.5)
    ('0.82', '500', '0.5')
    """
    half = (high - low) / 2
    if not half > 1e-9:
        return f"{value:.4g}"
    digits = min(4, -floor(log10(half)))
    text = f"{round(value, digits):.{max(0, digits)}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def share(value: float) -> str:
    """A share in percent that claims no digits nobody could see.

    >>> share(0.0123), share(3e-23)
    ('1.2%', 'next to none')
    """
    return f"{100 * value:.2g}%" if value > 1e-5 else "next to none"


def spread(space: Space, rows: Ints | slice, values: Floats | Doubles) -> Floats:
    """(n,) values in their rows and NaN in the others: a finding's `per_item`."""
    result = np.full(space.n, np.nan, np.float32)
    result[rows] = values
    return result


def histogram(values: Doubles | Floats, x_title: str, y_title: str, bins: int = 60) -> Curve:
    """Counts of values in equal bins, x at their middles."""
    x = np.asarray(values, np.float64)
    ends = (float(x.min()), float(x.max()))
    if not ends[1] - ends[0] > 1e-9:  # all alike but for rounding: no room for bins
        ends = (ends[0] - 0.5, ends[1] + 0.5)
    counts, edges = np.histogram(x, bins, ends)
    return Curve((edges[1:] + edges[:-1]) / 2, counts.astype(np.float64), x_title, y_title)


def _size(space: Space, scope: Scope) -> int:
    span = space.span(scope)
    both = 0 < space.n_images < space.n
    return span.stop - span.start if scope in ("image", "text") or both else 0
