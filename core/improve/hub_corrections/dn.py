from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, mean_of_best
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Distribution normalisation (DN)",
    family="Hubs",
    source="Zhou, Ren, Li, Zabih, Lim. Test-Time Distribution Normalization for Contrastively "
    "Learned Visual-language Models. NeurIPS 2023.",
)
def dn(
    bank: QueryBank,
    *,
    share: Annotated[float, Range(0.0, 1.0, "of the mean that is taken off")] = 0.25,
) -> Doubles:
    """Takes off a share of an item's mean cosine with the queries.

    The same order as taking that share of the mean query off every query: what all queries have in
    common says nothing about any of them. The mildest of the corrections.

    Args:
        bank: m items and the queries to learn from.
        share: 0.25 in the authors' program.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, nobody = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> dn(QueryBank(e, queries, e, nobody, nobody), share=1).round(2)
    array([0.3, 0.8, 0.3])
    """
    return share * mean_of_best(bank.asked, bank.asked.shape[1])
