from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, soft_maximum
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Query bank normalisation (QB-Norm)",
    family="Hubs",
    source="Bogolin, Croitoru, Jin, Liu, Albanie. Cross Modal Retrieval with Querybank "
    "Normalisation. CVPR 2022; Smith et al., ICLR 2017 (inverted softmax).",
)
def qbnorm(
    bank: QueryBank,
    *,
    beta: Annotated[float, Range(0.01, 1000.0, "0: the mean counts; large: the nearest")] = 20.0,
) -> Doubles:
    """Takes off a soft maximum of an item's cosines with the queries of the bank.

    The inverted softmax: the share of an item's exp(beta cosine) that this query has. Its logarithm
    over beta is the cosine less log-mean-exp of the bank's. Between the mean cosine (small beta,
    distribution normalisation) and the largest (large beta, the nearest query alone). This is the
    static form, for every query; the paper's dynamic form leaves queries alone whose best item is
    no bank query's best.

    Args:
        bank: m items and the queries to learn from.
        beta: 20 in the paper, for cosines.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, nobody = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> qbnorm(QueryBank(e, queries, e, nobody, nobody), beta=1000).round(2)
    array([0.6, 0.8, 0.6])
    """
    return soft_maximum(bank.asked, beta)
