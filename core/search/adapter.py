"""A score that follows the query: which cosine is much depends on what else the query is like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.search.shape import body
from core.types import Doubles, Floats

REACH = 1.0  # deviations from the mean query up to which what was learnt is carried
DECAY = 1e-4
FEATURES = 4


@dataclass(frozen=True)
class Adapter:
    """A cosine c becomes a score a(q) c + b(q) with a > 0, so that no query's order changes.

    a and b are linear in four numbers of its cosines (see `features`), a through softplus. Queries
    far from those it was fitted to are treated like the nearest within `REACH` deviations.

    Source: form and loss: Rossi et al., Relevance Filtering for Embedding-based Retrieval (Cosine
    Adapter), CIKM 2024. These numbers in place of the query's vector, and no hidden layer, are
    ours: they do better from few pairs (`sextant bench cut`).

    Args:
        slope: (5,) weights of a: the features, then 1.
        shift: (5,) weights of b.
        centre: (4,) mean of the features while fitting; `scale` their deviation.
        middle: mean of the cosines while fitting; `width` their deviation.

    >>> one = np.array([0, 0, 0, 0, np.log(np.e - 1)])  # softplus of the last is 1
    >>> same = Adapter(one, np.zeros(5), np.zeros(4), np.ones(4))
    >>> a, b = same.line(np.zeros((1, 4)))
    >>> float(a[0].round(12)), float(b[0])
    (1.0, 0.0)
    """

    slope: Doubles
    shift: Doubles
    centre: Doubles
    scale: Doubles
    middle: float = 0.0
    width: float = 1.0

    def line(self, features: Doubles) -> tuple[Doubles, Doubles]:
        """Slope a and shift b, (q,) each, of queries with these (q, 4) features."""
        x = np.clip((features - self.centre) / self.scale, -REACH, REACH)
        x = np.column_stack([x, np.ones(len(x))])
        a = np.logaddexp(0, x @ self.slope) / self.width
        return a, x @ self.shift - a * self.middle


def features(cosines: Floats) -> Doubles:
    """(q, 4) what is read of queries' (q, m) cosines: mean, log deviation, start, log excess.

    Mean and deviation of the body; where the best tenth starts, by how much it exceeds that on
    average.
    """
    mean, sd = body(cosines)
    width = np.maximum(sd, 1e-6)
    start = np.quantile(cosines, 0.9, axis=1)
    above = np.maximum(cosines - start[:, None], 0)
    excess = above.sum(axis=1) / np.maximum((above > 0).sum(axis=1), 1)
    return np.column_stack([mean, np.log(width), start, np.log(np.maximum(excess, 1e-3 * width))])


def fit_adapter(features: Doubles, cosines: Doubles, true: Doubles) -> Adapter:
    """Learn a(q) and b(q) from pairs that belong together and pairs that do not.

    Args:
        features: (q, 4) of each query.
        cosines: (q, m) with its true item and with unrelated ones.
        true: (q, m) 1 where the two belong together, else 0.

    Minimises the mean cross-entropy of 1 / (1 + exp(-(a c + b))) and a little weight decay.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    x = np.column_stack([((features - centre) / scale).clip(-REACH, REACH), np.ones(len(features))])
    middle, width = float(cosines.mean()), float(cosines.std()) + 1e-9
    c = (cosines - middle) / width
    penalised = np.array([1.0] * FEATURES + [0.0])

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        slope, shift = weights.reshape(2, -1)
        score = np.logaddexp(0, x @ slope)[:, None] * c + (x @ shift)[:, None]
        off = (expit(score) - true) / score.size
        by_slope = x.T @ ((off * c).sum(axis=1) * expit(x @ slope))
        by_shift = x.T @ off.sum(axis=1)
        decay = DECAY * penalised * np.stack([slope, shift])
        entropy = (np.logaddexp(0, score) - true * score).mean()
        gradient = np.concatenate([by_slope, by_shift]) + 2 * decay.ravel()
        return float(entropy + (decay * np.stack([slope, shift])).sum()), gradient

    first = np.zeros((2, FEATURES + 1))
    first[:, -1] = 2.0, -3.0
    found = minimize(loss, first.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    slope, shift = found.x.reshape(2, -1)
    return Adapter(slope, shift, centre, scale, middle, width)
