from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, mean_of_best
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Nearest neighbor normalization (NNN)",
    family="Hubs",
    source="Chowdhury, Wang, Fisch, Chen, Kolter, Salakhutdinov. Nearest Neighbor Normalization "
    "Improves Multimodal Retrieval. EMNLP 2024.",
)
def nnn(
    bank: QueryBank,
    *,
    alpha: Annotated[float, Range(0.0, 2.0, "weight of the subtracted mean; 0 is none")] = 0.75,
    k: Annotated[int, Range(1, 4096, "nearest queries to average")] = 128,
) -> Doubles:
    """Subtracts alpha times the mean cosine of an item with its k nearest queries of the bank.

    An item close to many queries must be closer still to this one to rank first.

    Args:
        bank: m items and the queries to fit on; all of them when there are fewer than k.
        alpha: 0.25 to 1.5 in the paper's search, tuned on recall@1.
        k: 16 to 256 were best in the paper.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, none = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> bank = QueryBank(e, queries, e, none, none)
    >>> nnn(bank, alpha=1, k=1).round(2)  # the second item is a hub
    array([0.6, 0.8, 0.6])
    """
    return alpha * mean_of_best(bank.query_cosines, k)
