"""What diagnostics share: the scopes they can measure, and the formatting of estimates."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import numpy as np

from core.errors import InputError, TooFew
from core.types import KINDS, Curve, Doubles, Finding, Floats, Ints, Kind, Scope, Space

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
    """Reject a space without `least` images and `least` texts."""
    if space.n_images < least:
        raise TooFew(what, least, "images", space.n_images, "Add images.")
    if space.n - space.n_images < least:
        raise TooFew(what, least, "texts", space.n - space.n_images, "Add captions.")


def format_value(value: float, low: float, high: float) -> str:
    """A number with as many digits as its interval supports.

    >>> format_value(0.82367, 0.81, 0.84), format_value(503.47, 480, 520)
    ('0.82', '500')
    """
    half = (high - low) / 2
    if not half > 1e-9:
        return f"{value:.4g}"
    digits = min(4, -floor(log10(half)))
    text = f"{round(value, digits):.{max(0, digits)}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def estimate(value: float, low: float, high: float, unit: str = "") -> str:
    """A number with its 95 % interval, where it has one.

    >>> estimate(0.82367, 0.81, 0.84), estimate(12.3, 10, 15, "°"), estimate(3.0, 3.0, 3.0)
    ('0.82 (0.81 to 0.84)', '12° (10 to 15°)', '3')
    """
    number = format_value(value, low, high) + unit
    if not high - low > 1e-9:
        return number
    ends = (format_value(end, low, high) for end in (low, high))
    return f"{number} ({' to '.join(ends)}{unit})"


def percent(value: float, low: float, high: float) -> str:
    """A share with its 95 % interval, in percent.

    >>> percent(0.123, 0.1, 0.15)
    '12% (10 to 15%)'
    """
    return estimate(100 * value, 100 * low, 100 * high, "%")


def share(value: float) -> str:
    """A share in percent, without digits that mean nothing.

    >>> share(0.0123), share(3e-23)
    ('1.2%', 'about 0%')
    """
    return f"{100 * value:.2g}%" if value > 1e-5 else "about 0%"


def per_item(space: Space, rows: Ints | slice, values: Floats | Doubles) -> Floats:
    """(n,) values in their rows and NaN in the others: a finding's `per_item`."""
    result = np.full(space.n, np.nan, np.float32)
    result[rows] = values
    return result


def per_item_mean(space: Space, rows: Ints, values: Doubles) -> Floats:
    """(n,) mean of the values of each row, NaN in rows without: a finding's `per_item`."""
    counts = np.bincount(rows, minlength=space.n)
    sums = np.bincount(rows, weights=values, minlength=space.n)
    result = np.full(space.n, np.nan, np.float32)
    result[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return result


def histogram(values: Doubles | Floats, x_title: str, y_title: str, bins: int = 60) -> Curve:
    """Counts of values in equal bins, x at their middles."""
    x = np.asarray(values, np.float64)
    ends = (float(x.min()), float(x.max()))
    if not ends[1] - ends[0] > 1e-9:  # equal but for rounding: no room for bins
        ends = (ends[0] - 0.5, ends[1] + 0.5)
    counts, edges = np.histogram(x, bins, ends)
    return Curve((edges[1:] + edges[:-1]) / 2, counts.astype(np.float64), x_title, y_title)


def _size(space: Space, scope: Scope) -> int:
    span = space.span(scope)
    both = 0 < space.n_images < space.n
    return span.stop - span.start if scope in ("image", "text") or both else 0


def extremes(values: Floats, k: int) -> tuple[Ints, Ints]:
    """Rows of the k lowest and the k highest values, the most extreme first; NaN is left out.

    >>> low, high = extremes(np.array([3, np.nan, 1, 2], np.float32), 2)
    >>> low.tolist(), high.tolist()
    ([2, 3], [0, 3])
    """
    rows = np.flatnonzero(np.isfinite(values))
    order = rows[np.argsort(values[rows], kind="stable")]
    return order[:k], order[::-1][:k]


def finding_curves(space: Space, finding: Finding) -> dict[Kind, Curve]:
    """Histograms of a finding's per-item values, by kind, with shared bins.

    Raises:
        InputError: the finding is about the space as a whole.
    """
    if finding.per_item is None:
        raise InputError(f"{finding.name} has no per-item values.")
    measured = np.isfinite(finding.per_item)
    edges = np.histogram_bin_edges(finding.per_item[measured].astype(np.float64), 60)
    title = finding.per_item_title or finding.name
    rows = np.flatnonzero(measured)
    return {
        kind: Curve(
            (edges[1:] + edges[:-1]) / 2,
            np.histogram(finding.per_item[part], edges)[0].astype(np.float64),
            title,
            "items",
        )
        for kind in KINDS
        if len(part := rows_of_kind(space, rows, kind))
    }


def rows_of_kind(space: Space, rows: Ints, kind: Kind) -> Ints:
    """Those of some rows that are of a kind."""
    return rows[(rows < space.n_images) == (kind == "image")]
