"""Statistics of numbers."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.numerics.stats import auc, chance_std, macro_std, unseen_share


@pytest.mark.parametrize(
    ("rates", "counts", "style", "deviation"),
    [
        ([[0.4, 0.4, 0.4]], [[5, 50, 9]], "population", 0.0),
        ([[1, 0]], [[10, 10]], "population", 0.5),
        ([[0.9, 0.7]], [[80, 20]], "population", 0.08),
        ([[0.9, 0.7]], [[80, 20]], "nist", 0.113137),
        ([[0.6, 0.4], [0.8, 0.2]], [[10, 10], [7, 7]], "population", 0.2),
        ([[0.9], [0.1]], [[10], [10]], "population", 0.0),
        ([[0.9], [0.1]], [[10], [10]], "nist", 0.0),
    ],
)
def test_macro_std(rates, counts, style, deviation):
    found = macro_std(np.array(rates, float), np.array(counts, float), style)
    assert found == pytest.approx(deviation, abs=1e-6)


def test_chance_alone_spreads_small_groups():
    alone = chance_std(0.5, np.full(40, 25.0), "population")
    assert alone == pytest.approx(np.sqrt(0.25 / 25 * 39 / 40), rel=0.02)
    assert chance_std(1.0, np.full(4, 25.0), "population") == 0.0


def test_auc_is_that_of_scikit_learn(rng):
    positive, negative = rng.standard_normal(60).round(1) + 0.5, rng.standard_normal(90).round(1)
    known = roc_auc_score([1] * 60 + [0] * 90, np.concatenate([positive, negative]))
    assert auc(positive, negative)[0] == pytest.approx(known)
    drawn = [auc(rng.standard_normal(60) + 0.5, rng.standard_normal(90)) for _ in range(300)]
    spread = np.std([v for v, _ in drawn])
    assert np.mean([e for _, e in drawn]) == pytest.approx(spread, rel=0.15)


def test_unseen_shares_of_a_known_distribution(rng):
    """Gamma-Poisson counts: half of the lists tell what all of them would leave out."""
    rate = rng.gamma(0.8, 10 / 0.8, 50_000)
    every = rng.poisson(rate)
    half = rng.binomial(every, 0.5)
    by_law, by_chao = unseen_share(half, 0.5)
    assert by_law == pytest.approx((every == 0).mean(), abs=0.005)
    assert by_chao == pytest.approx((every == 0).mean(), abs=0.03)
    assert unseen_share(np.ones(9), 0.5) == (0.0, 0.0)
    assert unseen_share(np.zeros(9), 0.5) == (1.0, 1.0)
