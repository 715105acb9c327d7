"""How similar unrelated items are to one query: what a cosine is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np

from core.types import Doubles, Floats

TRIM = 0.005  # share of the best cosines taken for possible matches, not for background
TAIL, WIDEST, TAIL_COUNT = 0.1, 0.25, 20  # share of the background in the tail, and least count
BACKGROUND = 20_000  # cosines that the null is fitted to, at most
FEW = 40  # cosines below which only mean and deviation can be told
NORMAL_FROM = 1000  # cosines from which one can tell that a tail is normal
GAP = 3.0  # an empty stretch of so many deviations parts matches from background


@dataclass(frozen=True, slots=True)
class Null:
    """How similar unrelated items are to one query.

    A share `tail` of the background lies above `start` and exceeds it by `excess` on average: an
    exponential tail. Where the background looks normal, or is too small for a tail (`tail` is 0),
    it is a normal one, Student's t because mean and deviation are estimated from `n` cosines.

    Source: tails above a threshold: Pickands, Annals of Statistics 1975, here with shape 0. Which
    tail keeps what it promises on real pairs was measured for this project (`sextant bench cut`).
    """

    mean: float
    sd: float
    n: int
    start: float = float("inf")
    excess: float = 0.0
    tail: float = 0.0

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
        if not self.tail:
            return np.asarray(normal)
        beyond = self.tail * np.exp(-np.maximum(x - self.start, 0) / self.excess)
        return np.where(x > self.start, beyond, np.maximum(normal, self.tail))

    def cosine(self, p: float) -> float:
        """The cosine that an unrelated item reaches with chance p; infinite where none is known.

        >>> null = Null(mean=0.1, sd=0.05, n=100, start=0.2, excess=0.03, tail=0.05)
        >>> round(null.cosine(0.001), 3), round(float(null.p(np.array([null.cosine(0.001)]))[0]), 6)
        (0.317, 0.001)
        """
        from scipy.special import stdtrit

        if self.n < 3 or self.sd <= 0:
            return float("inf")
        if p < self.tail:
            return self.start - self.excess * log(p / self.tail)
        normal = self.mean - self.sd * np.sqrt(1 + 1 / self.n) * stdtrit(self.n - 1, min(p, 1.0))
        return float(min(normal, self.start) if self.tail else normal)


def fit_null(background: Floats) -> Null:
    """The null of one query, from its cosines with all candidates of one kind.

    The best 0.5 % (at least a few) may be matches, and so may all that an empty stretch parts from
    the rest: they are taken as "this much or more". Mean and deviation are corrected for that as if
    all had been normal, the tail's mean excess as if all had been exponential.
    """
    n = len(background)
    if n < 3:
        return Null(0.0, 0.0, n)
    every = np.sort(background[:: -(-n // BACKGROUND)])
    ordered = every[: _before_a_gap(every)].astype(np.float64)
    n = len(ordered)
    dropped = max(int(np.ceil(TRIM * n)), min(5, n // 10))
    kept = ordered[: n - dropped]
    mean, sd = _moments(kept, dropped / n)
    if sd <= 0 or n < FEW:
        return Null(mean, sd, len(kept))
    share = max(TAIL, min(WIDEST, (TAIL_COUNT + dropped) / n))
    tail = kept[int((1 - share) * n) :]
    start = float(tail[0])
    excess = float(((tail - start).sum() + dropped * (tail[-1] - start)) / len(tail))
    plain = excess <= 0 or (n >= NORMAL_FROM and _looks_normal(kept))
    return Null(mean, sd, len(kept), start, excess, 0.0 if plain else share)


def _before_a_gap(ordered: Floats) -> int:
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


def _moments(kept: Doubles, dropped: float) -> tuple[float, float]:
    """Mean and deviation of a normal distribution of which the best share was left out."""
    from scipy.special import ndtri

    mean, sd = float(kept.mean()), float(kept.std(ddof=1)) if len(kept) > 1 else 0.0
    if not dropped or sd <= 0:
        return mean, sd
    z = float(ndtri(1 - dropped))
    ratio = exp(-z * z / 2) / np.sqrt(2 * np.pi) / (1 - dropped)
    sd /= float(np.sqrt(1 - z * ratio - ratio**2))
    return mean + sd * float(ratio), sd


def _looks_normal(kept: Doubles) -> bool:
    """Whether the right tail is no heavier than a normal one.

    Without its best 0.5 % a normal sample has skewness -0.1 and kurtosis 2.75.
    """
    z = (kept - kept.mean()) / kept.std()
    square = z * z
    skew, kurtosis = float(square @ z) / len(z), float(square @ square) / len(z)
    return skew < 0.1 and kurtosis < 3.2
