"""Statistics of numbers."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.numerics.stats import (
    auc,
    chance_std,
    folds,
    jackknife_error,
    macro_std,
    normal,
    quantile_ranges,
    share_interval,
    two_way_error,
    unseen_share,
    wilson,
)


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


def test_folds_hold_whole_groups_and_divide_the_first_evenly(rng):
    groups = rng.integers(0, 300, 2000)
    first = groups < 90
    fold = folds(groups, first, count=30)
    for number in np.unique(groups):
        assert len(np.unique(fold[groups == number])) == 1
    divided = [len(np.unique(groups[first & (fold == f)])) for f in range(30)]
    assert set(divided) == {3}
    assert folds(groups, groups < 7, count=30).max() == 6  # no more folds than groups


def test_a_jackknife_of_means_has_the_textbook_error(rng):
    values = rng.standard_normal(40)
    without = (values.sum() - values) / 39
    expected = values.std(ddof=1) / np.sqrt(40) * 2.0227 / 1.95996  # Student's t for 39
    assert jackknife_error(without) == pytest.approx(expected, rel=1e-3)
    assert np.isnan(jackknife_error(np.array([1.0])))
    assert np.isnan(normal(0.5, float("nan"))).all()


def test_the_error_of_a_mean_over_queries_and_candidates(rng):
    """An effect of the query, one of the candidate, and chance of both: each counts once."""
    n, drawn, stated = 60, [], []
    for _ in range(200):
        table = (
            rng.standard_normal((n, 1)) + rng.standard_normal(n) + 3 * rng.standard_normal((n, n))
        )
        without = (table.sum(axis=1, keepdims=True) - table) / (n - 1)
        drawn.append(table.mean())
        stated.append(
            two_way_error(table.mean(axis=1), without, ~np.eye(n, dtype=bool), np.arange(n))
        )
    assert np.mean(stated) == pytest.approx(np.std(drawn), rel=0.15)


def test_the_interval_of_a_share_is_that_of_as_many_draws_as_its_error_says():
    alone, fives = np.arange(200), np.arange(200) // 5
    assert share_interval(0.5, np.sqrt(0.25 / 200), alone) == pytest.approx(wilson(100, 200))
    low, high = share_interval(0.5, np.sqrt(0.25 / 40), fives)
    assert (low, high) == pytest.approx(wilson(20, 40))
    assert share_interval(0.0, 0.0, fives) == pytest.approx(wilson(0, 40))
    assert np.isnan(share_interval(0.5, float("nan"), alone)).all()


def test_ranges_hold_equal_values_together():
    groups, names = quantile_ranges(np.array([0.0] * 50 + [*range(1, 51)]), 10)
    assert len(set(groups[:50])) == 1 and len(names) == len(set(groups)) < 10
    assert (np.diff(groups) >= 0).all()


def test_ranges_of_large_numbers_have_names_of_their_own():
    names = quantile_ranges(1_700_000_000.0 + np.arange(40), 4)[1]
    assert names[0] == "1,700,000,000 to 1,700,000,009" and len(set(names)) == 4
