from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, mean_of_best
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Nearest neighbour normalisation (NNN)",
    family="Hubs",
    source="Chowdhury, Wang, Fisch, Chen, Kolter, Salakhutdinov. Nearest Neighbor Normalization "
    "Improves Multimodal Retrieval. EMNLP 2024.",
)
def nnn(
    bank: QueryBank,
    *,
    alpha: Annotated[float, Range(0.0, 2.0, "how much of it is taken off; 0 is nothing")] = 0.75,
    k: Annotated[int, Range(1, 4096, "queries of the bank that count for an item")] = 128,
) -> Doubles:
    """Takes off how similar an item is to the queries that suit it best.

    alpha times the mean cosine of an item with its k nearest queries of the bank. An item that
    many queries come close to must be closer still to win.

    Args:
        bank: m items and the queries to learn from; all of them when there are fewer than k.
        alpha: 0.25 to 1.5 in the paper's search, tuned on recall@1.
        k: 16 to 256 were best in the paper.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, nobody = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> bank = QueryBank(e, queries, e, nobody, nobody)
    >>> nnn(bank, alpha=1, k=1).round(2)  # the second item is a hub
    array([0.6, 0.8, 0.6])
    """
    return alpha * mean_of_best(bank.asked, k)
