"""Counts that are too high for the distribution of their own kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, pdtrc

from core.types import Doubles, Ints

BULK = 0.95  # share of the counts that the distribution is fitted to
FEW = 4.0  # counts up to which all belong to it: zeros alone would say nothing of the spread
_Z = np.linspace(-8.0, 8.0, 321)  # of the normal logarithm of a rate
_WEIGHTS = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()
_LEAST = 1e-300


@dataclass(frozen=True)
class CountLaw:
    """Poisson counts whose rates differ between items as exp(mean + spread * Z), Z normal.

    Without spread it is a Poisson law; with it, few items have many times the usual count.
    """

    mean: float
    spread: float

    @property
    def rates(self) -> Doubles:
        """(321,) rates, with the weights of a normal distribution."""
        return np.exp(np.clip(self.mean + self.spread * _Z, -50.0, 50.0))

    def tail(self, counts: Doubles) -> Doubles:
        """P(a count is as high or higher).

        >>> law = CountLaw(np.log(2.0), 0.0)
        >>> law.tail(np.array([0.0, 1.0, 3.0])).round(4).tolist()  # 1, 1 - exp(-2), 1 - 5 exp(-2)
        [1.0, 0.8647, 0.3233]
        """
        different, place = np.unique(counts, return_inverse=True)  # few: a row of rates each
        least = np.ceil(different) - 1
        values = pdtrc(np.maximum(least, 0)[:, None], self.rates) @ _WEIGHTS
        return np.where(least < 0, 1.0, values)[place]

    def log_mass(self, counts: Doubles) -> Doubles:
        """Log-probability of each count."""
        rates = self.rates
        logs = counts[:, None] * np.log(rates) - rates - gammaln(counts + 1)[:, None]
        top = logs.max(axis=1)
        return top + np.log(np.maximum(np.exp(logs - top[:, None]) @ _WEIGHTS, _LEAST))


def count_law(counts: Ints) -> CountLaw:
    """The law of the lower 95% of the counts; of the others only that they are higher is used.

    What is far above the rest therefore does not make itself usual. Maximum likelihood, censored.

    >>> law = count_law(np.random.default_rng(0).poisson(20, 2000))
    >>> round(float(np.exp(law.mean))), law.spread < 0.1
    (20, True)
    """
    values, number = np.unique(counts, return_counts=True)
    cut = max(float(np.quantile(counts, BULK)), FEW)
    inside = values <= cut
    bulk, weights = values[inside].astype(np.float64), number[inside]
    above = int(number[~inside].sum())
    beyond = np.array([np.floor(cut) + 1.0])

    def cost(at: Doubles) -> float:
        law = CountLaw(float(at[0]), float(np.exp(at[1])))
        loss = -float(weights @ law.log_mass(bulk))
        if above:
            loss -= above * float(np.log(max(law.tail(beyond)[0], _LEAST)))
        return loss

    mean = max(float((weights @ bulk) / weights.sum()), 0.1)
    excess = float(weights @ (bulk - mean) ** 2 / weights.sum()) - mean
    spread = np.sqrt(np.log1p(max(excess, 0.02 * mean**2) / mean**2))
    start = np.array([np.log(mean) - spread**2 / 2, np.log(spread)])
    found = minimize(
        cost, start, method="L-BFGS-B", bounds=[(start[0] - 20, start[0] + 5), (-6.0, 2.0)]
    )
    return CountLaw(float(found.x[0]), float(np.exp(found.x[1])))
