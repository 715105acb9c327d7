from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, soft_maximum
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Dual inverted softmax (DualIS)",
    family="Hubs",
    source="Wang, Jian, Xue. Balance Act: Mitigating Hubness in Cross-Modal Retrieval with Query "
    "and Gallery Banks. EMNLP 2023.",
)
def dualis(
    bank: QueryBank,
    *,
    beta_items: Annotated[float, Range(0.01, 1000.0, "weight of the item bank")] = 1 / 1.99,
    beta_queries: Annotated[float, Range(0.01, 1000.0, "weight of the query bank")] = 3.0,
) -> Doubles:
    """Subtracts an item's similarity to the queries and to the other items, both as soft maxima.

    The product of two inverted softmaxes, one over a bank of queries and one over a bank of items;
    its logarithm over the sum of the betas. It lowers items in dense regions as well as items close
    to many queries. The static form, applied to every query.

    Args:
        bank: m items, and the queries and items to fit on; an item is not in its own bank.
        beta_items: of the bank of items.
        beta_queries: of the bank of queries; the authors' code has 1 / 1.99 and 3.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, none = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> bank = QueryBank(e, queries, e, none, none)
    >>> dualis(bank, beta_items=1000, beta_queries=1000).round(2)
    array([0.8, 0.9, 0.8])
    """
    items = beta_items * soft_maximum(bank.item_cosines, beta_items)
    queries = beta_queries * soft_maximum(bank.query_cosines, beta_queries)
    return (items + queries) / (beta_items + beta_queries)
