from __future__ import annotations

from typing import Annotated

import numpy as np

from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats

SHARPNESS = 0.1  # of the weights: a token that much farther from the mean weighs e times as much


@reranker(
    title="Orthogonal fusion",
    family="Reranking",
    tokens=True,
    source="Yang, He, Fan, Shi, Xue, Li, Ding, Huang. DOLG: Single-Stage Image Retrieval with Deep "
    "Orthogonal Fusion of Local and Global Features. ICCV 2021. Without training.",
)
def orthogonal_fusion(
    shortlist: Shortlist,
    *,
    strength: Annotated[float, Range(0.0, 4.0, "weight of the tokens")] = 0.5,
) -> Floats:
    """Compares the component of the mean token orthogonal to the item's vector as well.

    The tokens of an item are averaged, those far from their mean with more weight, and the
    component along the item's vector is subtracted. The score is the cosine of vector and remainder
    together, the remainder with `strength`: (cosine of vectors + strength² times cosine of
    remainders) / (1 + strength²). Designed for image queries on images; needs token vectors, which
    `sextant tokens NAME` stores.

    Args:
        shortlist: the hits, with the tokens of the query and of the hits.
        strength: 0 keeps the order.

    Returns:
        (m,) scores, higher first.

    Raises:
        InputError: no tokens are stored, or the query has none.

    >>> from core.types import Space
    >>> x = np.eye(3, dtype=np.float32)
    >>> beside = [x[[0, 1]], x[[0, 2]]]  # two items with the same vector
    >>> hits = Shortlist(Space(x[[0, 0]], ("a", "b"), 2), x[0], np.arange(2), np.float32([1, 1]),
    ...                  x[[0, 1]], lambda rows: beside)
    >>> orthogonal_fusion(hits).round(2)
    array([1. , 0.8], dtype=float32)
    """
    tokens, items = shortlist.late()
    query = remainder(shortlist.vector, tokens)
    rest = np.stack(
        [remainder(whole, parts) for whole, parts in zip(shortlist.vectors, items, strict=True)]
    )
    square = np.float32(strength**2)
    mixed = (shortlist.scores + shortlist.bias + square * (rest @ query)) / (1 + square)
    scores: Floats = (mixed - shortlist.bias).astype(np.float32)
    return scores


def remainder(whole: Floats, parts: Floats) -> Floats:
    """(d,) unit vector of the tokens' component orthogonal to the whole; zeros without any.

    >>> x = np.eye(2, dtype=np.float32)
    >>> remainder(x[0], x).tolist(), remainder(x[0], x[:1]).tolist()
    ([0.0, 1.0], [0.0, 0.0])
    """
    mean = parts.mean(axis=0)
    unusual = 1 - parts @ mean / max(float(np.linalg.norm(mean)), 1e-12)
    weights = np.exp((unusual - unusual.max()) / SHARPNESS)
    local = weights @ parts / weights.sum()
    rest = local - (local @ whole) * whole
    length = float(np.linalg.norm(rest))
    unit: Floats = (rest / length if length > 1e-4 else np.zeros_like(rest)).astype(np.float32)
    return unit
