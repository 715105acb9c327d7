"""What estimated scores lose of exact lists: how much, of whose pairs, and which items.

All of it follows from one array: the place that each item of an exact list has among estimated
scores. An item in place 37 is lost from the first ten, and kept by rescoring the first forty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.numerics.neighbors import precede
from core.numerics.stats import clustered_error, family_z, share_interval
from core.types import Bools, Floats, Ints

DRAWS = 1000  # of the paired bootstrap
LEAST_PLACES = 20  # in exact lists, for a share of a group

Interval = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True)
class GroupLoss:
    """What a group of items lost of its places in exact lists.

    `value` is the share that is lost, with its 95% interval; `expected` what it would be were each
    query's losses any of its results, with the range that 95% of all groups together stay in
    (`null_low` to `null_high`).
    """

    group: str
    value: float
    low: float
    high: float
    expected: float
    null_low: float
    null_high: float
    places: int

    @property
    def more(self) -> bool:
        """Whether it loses more than random losses would take from it."""
        return self.value > self.null_high


def places(scores: Floats, exact: Ints) -> Ints:
    """(q, k) the place, from 1, of each exact result among estimated scores.

    Args:
        scores: (q, n) estimated scores.
        exact: (q, k) the exact results, best first.

    >>> places(np.array([[0.1, 0.9, 0.5, 0.7]], np.float32), np.array([[1, 2]])).tolist()
    [[1, 3]]
    """
    found = np.empty(exact.shape, np.int64)
    for at in range(exact.shape[1]):
        column = exact[:, at]
        own = np.take_along_axis(scores, column[:, None], axis=1)[:, 0]
        found[:, at] = precede(scores, own, column).sum(axis=1) + 1
    return found


def list_recall(found: Ints, clusters: Ints, m: int = 0) -> Interval:
    """Share of the exact results among the first m by estimated scores, with its 95% interval.

    Args:
        found: (q, k) by `places`.
        clusters: (q,) queries of one cluster are drawn together.
        m: results that count; k without.

    >>> list_recall(np.array([[1, 2], [1, 3]]), np.arange(2))[0]
    0.75
    """
    kept = (found <= (m or found.shape[1])).mean(axis=1)
    value = float(kept.mean())
    if len(np.unique(clusters)) < 2:
        return value, float("nan"), float("nan")
    return value, *share_interval(value, clustered_error(kept, clusters), clusters)


def shortlist_for(found: Ints, level: float) -> int:
    """The fewest results to rescore exactly so that this share of the exact ones is kept.

    >>> shortlist_for(np.array([[1, 2], [1, 30]]), 0.75), shortlist_for(np.array([[1, 30]]), 1.0)
    (2, 30)
    """
    ordered = np.sort(found, axis=None)
    needed = int(ordered[max(0, int(np.ceil(level * len(ordered) - 1e-9)) - 1)])
    return max(found.shape[1], needed)


def paired_gain(after: Bools, before: Bools, clusters: Ints) -> Interval:
    """Mean gain on the same queries, with its 95% interval (bootstrap of clusters).

    Of a single cluster there is none: its ends are NaN.

    Args:
        after: (q,) whether a query finds its item.
        before: (q,) the same by other scores.
        clusters: (q,) queries of one cluster are drawn together.

    >>> paired_gain(np.array([True, False]), np.array([True, False]), np.arange(2))
    (0.0, 0.0, 0.0)
    """
    gain = after.astype(np.float64) - before
    _, place, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        return float(gain.mean()), float("nan"), float("nan")
    sums = np.bincount(place, weights=gain)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(sums), len(sums)) for _ in range(DRAWS)]
    means = [sums[one].sum() / sizes[one].sum() for one in drawn]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(gain.mean()), float(low), float(high)


def group_losses(
    found: Ints, groups: Ints, names: Sequence[str], clusters: Ints
) -> tuple[GroupLoss, ...]:
    """What each group of items loses of its places in exact lists, against random loss.

    Under random loss each query loses as many of its results as it did, any of them: a group with
    g of a query's k results expects g/k of that query's losses (hypergeometric).

    Args:
        found: (q, k) by `places`.
        groups: (q, k) group of each exact result; -1 for none.
        names: of the groups, by number.
        clusters: (q,) queries of one cluster are drawn together.

    Returns:
        Groups with at least twenty places, in the order of `names`.
    """
    k = found.shape[1]
    lost = found > k
    per_query = lost.sum(axis=1)
    z, result = family_z(len(names)), []
    for number, name in enumerate(names):
        mine = groups == number
        own = mine.sum(axis=1)
        n = int(own.sum())
        if n < LEAST_PLACES:
            continue
        taken = (lost & mine).sum(axis=1)
        value = float(taken.sum() / n)
        touched = own > 0
        low, high = _ratio_interval(value, taken[touched], own[touched], clusters[touched])
        share = own / k
        expected = float((per_query * share).sum() / n)
        spread = (per_query * share * (1 - share) * (k - per_query) / max(1, k - 1)).sum()
        wide = z * float(np.sqrt(spread)) / n
        null = max(0.0, expected - wide), min(1.0, expected + wide)
        result.append(GroupLoss(name, value, low, high, expected, *null, n))
    return tuple(result)


def _ratio_interval(value: float, taken: Ints, own: Ints, clusters: Ints) -> tuple[float, float]:
    """Of lost places over places, where queries are drawn."""
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=taken - value * own)
    groups = len(sums)
    if groups < 2:
        return float("nan"), float("nan")
    error = float(np.sqrt(groups / (groups - 1) * (sums**2).sum()) / own.sum())
    return share_interval(value, error, np.repeat(clusters, own))
