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

LOW, BODY = 0.1, 0.4  # shares of the cosines between which the body is measured: below any match
LOW_Z, BODY_Z = -1.2815515655446004, -0.2533471031357997  # where a normal distribution has them
QUERIES, ITEMS = 20, 40  # below so many other queries, or items, no shape can be told
KNOTS, LOWEST = 24, -2.75  # of the curve, evenly between so many deviations and the best
BEYOND = 12.0  # the tail is drawn down to e^-12 of the share that the best of all stands for
QUARTILES = 1.5725  # between the quartiles of a Gumbel distribution, in its scales


@dataclass(frozen=True)
class Shape:
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


def fit_shape(cosines: Floats, related: Bools) -> Shape | None:
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
    return Shape(z[rising], logs[rising], int(told.sum()))
