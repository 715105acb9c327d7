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
    weight: Annotated[float, Range(0.0, 1.0, "weight of words beside the whole question")] = 0.5,
) -> Floats:
    """Each word of the question finds the part of a hit that it fits best.

    The score is the mean of these best cosines, mixed with the score of the whole. Needs token
    vectors, which `sextant tokens NAME` stores. For a picture as a question its places are asked.
    With the starter it gains about a point of mAP on captions of pictures it never saw, with few
    stored vectors hardly more than chance, and alone (`weight` 1) it is worse than the whole:
    `python -m tests.bench multivector`.

    Args:
        shortlist: the hits, with the tokens of the question and of the hits.
        weight: 0 is the order without it.

    Returns:
        (m,) scores, higher first.

    Raises:
        InputError: no tokens are stored, or the question has none.

    >>> from core.types import Space
    >>> x = np.eye(3, dtype=np.float32)
    >>> hits = Shortlist(Space(x, ("a", "b", "c"), 3), x[0], np.arange(3), np.float32([1, 0, 0]),
    ...                  x[:2], lambda rows: [x[:1], x[1:], x[2:]])
    >>> max_sim(hits).tolist()  # one word of two is found in the first and in the second
    [0.75, 0.25, 0.0]
    """
    words, items = shortlist.late()
    late = best_matches(words, items).mean(axis=1) - shortlist.bias
    scores: Floats = (1 - weight) * shortlist.scores + weight * late
    return scores.astype(np.float32)
