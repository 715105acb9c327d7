"""How similar unrelated items are to one query: what a cosine is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from core.search.shape import Shape, body
from core.types import Doubles, Floats

ROUNDS = 8
GAP = 3.0  # an empty stretch of so many deviations parts matches from the rest
REACHED = 0.9999  # no cut lies above: an item that says the same is a match


@dataclass(frozen=True, slots=True)
class Null:
    """How similar unrelated items are to one query.

    `mean` and `sd` are read off the lower half of the query's own cosines, `shape` says how far
    above them unrelated items reach. Without a shape, in a small collection, all are taken for
    normal, Student's t because mean and deviation are estimated from `n` cosines.
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
        return min(self.mean + self.sd * float(z), REACHED)


def fit_null(background: Floats, shape: Shape | None = None) -> Null:
    """The null of one query, from its cosines with all candidates of one kind.

    What lies where at most one item is expected by chance is left out and the rest measured again,
    until nothing more is left out: a common subject lifts even the lower half. Without a shape all
    cosines count, but for those that an empty stretch parts from the rest: these are taken for
    matches.
    """
    n = len(background)
    if n < 3:
        return Null(0.0, 0.0, n)
    if shape:
        return _peeled(background, shape)
    ordered = np.sort(background).astype(np.float64)
    rest = ordered[: _before_a_gap(ordered)]
    return Null(float(rest.mean()), float(rest.std(ddof=1)), len(rest))


def _peeled(background: Floats, shape: Shape) -> Null:
    n, rest = len(background), background
    for _ in range(ROUNDS):
        mean, sd = body(rest[None])
        null = Null(float(mean[0]), float(sd[0]), n, shape)
        below = background[background < null.cosine(1 / n)]
        if not n / 2 <= len(below) < len(rest):
            break
        rest = below
    return null


def _before_a_gap(ordered: Doubles) -> int:
    """How many of the cosines lie before the widest empty stretch of the upper half, if any.

    A stretch counts where it is `GAP` times wider than from the median down to the 16th percentile,
    which is one deviation.
    """
    n = len(ordered)
    if n < 8:
        return n
    half = n // 2
    spread = ordered[half] - ordered[int(0.16 * n)]
    steps = np.diff(ordered[half:])
    widest = int(steps.argmax())
    return half + widest + 1 if spread > 0 and steps[widest] > GAP * spread else n
