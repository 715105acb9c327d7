"""How many items nobody finds, seen through a sample of those who look."""

from __future__ import annotations

import numpy as np

from core.types import Doubles, Ints


def never_found(counts: Ints | Doubles, share: float) -> tuple[float, float]:
    """Share of items that would be in no list if everyone were asked.

    Args:
        counts: (n,) lists of the sample that each item is in.
        share: of all lists that the sample holds, at most 1.

    Returns:
        Two estimates: from counts that follow a gamma-Poisson law with the sample's mean and its
        share of zeros, and from the items found once or twice (Chao's extrapolation). The share
        that the sample itself leaves out is never exceeded.

    >>> never_found(np.array([0, 0, 1, 2, 5]), 1.0)
    (0.4, 0.4)
    """
    zero = float((counts == 0).mean())
    if share >= 1 or zero in (0.0, 1.0):
        return zero, zero
    return _by_gamma(float(counts.mean()), zero, share), _by_chao(counts, zero, share)


def _by_gamma(mean: float, zero: float, share: float) -> float:
    """(1 + mean / r)^-r is the share of zeros; r is found by halving, and the mean raised."""
    if zero <= np.exp(-mean):
        return float(np.exp(-mean / share)) if zero > 0 else 0.0
    low, high = -30.0, 30.0
    for _ in range(80):
        r = float(np.exp((low + high) / 2))
        if -r * np.log1p(mean / r) > np.log(zero):
            low = np.log(r)
        else:
            high = np.log(r)
    return min(zero, float(np.exp(-r * np.log1p(mean / share / r))))


def _by_chao(counts: Ints | Doubles, zero: float, share: float) -> float:
    once, twice = float((counts == 1).mean()), float((counts == 2).mean())
    unseen = once**2 / (2 * twice) if twice else once * len(counts) / 2
    if not unseen:
        return zero
    new = unseen * -np.expm1(-(1 - share) / share * once / unseen)
    return max(0.0, zero - float(new))
