from __future__ import annotations

from typing import Annotated

from core.improve.hub_corrections import QueryBank, hub_correction, soft_maximum
from core.registry import Range
from core.types import Doubles


@hub_correction(
    title="Query bank normalization (QB-Norm)",
    family="Hubs",
    source="Bogolin, Croitoru, Jin, Liu, Albanie. Cross Modal Retrieval with Querybank "
    "Normalisation. CVPR 2022; Smith et al., ICLR 2017 (inverted softmax).",
)
def qbnorm(
    bank: QueryBank,
    *,
    beta: Annotated[float, Range(0.01, 1000.0, "near 0: mean cosine; large: nearest query")] = 20.0,
) -> Doubles:
    """Subtracts a soft maximum of an item's cosines with the queries of the bank.

    The inverted softmax: exp(beta cosine) of an item with this query over the sum over queries. Its
    logarithm over beta is the cosine minus the bank's log-mean-exp. Between the mean cosine (small
    beta, distribution normalization) and the largest (large beta, the nearest query alone). The
    static form, applied to every query; the paper's dynamic form skips queries whose best item is
    not the best of any bank query.

    Args:
        bank: m items and the queries to fit on.
        beta: 20 in the paper, for cosines.

    Returns:
        (m,) biases, in units of cosine.

    >>> import numpy as np
    >>> e, none = np.eye(3, dtype=np.float32), np.empty((0, 2), np.int64)
    >>> queries = np.array([[0.6, 0.8, 0], [0, 0.8, 0.6]], np.float32)
    >>> qbnorm(QueryBank(e, queries, e, none, none), beta=1000).round(2)
    array([0.6, 0.8, 0.6])
    """
    return soft_maximum(bank.query_cosines, beta)
