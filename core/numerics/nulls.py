"""Closed-form null models: the value of a metric on structureless data of the same n and d.

Isotropic rows are unit rows around no mean. Around their own mean n rows have the spectrum of
n - 1, as it takes one direction away.
"""

from __future__ import annotations

import numpy as np

from core.types import Doubles


def sphere_uniformity(d: int, t: float) -> float:
    """Uniformity of points distributed uniformly on the sphere: -2t + log 0F1(; d/2; t^2).

    >>> round(sphere_uniformity(2, 2.0), 6), round(sphere_uniformity(512, 2.0), 6)
    (-1.575027, -3.984375)
    """
    term = total = 1.0
    for k in range(1, 500):
        term *= t * t / (k * (d / 2 + k - 1))
        total += term
    return float(-2 * t + np.log(total))


def isotropic_participation(n: int, d: int) -> float:
    """Participation ratio of n isotropic rows: d / (1 + (d - 1)/n), never more than d.

    The squared cosine of two rows is 1/d in the mean, and that of a row with itself 1.

    >>> round(isotropic_participation(4000, 512), 1)
    454.0
    """
    return d / (1 + (d - 1) / n)


def log_share_of_isotropic(ratio: float, n: int, d: int) -> float:
    """log(ratio) scaled to 0 for one direction and 1 for n isotropic rows.

    >>> round(log_share_of_isotropic(256**0.5, 10**9, 256), 6)
    0.5
    """
    return log_share(ratio, isotropic_participation(n, d))


def log_share(count: float, even: float) -> float:
    """log(count) scaled to 0 for a count of 1 and 1 for `even`; 1 where there is no more than 1.

    >>> log_share(4.0, 16.0), log_share(1.0, 1.0)
    (0.5, 1.0)
    """
    return float(np.log(max(count, 1.0)) / np.log(even)) if even > 1 + 1e-2 else 1.0


def isotropic_spectrum(n: int, d: int) -> Doubles:
    """(d,) eigenvalues of n isotropic rows, largest first, summing to 1: Marchenko-Pastur.

    >>> isotropic_spectrum(10**9, 4).round(4).tolist(), int((isotropic_spectrum(3, 8) > 0).sum())
    ([0.25, 0.25, 0.25, 0.25], 3)
    """
    r = min(n, d)
    ratio = r / max(n, d)
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    angle = (np.arange(8000) + 0.5) / 8000 * np.pi
    x = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
    below = np.cumsum(np.sin(angle) ** 2 / x)
    values = np.zeros(d)
    values[:r] = np.interp((np.arange(r)[::-1] + 0.5) / r, below / below[-1], x)
    result: Doubles = values / values.sum()
    return result


def isotropic_rankme(n: int, d: int) -> float:
    """RankMe of n isotropic rows, from the Marchenko-Pastur law of their eigenvalues.

    >>> round(isotropic_rankme(4000, 512), 1)
    503.5
    """
    ratio = min(n, d) / max(n, d)
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    angle = (np.arange(4000) + 0.5) / 4000 * np.pi
    x = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
    weight = np.sin(angle) ** 2 / x  # density times the substitution's own factor, unnormalized
    weight /= weight.sum()
    s = np.sqrt(x)
    mean = float((weight * s).sum())
    entropy = np.log(min(n, d) * mean) - float((weight * s * np.log(s)).sum()) / mean
    return float(np.exp(entropy))


def cap_share(cosine: float, d: int) -> float:
    """Chance that a random direction has at least this cosine with a given one.

    >>> round(cap_share(0.0, 5), 6), round(cap_share(0.5, 3), 6)
    (0.5, 0.25)
    """
    from scipy.special import betainc

    if d == 1:
        return 0.5 if cosine > -1 else 1.0
    half = 0.5 * float(betainc((d - 1) / 2, 0.5, 1 - cosine * cosine))
    return half if cosine >= 0 else 1 - half


def sphere_neighbor_distances(n: int, d: int, draws: int, seed: int) -> tuple[Doubles, Doubles]:
    """Distances to the nearest and second nearest of n - 1 random points on the sphere.

    Drawn as the two smallest of n - 1 uniform variables, mapped to distances by the cap's area.

    Args:
        n: points, three or more.
        d: dimensions, two or more: on the sphere of unit rows.
        draws: how often.
        seed: of the draws.

    Returns:
        (draws,) Euclidean distances to the nearest, and (draws,) to the second nearest, 0 to 2.

    >>> first, second = sphere_neighbor_distances(3, 2, 100_000, 0)
    >>> bool((first <= second).all())
    True
    >>> round(float((first < 2**0.5).mean()), 2)  # one of two points within a quarter turn: 1 - 1/4
    0.75
    """
    from scipy.special import betaincinv

    rng = np.random.default_rng(seed)
    first = -np.expm1(np.log1p(-rng.random(draws)) / (n - 1))
    second = first + (1 - first) * -np.expm1(np.log1p(-rng.random(draws)) / max(1, n - 2))
    sine2 = [betaincinv((d - 1) / 2, 0.5, 2 * np.minimum(p, 1 - p)) for p in (first, second)]
    cosines = [
        np.sqrt(1 - s) * np.where(p <= 0.5, 1, -1)
        for s, p in zip(sine2, (first, second), strict=True)
    ]
    r1, r2 = (np.sqrt(np.maximum(2 - 2 * c, 0)) for c in cosines)
    return r1, r2


def binomial_skewness(draws: float, chance: float) -> float:
    """Skewness of a binomial count: k-occurrence when every item is equally likely.

    >>> round(binomial_skewness(1_000_000, 10 / 1_000_000), 4)
    0.3162
    """
    return float((1 - 2 * chance) / np.sqrt(draws * chance * (1 - chance)))


def isotropic_stable_rank(n: int, d: int) -> float:
    """Stable rank of n isotropic rows: d over the upper edge of their eigenvalues.

    >>> round(isotropic_stable_rank(4000, 512), 1)
    277.7
    """
    return float(max(1.0, d / (1 + np.sqrt(d / n)) ** 2))


def even_partition_isotropy(n: int, d: int) -> float:
    """Smallest over largest mean of exp(c . x) over the eigenvectors of n uniform points.

    Along each of r = min(n, d) directions the mean of x has variance 1 / (n r) and the mean square
    is an eigenvalue; the two are treated as independent. Within 0.02 of simulation for n >= 60.

    >>> round(even_partition_isotropy(4000, 512), 2)
    0.99
    """
    spectrum, r = isotropic_spectrum(n, d), min(n, d)
    lean = 0.7 * float(np.sqrt(2 * np.log(2 * r) / (n * r)))
    least = 1 + spectrum[-1] / 2 - lean
    return float(np.clip(least / (1 + spectrum[0] / 2 + lean), np.exp(-2), 1.0))


def welch_bound(count: int, d: int) -> float:
    """Least possible largest |cosine| of `count` directions; 0 when they fit at right angles.

    >>> [round(welch_bound(n, d), 6) for n, d in [(128, 64), (1000, 512), (2000, 1000), (3, 3)]]
    [0.088736, 0.030888, 0.022366, 0.0]
    """
    return float(np.sqrt(max(0, count - d) / (d * max(1, count - 1))))
