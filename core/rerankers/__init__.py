"""Ways to order the best hits again: one file each. Add one by adding a file.

A reranker takes a `Shortlist` and returns a new score for each of its rows, higher first. What lies
beyond the shortlist keeps its order below it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.registry import Registry
from core.types import Floats, Ints, Space


@dataclass(frozen=True)
class Shortlist:
    """The best hits of one query, as a reranker sees them.

    Args:
        space: where the rows are; `space.offset` is already in the scores.
        vector: (d,) unit vector of the query.
        rows: (m,) rows of the space, best first.
        scores: (m,) what they are ordered by.
        query_tokens: (t, d) unit vectors of the query's words or patches; () where there are none.
        tokens: from rows to each item's (t, d) unit token vectors; None where none are stored.
    """

    space: Space
    vector: Floats
    rows: Ints
    scores: Floats
    query_tokens: Floats | tuple[()] = ()
    tokens: Callable[[Ints], Sequence[Floats]] | None = None


RERANKERS: Registry[Callable[..., Floats]] = Registry(__name__, "reranker")
reranker = RERANKERS
