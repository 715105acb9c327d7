"""Hubness corrections, one file each. Add one by adding a file.

A hub is among the nearest items of unusually many queries. A hubness correction computes one bias
per item from a bank of queries: how similar the item is to queries in general. Search subtracts it
from every cosine with the item, so that an item ranks by how much more similar it is to this query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.registry import Registry
from core.types import Doubles, Floats, Ints


@dataclass(frozen=True)
class QueryBank:
    """The items to be ranked, and the queries and items that a correction is fitted on.

    Args:
        rows: (m, d) unit rows of the items to be ranked.
        queries: (q, d) unit rows, a sample of queries.
        items: (g, d) unit rows, a sample of ranked items.
        own_queries: (p, 2) row and query to exclude: the item itself or its own caption.
        own_items: (p, 2) the same for `items`.
    """

    rows: Floats
    queries: Floats
    items: Floats
    own_queries: Ints
    own_items: Ints

    @cached_property
    def query_cosines(self) -> Floats:
        """(m, q) cosine of each item with each query; -inf where excluded."""
        return self._cosines(self.queries, self.own_queries)

    @cached_property
    def item_cosines(self) -> Floats:
        """(m, g) cosine of each item with each item of the bank; -inf where excluded."""
        return self._cosines(self.items, self.own_items)

    def _cosines(self, others: Floats, own: Ints) -> Floats:
        cosines: Floats = self.rows @ others.T
        cosines[own[:, 0], own[:, 1]] = -np.inf
        return cosines


HUB_CORRECTIONS: Registry[Callable[..., Doubles]] = Registry(__name__, "hubness correction")
hub_correction = HUB_CORRECTIONS


def mean_of_best(cosines: Floats, k: int) -> Doubles:
    """(m,) mean of the k largest of each row, without -inf.

    >>> mean_of_best(np.array([[1.0, 5.0, 3.0], [2.0, -np.inf, 4.0]], np.float32), 2)
    array([4., 3.])
    """
    drop = cosines.shape[1] - k
    best = np.partition(cosines, drop, axis=1)[:, drop:] if drop > 0 else cosines
    result: Doubles = best.mean(axis=1, dtype=np.float64, where=np.isfinite(best))
    return result


def soft_maximum(cosines: Floats, beta: float) -> Doubles:
    """(m,) log of the mean of exp(beta c), divided by beta, without -inf.

    The mean of each row for a small beta, its maximum for a large one.

    >>> soft_maximum(np.array([[0.0, np.log(3)]]), 1.0).round(4)  # log((1 + 3) / 2)
    array([0.6931])
    """
    most = cosines.max(axis=1, keepdims=True)
    total = np.exp(beta * (cosines - most)).sum(axis=1, dtype=np.float64)
    result: Doubles = most[:, 0] + np.log(total / np.isfinite(cosines).sum(axis=1)) / beta
    return result
