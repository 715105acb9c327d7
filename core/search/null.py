"""The null distribution of a query: how similar unrelated items are to it.

Its mean and standard deviation come from the lower half of the query's own cosines, its upper tail
from the cosines of background queries (`core.search.background_queries`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, log
from typing import TYPE_CHECKING

import numpy as np

from core.types import Bools, Doubles, Floats

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

LOW, BODY = 0.1, 0.4  # quantiles between which the body is measured: below any match
LOW_Z, BODY_Z = -1.2815515655446004, -0.2533471031357997  # the same of the normal distribution
LEAST_QUERIES, LEAST_ITEMS = 20, 40  # with fewer, no tail is estimated
KNOTS, LOWEST = 24, -2.75  # of the tail curve, evenly spaced in z from here to the maximum
BEYOND = 12.0  # the curve extends to e^-12 times the share of the maximum
QUARTILES = 1.5725  # interquartile range of a Gumbel distribution with scale 1
ROUNDS = 8  # of trimming
GAP = 3.0  # standard deviations of a gap that separates matches from the rest
MAX_COSINE = 0.9999  # of `QueryNull.cosine`


@dataclass(frozen=True)
class NullTail:
    """The survival function of unrelated items' standardized cosines, from background queries.

    One query's cosines cannot tell a common subject from a heavy tail; other queries of the same
    form can, by the items that are not their own. The share of unrelated items at or above z is
    that of all background queries together, so that tail probabilities are uniform over queries.
    Beyond the highest z of one item per query the tail is exponential, with the scale of a Gumbel
    distribution whose quartiles are those of the queries' maxima.

    Source: maxima and exponential tails: Gumbel. Statistics of Extremes. Columbia University Press
    1958. Estimating the tail from other queries of the same form is ours, measured by
    `python -m tests.bench matches`.

    Args:
        z: (t,) standardized cosines, ascending.
        logs: (t,) log of the share at or above each, descending.
        queries: number of background queries.
    """

    z: Doubles
    logs: Doubles
    queries: int

    def logsf(self, z: Doubles) -> Doubles:
        """Log of the share of unrelated items at or above z; continuously differentiable."""
        from scipy.special import log_ndtr

        at = np.clip(z, self.z[0], self.z[-1])
        low = np.minimum(z - at, 0) * float(self._normal.derivative()(self.z[0]))
        return np.asarray(log_ndtr(-self._normal(at) - low) + self._slope * np.maximum(z - at, 0))

    def isf(self, p: float) -> float:
        """The z that a share p of unrelated items reaches; the inverse of `logsf`."""
        from scipy.optimize import brentq
        from scipy.special import ndtri_exp

        log_p = log(p)
        if log_p >= self.logs[0]:
            return float(self.z[0])
        if log_p <= self.logs[-1]:
            return float(self.z[-1] + (log_p - self.logs[-1]) / self._slope)
        ends, normal = (float(self.z[0]), float(self.z[-1])), -float(ndtri_exp(log_p))
        return float(brentq(lambda x: float(self._normal(x)) - normal, *ends, xtol=1e-9))

    @cached_property
    def _normal(self) -> PchipInterpolator:
        """From z to the normal quantile with the same share above."""
        from scipy.interpolate import PchipInterpolator
        from scipy.special import ndtri_exp

        return PchipInterpolator(self.z, -ndtri_exp(self.logs))

    @property
    def _slope(self) -> float:
        return float((self.logs[-1] - self.logs[-2]) / (self.z[-1] - self.z[-2]))


@dataclass(frozen=True, slots=True)
class QueryNull:
    """The null distribution of one query: cosines of unrelated items.

    Args:
        mean: of unrelated items, estimated from the query's own cosines; `sd` their deviation.
        n: number of cosines they were estimated from.
        tail: of the standardized cosines, from background queries. Without one, in a small
            collection: Student's t, because mean and deviation are estimated from n cosines.
    """

    mean: float
    sd: float
    n: int
    tail: NullTail | None = None

    def p(self, cosine: Floats | Doubles) -> Doubles:
        """Tail probability of each cosine: the probability that an unrelated item reaches it.

        >>> null = QueryNull(mean=0.1, sd=0.05, n=1_000_000)
        >>> null.p(np.array([0.1, 0.2])).round(4).tolist()
        [0.5, 0.0228]
        """
        from scipy.special import stdtr

        x = np.asarray(cosine, np.float64)
        if self.n < 3 or self.sd <= 0:
            return np.ones_like(x)
        z = (x - self.mean) / self.sd
        if self.tail:
            return np.exp(self.tail.logsf(z))
        return np.asarray(stdtr(self.n - 1, -z / np.sqrt(1 + 1 / self.n)))

    def cosine(self, p: float) -> float:
        """The cosine that an unrelated item reaches with probability p, at most 0.9999.

        Infinite where nothing is known.

        >>> null = QueryNull(mean=0.1, sd=0.05, n=100)
        >>> round(null.cosine(0.01), 3), round(float(null.p(np.array([null.cosine(0.01)]))[0]), 6)
        (0.219, 0.01)
        """
        from scipy.special import stdtrit

        if self.n < 3 or self.sd <= 0:
            return inf
        if self.tail:
            z = self.tail.isf(min(p, 1.0))
        else:
            z = -np.sqrt(1 + 1 / self.n) * float(stdtrit(self.n - 1, min(p, 1.0)))
        return min(self.mean + self.sd * float(z), MAX_COSINE)


def body(cosines: Floats | Doubles) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation, (q,) each, of the body of (q, m) rows of cosines.

    From the 10th and 40th percentile, as if the rows were normal: matches lie above.

    >>> mean, sd = body(np.random.default_rng(0).normal(0.2, 0.05, (1, 100_000)))
    >>> mean.round(3).tolist(), sd.round(3).tolist()
    ([0.2], [0.05])
    """
    low, high = np.quantile(np.asarray(cosines, np.float64), [LOW, BODY], axis=1)
    sd = (high - low) / (BODY_Z - LOW_Z)
    return high - BODY_Z * sd, sd


