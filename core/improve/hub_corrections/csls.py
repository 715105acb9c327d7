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
    bank: QueryBank, *, k: Annotated[int, Range(1, 1000, "nearest queries that count")] = 10
) -> Doubles:
    """Takes off half the mean cosine of an item with its nearest queries.

    CSLS is 2 cos(q, g) - r(q) - r(g), with r the mean cosine with the k nearest of the other side.
    r(q) is the same for all answers to one query, so half of r(g) is all that changes an order.
    The paper takes r from the queries that are judged; here it comes from the bank.

    Args:
        bank: m items and the queries to learn from; all of them when there are fewer than k.
        k: 10 in the paper, which found 5, 10 and 50 alike.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, nobody = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> csls(QueryBank(e, queries, e, nobody, nobody), k=1).round(2)
    array([0.3, 0.4, 0.3])
    """
    return 0.5 * mean_of_best(bank.asked, k)
