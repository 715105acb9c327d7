from __future__ import annotations

from typing import Annotated

import numpy as np

from core.numerics.multivector import best_matches
from core.registry import Range
from core.search.rerankers import Shortlist, reranker
from core.types import Floats


@reranker(
    title="MaxSim (late interaction)",
    family="Reranking",
    tokens=True,
    source="Khattab, Zaharia. ColBERT. SIGIR 2020. Weighted with the whole as in Hofstätter, "
    "Khattab, Althammer, Sertkan, Hanbury. ColBERTer. CIKM 2022.",
)
def max_sim(
    shortlist: Shortlist,
    *,
    weight: Annotated[float, Range(0.0, 1.0, "weight of tokens; the whole has the rest")] = 0.5,
) -> Floats:
    """Mean over query tokens of their best cosine with a token of the hit, mixed with the score.

    Query tokens are text tokens, or patch tokens where the query is an image. Needs token vectors,
    which `sextant tokens NAME` stores. With the starter it gains about one point of mAP on captions
    of unseen images, with few stored vectors hardly any, and alone (`weight` 1) it is worse than
    one vector an item: `python -m tests.bench multivector`.

    Args:
        shortlist: the hits, with the tokens of the query and of the hits.
        weight: 0 keeps the order.

    Returns:
        (m,) scores, higher first.

    Raises:
        InputError: no tokens are stored, or the query has none.

    >>> from core.types import Space
    >>> x = np.eye(3, dtype=np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), x[0], np.arange(3), np.float32([1, 0, 0]),
    ...                  x[:2], lambda rows: [x[:1], x[1:], x[2:]])
    >>> max_sim(hits).tolist()  # one of two tokens matches the first and the second
    [0.75, 0.25, 0.0]
    """
    tokens, items = shortlist.late()
    late = best_matches(tokens, items).mean(axis=1) - shortlist.bias
    scores: Floats = (1 - weight) * shortlist.scores + weight * late
    return scores.astype(np.float32)
