"""How similar unrelated items are to one query: what a cosine is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np

from core.types import Doubles, Floats

TRIM = 0.005  # share of the best cosines taken for possible matches, not for background
TAIL = 0.05  # share of the background that an exponential tail is fitted to
BACKGROUND = 50_000  # cosines that the null is fitted to, at most


@dataclass(frozen=True, slots=True)
class Null:
    """How similar unrelated items are to one query.

    A normal distribution where the background looks normal, with Student's t tail because mean and
    deviation are estimated from `n` cosines; otherwise an exponential tail above `start`.

    Source: the rule and its calibration (1.2 chance hits where 1 was promised) were measured for
    this project; the tail above a threshold is Pickands, Annals of Statistics 1975, with shape 0.
    """

    mean: float
    sd: float
    n: int
    start: float = float("inf")
    excess: float = 0.0

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
        z = (x - self.mean) / (self.sd * np.sqrt(1 + 1 / self.n))
        normal = stdtr(self.n - 1, -z)
        if self.excess <= 0:
            return np.asarray(normal)
        tail = TAIL * np.exp(-np.maximum(x - self.start, 0) / self.excess)
        return np.where(x > self.start, tail, np.maximum(normal, TAIL))


def fit_null(background: Floats) -> Null:
    """The null of one query, from its cosines with all candidates of one kind.

    The best 0.5 % (at least a few) are left out, because they may be matches; mean and deviation
    are corrected for what was left out as if all had been normal.
    """
    from scipy.special import ndtri

    n = len(background)
    if n < 3:
        return Null(0.0, 0.0, n)
    sample = background[:: -(-n // BACKGROUND)].astype(np.float64)
    n = len(sample)
    dropped = max(int(np.ceil(TRIM * n)), min(5, n // 10))
    kept = np.sort(sample)[: n - dropped]
    mean, sd = float(kept.mean()), float(kept.std(ddof=1)) if len(kept) > 1 else 0.0
    if dropped and sd > 0:
        z = float(ndtri(1 - dropped / n))
        ratio = exp(-z * z / 2) / np.sqrt(2 * np.pi) / (1 - dropped / n)
        sd /= float(np.sqrt(1 - z * ratio - ratio**2))
        mean += sd * ratio
    if sd <= 0 or len(kept) < 400 or _looks_normal(kept):
        return Null(mean, sd, len(kept))
    tail = kept[int((1 - TAIL) * n) :]
    return Null(mean, sd, len(kept), float(tail[0]), float((tail - tail[0]).mean()))


def _looks_normal(kept: Doubles) -> bool:
    z = (kept - kept.mean()) / kept.std()
    return bool(abs((z**3).mean()) < 0.2 and abs((z**4).mean() - 3) < 0.3)
