"""The null distribution: tail probabilities of unrelated items are uniform, whatever their tail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.search.null import QueryNull, fit_null, fit_null_tail


def kept(cosines, expected):
    """How many pass where so many are expected by chance."""
    null = fit_null(cosines.astype(np.float32))
    return int((cosines >= null.cosine(expected / len(cosines))).sum())


def test_ten_chance_hits_are_about_ten(rng):
    counts = [kept(rng.normal(0.2, 0.05, 5000), 10) for _ in range(60)]
    assert 7 <= np.mean(counts) <= 14


def gamma_queries(rng, queries=100, m=700):
    """Cosines of unrelated items whose tails are heavier than normal; each query has its scale."""
    scale = rng.uniform(0.01, 0.05, (queries, 1))
    return (0.1 + scale * rng.gamma(2.0, size=(queries, m))).astype(np.float32)


def tail_of(cosines):
    return fit_null_tail(cosines, np.zeros(cosines.shape, bool))


@pytest.mark.parametrize("expected", [0.3, 1, 10])
def test_other_queries_show_how_far_heavy_tails_reach(rng, expected):
    shape = tail_of(gamma_queries(rng))
    nulls = [(x, fit_null(x, shape)) for x in gamma_queries(rng)]
    counts = [(x >= null.cosine(expected / len(x))).sum() for x, null in nulls]
    assert 0.5 * expected <= np.mean(counts) <= 1.6 * expected


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
def test_a_common_subject_does_not_hide_itself(rng, share):
    """Nor do the queries about it spoil the null of all, where it is known what matches them."""
    others = gamma_queries(rng)
    others[:10, : int(share * 700)] += 8 * others[:10].std(axis=1, keepdims=True)
    related = np.zeros(others.shape, bool)
    related[:10, : int(share * 700)] = True
    shape = fit_null_tail(others, related)
    (x,) = gamma_queries(rng, queries=1)
    matching = np.arange(700) < int(share * 700)
    x[matching] += 8 * x.std()
    found = x >= fit_null(x, shape).cosine(1 / 700)
    assert found[matching].mean() > 0.9
    assert found[~matching].sum() <= 4


def test_what_belongs_to_a_query_is_no_null(rng):
    x = gamma_queries(rng)
    own = np.zeros(x.shape, bool)
    own[:, 5] = True
    marked = x.copy()
    marked[:, 5] = 0.99
    np.testing.assert_array_equal(fit_null_tail(x, own).z, fit_null_tail(marked, own).z)
    assert fit_null_tail(x[:19], own[:19]) is None
    assert fit_null_tail(x[:, :39], own[:, :39]) is None


def test_the_density_of_a_shape_has_no_jumps(rng):
    shape = tail_of(gamma_queries(rng))
    z = np.linspace(shape.z[0], shape.z[-1] + 2, 20_001)
    p = np.exp(shape.logsf(z))
    density = -np.diff(p) / np.diff(z)
    assert (density >= 0).all()
    assert np.abs(np.diff(density)).max() < 0.01 * density.max()
    for share in (0.5, 0.01, 1e-4, 1e-9):
        assert np.exp(shape.logsf(np.array(shape.isf(share)))) == pytest.approx(share, rel=1e-4)


def test_no_cosine_is_beyond_what_an_item_can_have():
    assert fit_null(np.linspace(-0.5, 0.99, 30)).cosine(1e-9) < 1


@pytest.mark.parametrize("share", [0.1, 0.01, 0.001])
def test_tail_probabilities_are_uniform_over_queries(rng, share):
    tail = tail_of(gamma_queries(rng))
    below = [(fit_null(x, tail).p(x) <= share).mean() for x in gamma_queries(rng)]
    assert 0.8 * share < np.mean(below) < 1.25 * share


@settings(max_examples=20)
@given(
    shift=st.floats(-0.3, 0.3),
    scale=st.floats(0.5, 2),
    n=st.sampled_from([20, 100, 2000]),
    seed=st.integers(0, 99),
)
def test_shifting_or_stretching_all_cosines_changes_no_probability(shift, scale, n, seed):
    x = np.random.default_rng(seed).normal(0, 0.05, n)
    at = np.linspace(-0.2, 0.4, 31)
    before = fit_null(x.astype(np.float32)).p(at)
    after = fit_null((scale * x + shift).astype(np.float32)).p(scale * at + shift)
    np.testing.assert_allclose(before, after, rtol=2e-2, atol=1e-9)


def test_the_cosine_is_where_its_probability_is(rng):
    for n in (20, 300, 4000):
        null = fit_null(rng.gamma(2.0, 0.05, n).astype(np.float32))
        for p in (0.3, 0.05, 1e-4):
            cosine = null.cosine(p)
            above, below = null.p(np.array([cosine + 1e-6, cosine - 1e-6]))
            assert above <= p <= below or above == pytest.approx(p, rel=1e-3)


def test_the_null_is_calibrated_on_unrelated_items(rng):
    """Where one chance hit in 100 is promised, about one in 100 comes."""
    kept = []
    for _ in range(40):
        background = rng.normal(0.2, 0.05, 5000).astype(np.float32)
        fresh = rng.normal(0.2, 0.05, 5000)
        kept.append((fit_null(background).p(fresh) < 0.01).mean())
    assert 0.008 < np.mean(kept) < 0.012


def test_few_items_give_wide_nulls(rng):
    small = fit_null(rng.normal(0, 0.05, 8).astype(np.float32))
    large = fit_null(rng.normal(0, 0.05, 5000).astype(np.float32))
    assert small.p(np.array([0.25])) > 10 * large.p(np.array([0.25]))
    assert QueryNull(0.0, 0.0, 2).p(np.array([0.9])).tolist() == [1.0]
