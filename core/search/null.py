"""How similar unrelated items are to one query: what a cosine is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.search.shape import Shape, body
from core.types import Doubles, Floats

REACHED = 0.9999  # no cut lies above: an item that says the same is a match


@dataclass(frozen=True, slots=True)
class Null:
    """How similar unrelated items are to one query.

    `mean` and `sd` are read off the lower half of the query's own cosines, `shape` says how far
    above them unrelated items reach. Without a shape they are taken for normal, Student's t because
    mean and deviation are estimated from `n` cosines.
    """

    mean: float
    sd: float
    n: int
    shape: Shape | None = None

    def p(self, cosine: Floats | Doubles) -> Doubles:
        """Tail probability of each cosine: the chance that one unrelated item reaches it.

        >>> null = Null(mean=0.1, sd=0.05, n=1_000_000)
        >>> null.p(np.array([0.1, 0.2])).round(4).tolist()
        [0.5, 0.0228]
        """
        from scipy.special import stdtr

        x = np.asarray(cosine, np.float64)
        if self.n < 3 or self.sd <= 0:
            return np.ones_like(x)
        z = (x - self.mean) / self.sd
        if self.shape:
            return np.exp(self.shape.log_p(z))
        return np.asarray(stdtr(self.n - 1, -z / np.sqrt(1 + 1 / self.n)))

    def cosine(self, p: float) -> float:
        """The cosine that an unrelated item reaches with chance p; infinite where none is known.

        Never above 0.9999: what is the same as the query matches.

        >>> null = Null(mean=0.1, sd=0.05, n=100)
        >>> round(null.cosine(0.01), 3), round(float(null.p(np.array([null.cosine(0.01)]))[0]), 6)
        (0.219, 0.01)
        """
        from scipy.special import stdtrit

        if self.n < 3 or self.sd <= 0:
            return inf
        if self.shape:
            z = self.shape.reached(min(p, 1.0))
        else:
            z = -np.sqrt(1 + 1 / self.n) * float(stdtrit(self.n - 1, min(p, 1.0)))
        return min(self.mean + self.sd * z, REACHED)


def fit_null(background: Floats, shape: Shape | None = None) -> Null:
    """The null of one query, from its cosines with all candidates of one kind."""
    n = len(background)
    if n < 3:
        return Null(0.0, 0.0, n)
    mean, sd = body(background[None])
    return Null(float(mean[0]), float(sd[0]), n, shape)
