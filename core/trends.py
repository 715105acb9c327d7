"""Whether two numbers of each item go together: rank correlation and its chance by shuffling."""

from __future__ import annotations

import numpy as np

from core.types import Doubles

SHUFFLED = 2000  # items that are shuffled for the p-value, at most


def ranks(values: Doubles) -> Doubles:
    """Ranks from 0 to 1; equals share their middle rank.

    >>> ranks(np.array([5.0, 7.0, 5.0, 9.0])).tolist()
    [0.25, 0.625, 0.25, 0.875]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: Doubles = (np.cumsum(counts) - counts / 2)[place] / len(values)
    return found


def rank_correlation(x: Doubles, y: Doubles) -> tuple[float, Doubles]:
    """Correlation of ranks (Spearman 1904), and how much each item moves it when it counts 1/n.

    >>> round(rank_correlation(ranks(np.arange(4.0)), ranks(-np.arange(4.0)))[0], 6)
    -1.0
    """
    a, b = x - x.mean(), y - y.mean()
    sa, sb = a.std(), b.std()
    if min(sa, sb) < 1e-9:
        return 0.0, np.zeros(len(x))
    value = float(np.clip((a * b).mean() / (sa * sb), -1, 1))
    moved = a * b + _shifts(x, b) + _shifts(y, a)
    return value, moved / (sa * sb)


def shuffled_p(x: Doubles, y: Doubles, shuffles: int) -> float:
    """Share of shuffled ranks, of at most `SHUFFLED` items, that go as far; two-sided.

    With fewer items than there are the correlation is scaled to their number. It is no smaller
    than 1 / (1 + shuffles).

    >>> shuffled_p(ranks(np.arange(40.0)), ranks(np.arange(40.0)), 99)
    0.01
    """
    rng = np.random.default_rng(0)
    n = len(x)
    order = np.lexsort((y, x))  # so that the items' order does not matter
    kept = order if n <= SHUFFLED else order[np.sort(rng.choice(n, SHUFFLED, replace=False))]
    a, b = x[kept] - x[kept].mean(), y[kept] - y[kept].mean()
    observed = abs(np.corrcoef(x, y)[0, 1]) if min(x.std(), y.std()) > 1e-9 else 0.0
    scale = max(1e-12, float(np.sqrt((a @ a) * (b @ b)))) * np.sqrt(n / len(kept))
    drawn = np.array([abs(rng.permutation(a) @ b) for _ in range(shuffles)]) / scale
    return float((1 + (drawn >= observed - 1e-12).sum()) / (1 + shuffles))


def _shifts(x: Doubles, other: Doubles) -> Doubles:
    """What each item adds through the ranks of the items above it."""
    order = np.argsort(x, kind="stable")
    above = np.empty(len(x))
    above[order] = (np.cumsum(other[order][::-1])[::-1] - other[order]) / len(x)
    return above
