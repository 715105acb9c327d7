from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, mean_of_best
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Distribution normalization (DN)",
    family="Hubs",
    source="Zhou, Ren, Li, Zabih, Lim. Test-Time Distribution Normalization for Contrastively "
    "Learned Visual-language Models. NeurIPS 2023.",
)
def dn(
    bank: QueryBank,
    *,
    share: Annotated[float, Range(0.0, 1.0, "share of the mean cosine to subtract")] = 0.25,
) -> Doubles:
    """Subtracts a share of an item's mean cosine with the queries.

    The same ranking as subtracting that share of the mean query from every query. The mildest of
    the corrections.

    Args:
        bank: m items and the queries to fit on.
        share: 0.25 in the authors' code.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, none = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> dn(QueryBank(e, queries, e, none, none), share=1).round(2)
    array([0.3, 0.8, 0.3])
    """
    return share * mean_of_best(bank.query_cosines, bank.query_cosines.shape[1])