def fit_null_tail(cosines: Floats, related: Bools) -> NullTail | None:
    """The tail estimated from background queries; None for fewer than 20 queries or 40 items.

    Args:
        cosines: (q, m) of each query with the items.
        related: (q, m) which items are the query's own: their cosines are ignored.
    """
    from scipy.special import ndtr, ndtri

    queries, m = cosines.shape
    if queries < LEAST_QUERIES or m < LEAST_ITEMS:
        return None
    filled = np.where(related, np.median(cosines, axis=1, keepdims=True), cosines)
    mean, sd = body(filled)
    varied = sd > 1e-9
    if varied.sum() < LEAST_QUERIES:
        return None
    standardized = (cosines[varied] - mean[varied, None]) / sd[varied, None]
    unrelated = ~related[varied]
    share = ndtr(-np.linspace(LOWEST, ndtri(1 - 0.69 / m), KNOTS))
    z, logs = np.quantile(standardized[unrelated], 1 - share), np.log(share)
    highest = np.where(unrelated, standardized, -np.inf).max(axis=1)
    low, high = np.quantile(highest, [0.25, 0.75])
    scale = max(float(high - low) / QUARTILES, 1e-3)
    steps = np.arange(1.0, BEYOND + 1)
    z, logs = np.append(z, z[-1] + scale * steps), np.append(logs, logs[-1] - steps)
    rising = np.append(True, np.diff(np.maximum.accumulate(z)) > 1e-9)
    return NullTail(z[rising], logs[rising], int(varied.sum()))


def fit_null(cosines: Floats, tail: NullTail | None = None) -> QueryNull:
    """The null distribution of one query, from its cosines with all candidates of one kind.

    Items above the cosine where at most one is expected are trimmed and the rest is measured again
    until nothing more is trimmed: a common subject raises even the lower half. Without a tail all
    cosines count, except those above a wide gap, which are taken for matches.
    """
    n = len(cosines)
    if n < 3:
        return QueryNull(0.0, 0.0, n)
    if tail:
        return _trimmed(cosines, tail)
    ordered = np.sort(cosines).astype(np.float64)
    rest = ordered[: _below_gap(ordered)]
    return QueryNull(float(rest.mean()), float(rest.std(ddof=1)), len(rest))


def _trimmed(cosines: Floats, tail: NullTail) -> QueryNull:
    n, rest = len(cosines), cosines
    for _ in range(ROUNDS):
        mean, sd = body(rest[None])
        null = QueryNull(float(mean[0]), float(sd[0]), n, tail)
        below = cosines[cosines < null.cosine(1 / n)]
        if not n / 2 <= len(below) < len(rest):
            break
        rest = below
    return null


def _below_gap(ordered: Doubles) -> int:
    """How many of the cosines lie below the widest gap of the upper half, if it is wide enough.

    A gap counts when it is `GAP` times the distance from the median down to the 16th percentile,
    which is one standard deviation.
    """
    n = len(ordered)
    if n < 8:
        return n
    half = n // 2
    spread = ordered[half] - ordered[int(0.16 * n)]
    steps = np.diff(ordered[half:])
    widest = int(steps.argmax())
    return half + widest + 1 if spread > 0 and steps[widest] > GAP * spread else n
