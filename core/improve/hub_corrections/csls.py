from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, mean_of_best
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Cross-domain similarity local scaling (CSLS)",
    family="Hubs",
    source="Conneau, Lample, Ranzato, Denoyer, Jegou. Word Translation Without Parallel Data. "
    "ICLR 2018.",
)
def csls(
    bank: QueryBank, *, k: Annotated[int, Range(1, 1000, "nearest queries to average")] = 10
) -> Doubles:
    """Subtracts half the mean cosine of an item with its nearest queries.

    CSLS is 2 cos(q, g) - r(q) - r(g), with r the mean cosine with the k nearest of the other kind.
    r(q) is the same for all results of one query, so that only half of r(g) changes the ranking.
    The paper computes r on the evaluated queries; here it is computed on the bank.

    Args:
        bank: m items and the queries to fit on; all of them when there are fewer than k.
        k: 10 in the paper, which found 5, 10 and 50 to work equally well.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, none = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> csls(QueryBank(e, queries, e, none, none), k=1).round(2)
    array([0.3, 0.4, 0.3])
    """
    return 0.5 * mean_of_best(bank.query_cosines, k)
