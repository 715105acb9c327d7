"""Rerankers: one file each. Add one by adding a file.

A reranker takes a `Shortlist` and returns a new score for each of its rows, higher first. Hits
beyond the shortlist follow in their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import InputError
from core.registry import Registry
from core.types import Bools, Floats, Ints, Space


@dataclass(frozen=True)
class Shortlist:
    """The best hits of one query.

    Args:
        space: where the rows are; `space.offset` is already in the scores.
        vector: (d,) unit vector of the query.
        rows: (m,) rows of the space, best first.
        scores: (m,) their scores.
        query_tokens: (t, d) unit vectors of the query's text or patch tokens; () without any.
        tokens: from rows to each item's (t, d) unit token vectors; None where none are stored.
    """

    space: Space
    vector: Floats
    rows: Ints
    scores: Floats
    query_tokens: Floats | tuple[()] = ()
    tokens: Callable[[Ints], Sequence[Floats]] | None = None

    @cached_property
    def vectors(self) -> Floats:
        """(m, d) unit rows of the hits."""
        return self.space.vectors[self.rows]

    @cached_property
    def bias(self) -> Floats:
        """(m,) score bias that a hubness correction subtracts from each hit."""
        return self.space.offset[self.rows]

    @cached_property
    def cosines(self) -> Floats:
        """(m, m) cosines of the hits with each other."""
        cosines: Floats = self.vectors @ self.vectors.T
        return cosines

    def late(self) -> tuple[Floats, Sequence[Floats]]:
        """Tokens of the query and of each hit.

        Raises:
            InputError: none are stored, or the query has none.
        """
        if self.tokens is None:
            raise InputError(
                "This reranker needs token vectors, and none are stored for these vectors. "
                "Store them: sextant tokens NAME"
            )
        if not len(self.query_tokens):
            raise InputError("This reranker compares token vectors, and this query has none.")
        return np.asarray(self.query_tokens, np.float32), self.tokens(self.rows)

    def nearest(self, k: int) -> Bools:
        """(m, m) whether the column is among the k nearest other hits of the row, or ties them."""
        m = len(self.rows)
        k = min(k, m - 1)
        if k < 1:
            return np.zeros((m, m), bool)
        others = self.cosines.copy()
        np.fill_diagonal(others, -np.inf)
        least = np.partition(others, m - k, axis=1)[:, m - k]
        return others >= least[:, None]


RERANKERS: Registry[Callable[..., Floats]] = Registry(__name__, "reranker")
reranker = RERANKERS
