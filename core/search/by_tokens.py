"""A first stage that looks for the parts of items rather than for the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.fixed_encodings import Encodings
from core.late_interaction import best_matches
from core.search.order import SHORTLIST, followed, ranking
from core.selection import select
from core.types import Bools, Floats, Ints, Space


@dataclass(frozen=True)
class ByTokens:
    """Candidates by fixed encodings of all items, then the exact late interaction with the best.

    Args:
        encodings: of all rows of the space, their means taken off.
        centred: (t, d) vectors of the question's words or places, their mean taken off.
        words: the same as they are: unit vectors.
        tokens: from rows to each item's (t, d) unit vectors.

    Source: Dhulipala, Hadian, Jayaram, Lee, Mirrokni. MUVERA. NeurIPS 2024.
    """

    encodings: Encodings
    centred: Floats
    words: Floats
    tokens: Callable[[Ints], Sequence[Floats]]

    def best(self, space: Space, allowed: Bools, k: int) -> tuple[Ints, Floats]:
        """The k best of the allowed rows and their scores.

        The first `SHORTLIST` have exact scores; the others follow in the order of their encodings.
        """
        estimates = self.encodings.scores(self.centred) / len(self.words) - space.offset
        allowed_only: Floats = np.where(allowed, estimates, -np.inf).astype(np.float32)
        found, values = select(allowed_only[None], min(k, int(allowed.sum())))
        head, rest = found[0, :SHORTLIST], found[0, SHORTLIST:]
        ordered = ranking(head, self.scores(space, head))
        return followed(*ordered, rest, values[0, SHORTLIST:])

    def scores(self, space: Space, rows: Ints) -> Floats:
        """The mean over words of their best cosine with a part of each row, less the row's bias."""
        late: Floats = best_matches(self.words, self.tokens(rows)).mean(axis=1)
        return late - space.offset[rows]
