"""What diagnostics share: the scopes they can measure, and the formatting of estimates.

Every number that is read is formatted here, so that a sentence never contradicts the value beside
it. NaN ends are no interval: the number then stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10, nan

import numpy as np

from core.errors import InputError, TooFew
from core.types import KINDS, Curve, Doubles, Finding, Floats, Ints, Kind, Scope, Space

PLURAL: dict[Scope, str] = {"image": "images", "text": "texts", "joint": "items", "pairs": "pairs"}
# Whose neighbor lists are counted, and the items in them.
SIDES: dict[Scope, tuple[Kind, Kind]] = {
    "joint": ("text", "image"),
    "image": ("image", "image"),
    "text": ("text", "text"),
}
BINS = 60  # of a histogram
QUOTED = 24  # characters of a label in a sentence
ROUNDING = 1e-6  # below it a number, or an interval's width, is rounding of float32 rows
MINUS = "−"  # in everything that is read; numbers in JSON and CSV have their own


def scopes(
    space: Space, least: int, what: str, among: Sequence[Scope] = ("image", "text")
) -> tuple[Scope, ...]:
    """The scopes with at least `least` items; "joint" also needs both kinds.

    Raises:
        TooFew: none has enough.
    """
    sizes = {s: _size(space, s) for s in among}
    if max(sizes.values()) < least:
        items = "items" if "joint" in among else "items of one kind"
        raise TooFew(what, least, items, max(sizes.values()), "Add more items.")
    return tuple(s for s in among if sizes[s] >= least)


def both_kinds(space: Space, least: int, what: str) -> None:
    """Check that there are `least` images and `least` texts.

    Raises:
        TooFew: fewer of either.
    """
    if space.n_images < least:
        raise TooFew(what, least, "images", space.n_images, "Add images.")
    if space.n - space.n_images < least:
        raise TooFew(what, least, "texts", space.n - space.n_images, "Add captions.")


def format_value(value: float, low: float = nan, high: float = nan) -> str:
    """A number with the digits that its interval supports, two significant ones at least.

    Without an interval, or for an exact value, three significant digits; "–" for no number.

    >>> format_value(0.82367, 0.81, 0.84), format_value(-3.249, -9, 2), format_value(85.8, 60, 99)
    ('0.82', '−3.2', '86')
    >>> format_value(0.41873), format_value(12345.6), format_value(3.0), format_value(-2e-17)
    ('0.419', '12,346', '3', '0')
    >>> format_value(3e-8), format_value(3e-8, -4e-7, 5e-7)  # rounding of float32 rows
    ('0', '0')
    >>> format_value(nan)
    '–'
    """
    return _fixed(value, _decimals(value, low, high)) if isfinite(value) else "–"


def interval(value: float, low: float, high: float) -> str:
    """The ends of a 95% interval with the decimals of its value; "" where there is none.

    >>> interval(0.418, 0.402, 0.441), interval(0.4, nan, nan), interval(3.0, 3.0, 3.0)
    ('0.40 to 0.44', '', '')
    """
    if not high - low > ROUNDING * max(1.0, abs(value)):
        return ""
    decimals = _decimals(value, low, high)
    return f"{_fixed(low, decimals)} to {_fixed(high, decimals)}"


def estimate(value: float, low: float, high: float, unit: str = "") -> str:
    """A number with its 95% interval, where it has one.

    >>> estimate(0.82367, 0.81, 0.84), estimate(12.3, 10, 15, "°"), estimate(3.0, 3.0, 3.0)
    ('0.82 (0.81 to 0.84)', '12° (10 to 15°)', '3')
    >>> estimate(0.41873, nan, nan)
    '0.419'
    """
    number, ends = format_value(value, low, high), interval(value, low, high)
    return f"{number}{unit} ({ends}{unit})" if ends else f"{number}{unit}"


def percent(value: float, low: float = nan, high: float = nan) -> str:
    """A share with its 95% interval, where it has one, in percent.

    >>> percent(0.123, 0.1, 0.15), percent(0.9962, 0.981, 1.0), percent(0.4567, 0.4566, 0.4568)
    ('12% (10 to 15%)', '99.6% (98 to 100%)', '46%')
    >>> percent(1.0, 0.97, 1.0), percent(0.5, nan, nan)
    ('100% (97 to 100%)', '50%')
    """
    number, first, last = share(value), share(low), share(high)
    if not high > low or number == first == last:
        return number
    return f"{number} ({first.removesuffix('%')} to {last})"


def points(gain: float, low: float = nan, high: float = nan) -> str:
    """A difference of two shares in percentage points with its 95% interval, where it has one.

    >>> points(0.012, -0.005, 0.03), points(-0.05), points(-0.0001)
    ('+1.2 points (−0.5 to +3.0)', '−5.0 points', '+0.0 points')
    """
    rounded = (round(100 * x, 1) + 0.0 for x in (gain, low, high))  # without a negative zero
    value, *ends = (f"{x:+.1f}".replace("-", MINUS) for x in rounded)
    return f"{value} points ({' to '.join(ends)})" if isfinite(low) else f"{value} points"


def share(value: float) -> str:
    """A share in percent: two significant digits, and one decimal from 99%.

    >>> share(0.0123), share(0.0078125), share(3e-23), share(0.0), share(0.9967), share(0.99996)
    ('1.2%', '0.78%', '<0.1%', '0%', '99.7%', '>99.9%')
    >>> share(0.988), share(0.998001), share(1.0), share(-0.057)
    ('99%', '99.8%', '100%', '−5.7%')
    """
    points = 100 * abs(value)
    sign = MINUS if value < 0 else ""
    if points < 0.1:
        return "<0.1%" if value > 0 else "0%"
    if 99.95 <= points < 100 - 1e-9:
        return f"{sign}>99.9%"
    if points < 10:
        text = f"{points:.2g}"
    else:
        text = f"{points:.1f}" if 99 <= points < 99.95 else f"{points:.0f}"
    return f"{sign}{text.removesuffix('.0')}%"


def count(n: int, one: str, many: str = "") -> str:
    """A number and its noun.

    >>> count(1, "image"), count(2300, "text"), count(0, "copy", "copies")
    ('1 image', '2,300 texts', 'no copies')
    """
    name = one if n == 1 else (many or f"{one}s")
    return f"{n:,} {name}" if n else f"no {name}"


def _decimals(value: float, low: float, high: float) -> int:
    half = (high - low) / 2
    if 2 * half > ROUNDING * max(1.0, abs(value)):
        size = max(abs(value), half)
        digits = max(1 - floor(log10(size)), -floor(log10(half)))
    elif abs(value) < ROUNDING or value == round(value):
        digits = 0
    else:
        digits = 2 - floor(log10(abs(value)))
    return min(max(digits, 0), 6)


def _fixed(value: float, decimals: int) -> str:
    if not isfinite(value):
        return "–"
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def quoted(name: str) -> str:
    """A label in quotes, cut to 24 characters, for sentences.

    >>> quoted("cat"), quoted("a very long label that explains itself")
    ("'cat'", "'a very long label that e…'")
    """
    return f"'{name}'" if len(name) <= QUOTED else f"'{name[:QUOTED].rstrip()}…'"


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


def histogram(values: Doubles | Floats, x_title: str, y_title: str) -> Curve:
    """Counts of values in equal bins, x at their middles."""
    x = np.asarray(values, np.float64)
    ends = (float(x.min()), float(x.max()))
    if not ends[1] - ends[0] > 1e-9:  # equal but for rounding: no room for bins
        ends = (ends[0] - 0.5, ends[1] + 0.5)
    counts, edges = np.histogram(x, BINS, ends)
    return Curve((edges[1:] + edges[:-1]) / 2, counts.astype(np.float64), x_title, y_title)


def by_count(counts: Ints | Doubles, x_title: str, y_title: str) -> Curve:
    """Number of items with each count, over the counts that occur; y is drawn on a log scale.

    >>> curve = by_count(np.array([0, 2, 0]), "lists", "items")
    >>> curve.x.tolist(), curve.y.tolist()
    ([0.0, 2.0], [2.0, 1.0])
    """
    sizes, items = np.unique(counts, return_counts=True)
    return Curve(sizes.astype(np.float64), items.astype(np.float64), x_title, y_title, log_y=True)


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
    edges = np.histogram_bin_edges(finding.per_item[measured].astype(np.float64), BINS)
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
