"""Late interaction: each word of a question finds the part of an item that it fits best.

Source: Khattab, Zaharia. ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT. SIGIR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.types import Floats


def best_matches(words: Floats, items: Sequence[Floats]) -> Floats:
    """(m, w) for each of m items and w words the largest cosine of the word with a part.

    A row's sum is MaxSim, its mean is MaxSim on the scale of a cosine. No item may be empty.

    Args:
        words: (w, d) unit vectors.
        items: m arrays of (t, d) unit vectors, t free.

    >>> x = np.eye(3, dtype=np.float32)
    >>> best_matches(x[:2], [x[1:], x[:1]]).tolist()  # the second item has nothing for word two
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if not items:
        return np.empty((0, len(words)), np.float32)
    starts = np.cumsum([0, *map(len, items)])[:-1]
    found: Floats = np.maximum.reduceat(np.concatenate(items) @ words.T, starts, axis=0)
    return found
