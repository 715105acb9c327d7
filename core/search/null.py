"""How far unrelated items reach above the body of a query's cosines, told by other queries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import TYPE_CHECKING

import numpy as np

from core.types import Bools, Doubles, Floats

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator


from math import inf

LOW, BODY = 0.1, 0.4  # shares of the cosines between which the body is measured: below any match
LOW_Z, BODY_Z = -1.2815515655446004, -0.2533471031357997  # where a normal distribution has them
QUERIES, ITEMS = 20, 40  # below so many other queries, or items, no shape can be told
KNOTS, LOWEST = 24, -2.75  # of the curve, evenly between so many deviations and the best
BEYOND = 12.0  # the tail is drawn down to e^-12 of the share that the best of all stands for
QUARTILES = 1.5725  # between the quartiles of a Gumbel distribution, in its scales


@dataclass(frozen=True)
class NullTail:
    """The share of unrelated items above each number of deviations from the mean.

    From one query's cosines nobody can tell a common subject from a heavy tail. Other queries of
    the same form can: what they find of items that are not theirs. Where the k-th best of m items
    lies for half of those queries, k - 0.31 of m are expected at or above. Beyond the best, chances
    fall exponentially, as fast as the quartiles of the queries' best say. Medians and quartiles,
    no means: queries about a common subject among them change little.

    Source: the best of many with an exponential tail: Gumbel. Statistics of Extremes. Columbia
    University Press 1958; k - 0.31: Benard and Bos-Levenbach. Statistica Neerlandica 1953. A null
    told by other questions of the same form is ours (`sextant bench cut`).

    Args:
        z: (t,) deviations, ascending.
        logs: (t,) log of the share at or above each, falling.
        queries: how many other queries told.
    """

    z: Doubles
    logs: Doubles
    queries: int

    def log_p(self, z: Doubles) -> Doubles:
        """Log of the share of unrelated items at or above z. Its slope has no jumps."""
        from scipy.special import log_ndtr

        at = np.clip(z, self.z[0], self.z[-1])
        low = np.minimum(z - at, 0) * float(self._normal.derivative()(self.z[0]))
        return np.asarray(log_ndtr(-self._normal(at) - low) + self._slope * np.maximum(z - at, 0))

    def reached(self, p: float) -> float:
        """How many deviations a share p of unrelated items reaches; the inverse of `log_p`."""
        from scipy.optimize import brentq
        from scipy.special import ndtri_exp

        wanted = log(p)
        if wanted >= self.logs[0]:
            return float(self.z[0])
        if wanted <= self.logs[-1]:
            return float(self.z[-1] + (wanted - self.logs[-1]) / self._slope)
        ends, same = (float(self.z[0]), float(self.z[-1])), -float(ndtri_exp(wanted))
        return float(brentq(lambda x: float(self._normal(x)) - same, *ends, xtol=1e-9))

    @cached_property
    def _normal(self) -> PchipInterpolator:
        """From deviations to those that the same share of a normal distribution reaches."""
        from scipy.interpolate import PchipInterpolator
        from scipy.special import ndtri_exp

        return PchipInterpolator(self.z, -ndtri_exp(self.logs))

    @property
    def _slope(self) -> float:
        return float((self.logs[-1] - self.logs[-2]) / (self.z[-1] - self.z[-2]))


def body(cosines: Floats | Doubles) -> tuple[Doubles, Doubles]:
    """Mean and deviation, (q,) each, of unrelated items' cosines in (q, m) rows.

    Read off the 10th and 40th percentile as if the rows were normal: what matches lies above.

    >>> mean, sd = body(np.random.default_rng(0).normal(0.2, 0.05, (1, 100_000)))
    >>> mean.round(3).tolist(), sd.round(3).tolist()
    ([0.2], [0.05])
    """
    low, high = np.quantile(np.asarray(cosines, np.float64), [LOW, BODY], axis=1)
    sd = (high - low) / (BODY_Z - LOW_Z)
    return high - BODY_Z * sd, sd


def fit_null_tail(cosines: Floats, related: Bools) -> NullTail | None:
    """The shape that other queries tell; None from fewer than 20 queries or 40 items.

    Args:
        cosines: (q, m) of each with the items.
        related: (q, m) which items are its own: they count as neither.
    """
    from scipy.special import ndtr, ndtri

    queries, m = cosines.shape
    if queries < QUERIES or m < ITEMS:
        return None
    cosines = np.where(related, np.median(cosines, axis=1, keepdims=True), cosines)
    mean, sd = body(cosines)
    told = sd > 1e-9
    if told.sum() < QUERIES:
        return None
    above = (cosines[told] - mean[told, None]) / sd[told, None]
    ordered = np.sort(above, axis=1)[:, ::-1].T
    share = ndtr(-np.linspace(LOWEST, ndtri(1 - 0.69 / m), KNOTS))
    ranks = np.unique(np.clip((m * share + 0.31).round().astype(int), 1, m))[::-1]
    z = np.median(ordered[ranks - 1], axis=1)
    logs = np.log((ranks - 0.31) / (m + 0.38))
    low, high = np.quantile(ordered[0], [0.25, 0.75])
    scale = max(float(high - low) / QUARTILES, 1e-3)
    further = np.arange(1.0, BEYOND + 1)
    z, logs = np.append(z, z[-1] + scale * further), np.append(logs, logs[-1] - further)
    rising = np.append(True, np.diff(np.maximum.accumulate(z)) > 1e-9)
    return NullTail(z[rising], logs[rising], int(told.sum()))


ROUNDS = 8
GAP = 3.0  # an empty stretch of so many deviations parts matches from the rest
REACHED = 0.9999  # no cut lies above: an item that says the same is a match


@dataclass(frozen=True, slots=True)
class QueryNull:
    """How similar unrelated items are to one query.

    `mean` and `sd` are read off the lower half of the query's own cosines, `shape` says how far
    above them unrelated items reach. Without a shape, in a small collection, all are taken for
    normal, Student's t because mean and deviation are estimated from `n` cosines.
    """

    mean: float
    sd: float
    n: int
    shape: NullTail | None = None

    def p(self, cosine: Floats | Doubles) -> Doubles:
        """Tail probability of each cosine: the chance that one unrelated item reaches it.

        >>> null = QueryNull(mean=0.1, sd=0.05, n=1_000_000)
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

        >>> null = QueryNull(mean=0.1, sd=0.05, n=100)
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


def fit_null(background: Floats, shape: NullTail | None = None) -> QueryNull:
    """The null of one query, from its cosines with all candidates of one kind.

    What lies where at most one item is expected by chance is left out and the rest measured again,
    until nothing more is left out: a common subject lifts even the lower half. Without a shape all
    cosines count, but for those that an empty stretch parts from the rest: these are taken for
    matches.
    """
    n = len(background)
    if n < 3:
        return QueryNull(0.0, 0.0, n)
    if shape:
        return _peeled(background, shape)
    ordered = np.sort(background).astype(np.float64)
    rest = ordered[: _before_a_gap(ordered)]
    return QueryNull(float(rest.mean()), float(rest.std(ddof=1)), len(rest))


def _peeled(background: Floats, shape: NullTail) -> QueryNull:
    n, rest = len(background), background
    for _ in range(ROUNDS):
        mean, sd = body(rest[None])
        null = QueryNull(float(mean[0]), float(sd[0]), n, shape)
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
