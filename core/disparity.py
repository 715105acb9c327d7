"""How unevenly groups are served, and how uneven equal service looks by chance."""

from __future__ import annotations

import numpy as np

from core.types import Bools, Doubles, Ints

RESAMPLES = 400


def macro_std(rates: Doubles, counts: Doubles, style: str = "population") -> float:
    """Mean over classes (C, G) of the weighted deviation of their groups' rates.

    >>> round(macro_std(np.array([[0.9, 0.7]]), np.array([[80.0, 20.0]])), 6)
    0.08
    """
    total = counts.sum(axis=-1, keepdims=True)
    mean = (counts * rates).sum(axis=-1, keepdims=True) / total
    variance = (counts * (rates - mean) ** 2).sum(axis=-1) / total[..., 0]
    if style == "nist":
        filled = (counts > 0).sum(axis=-1)
        variance = np.where(filled > 1, variance * filled / np.maximum(filled - 1, 1), 0.0)
    return float(np.sqrt(variance).mean())


def chance_std(mean: float, counts: Doubles, style: str) -> float:
    """`macro_std` that groups of these sizes show when all have the same recall."""
    sizes = np.maximum(1, np.round(counts)).astype(np.int64)
    drawn = np.random.default_rng(0).binomial(sizes, min(1.0, mean), (RESAMPLES, len(sizes)))
    weight = sizes.astype(np.float64)
    return float(np.mean([macro_std(d / weight, weight, style) for d in drawn]))


def bootstrap(hits: Bools, place: Ints, group: Ints, clusters: Ints, style: str) -> Doubles:
    """`macro_std` of one class in bootstrap samples of clusters.

    Args:
        hits: (q,) whether each query succeeded.
        place: which query each membership speaks of.
        group: (len(place),) the group that it counts for.
        clusters: (q,) queries of one cluster are drawn together.
        style: see `macro_std`.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    many, count = int(cluster.max()) + 1, int(group.max()) + 1
    rng = np.random.default_rng(0)
    found = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, many, many), minlength=many)[cluster[place]]
        counts = np.bincount(group, drawn, count).astype(np.float64)
        right = np.bincount(group, drawn * hits[place], count)
        rates = np.divide(right, counts, out=np.zeros(count), where=counts > 0)
        found[i] = macro_std(rates, counts, style)
    return found
