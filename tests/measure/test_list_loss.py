"""Losses of exact lists, against what can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measure.list_loss import (
    group_losses,
    list_recall,
    paired_gain,
    places,
    shortlist_for,
)


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_exact_scores_lose_nothing_and_reversed_ones_everything(seed):
    scores = np.random.default_rng(seed).normal(size=(7, 40)).astype("f4")
    exact = np.argsort(-scores, axis=1)[:, :10]
    assert (places(scores, exact) == np.arange(1, 11)).all()
    assert (places(-scores, exact) == np.arange(40, 30, -1)).all()
    assert list_recall(places(scores, exact), np.arange(7))[::2] == (1.0, 1.0)


def test_recall_after_rescoring_reaches_the_level_with_the_fewest_rows():
    found = np.arange(1, 1001).reshape(100, 10)
    for level in (0.5, 0.9, 0.995):
        m = shortlist_for(found, level)
        assert list_recall(found, np.arange(100), m)[0] >= level
        assert list_recall(found, np.arange(100), m - 1)[0] < level
    assert shortlist_for(np.ones((3, 10), int), 1.0) == 10


def test_random_losses_are_within_the_null_and_a_planted_loser_is_not():
    rng = np.random.default_rng(0)
    found = np.where(rng.random((500, 10)) < 0.2, 99, 1)
    groups = rng.integers(0, 5, (500, 10))
    fair = group_losses(found, groups, tuple("abcde"), np.arange(500))
    assert sum(one.null_low <= one.value <= one.null_high for one in fair) >= 4
    total = sum(one.value * one.places for one in fair)
    assert total == pytest.approx((found > 10).sum())
    assert sum(one.expected * one.places for one in fair) == pytest.approx(total)
    planted = np.where((groups == 3) & (rng.random((500, 10)) < 0.5), 99, found)
    worse = group_losses(planted, groups, tuple("abcde"), np.arange(500))
    assert [one.group for one in worse if one.more] == ["d"]
    assert worse[3].low < 0.6 < worse[3].high
    assert worse[3].value == pytest.approx(0.6, abs=0.05)


def test_the_null_is_the_hypergeometric_one():
    found = np.array([[1, 2, 3, 99, 99]])  # two of five are lost, two of five are the group's
    one = group_losses(
        np.repeat(found, 30, axis=0), np.repeat([[0, 0, -1, -1, -1]], 30, axis=0), ["a"],
        np.arange(30),
    )[0]  # fmt: skip
    draws = np.random.default_rng(0).hypergeometric(2, 3, 2, size=(20_000, 30)).sum(axis=1) / 60
    assert one.expected == pytest.approx(draws.mean(), abs=0.005)
    assert one.null_high - one.expected == pytest.approx(1.96 * draws.std(), rel=0.03)
    assert one.value == 0 and not one.more


def test_a_paired_gain_needs_differences_and_covers_the_planted_one():
    rng = np.random.default_rng(1)
    before = rng.random(400) < 0.6
    after = before & (rng.random(400) > 0.1)
    value, low, high = paired_gain(after, before, np.arange(400) // 2)
    assert low < value < high < 0
    assert low < -0.06 < high
    twice = paired_gain(np.repeat(after, 5), np.repeat(before, 5), np.repeat(np.arange(400), 5))
    single = paired_gain(after, before, np.arange(400))
    assert twice == pytest.approx(single, abs=1e-3)  # copies of queries add nothing


def test_a_single_cluster_has_no_interval_of_its_gain():
    both = np.ones(2, bool), np.zeros(2, bool)
    value, low, high = paired_gain(*both, np.zeros(2, np.int64))
    assert value == 1 and np.isnan(low) and np.isnan(high)
