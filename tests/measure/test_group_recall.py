"""Recall by group: chance in closed form, and intervals that hold for all groups at once."""

import numpy as np
import pytest

from core.measure.group_recall import OTHER, recall_by_group
from core.measure.retrieval import Direction, evaluate
from tests.fixtures import spaces


def direction(ranks, *, n=100, relevant=None, images=None, folds=10):
    ranks = np.asarray(ranks)
    q = len(ranks)
    images = np.arange(q) if images is None else np.asarray(images)
    without = np.where(images[:, None] % folds == np.arange(folds), 0, ranks[:, None])
    relevant = np.ones(q, int) if relevant is None else np.asarray(relevant)
    return Direction({}, np.arange(q), ranks, n, relevant, images, without)


def test_chance_is_that_of_a_random_order_with_several_true_items():
    scored = direction([1] * 6, n=5, relevant=[1, 1, 1, 2, 2, 2])
    found = {
        g.name: g.score for g in recall_by_group(scored, {"a": [0, 1, 2], "b": [3, 4, 5]}, k=2)
    }
    assert found["a"].chance == pytest.approx(2 / 5)
    assert found["b"].chance == pytest.approx(1 - (3 / 5) * (2 / 4))


def test_small_groups_are_one_and_wide():
    scored = direction([1] * 200)
    members = {"large": range(150), "few": range(150, 154), "one": [160], "two": [161, 162]}
    found = {g.name: g for g in recall_by_group(scored, members)}
    assert set(found) == {"large", "few", OTHER}
    assert found[OTHER].n_images == 3
    assert found["few"].score.low < 0.5 < 0.9 < found["large"].score.low


def test_captions_of_one_image_count_once():
    alone = direction([1, 20] * 20, folds=40)
    together = direction([1] * 20 + [20] * 20, images=np.arange(40) // 5)
    widths = [
        g.score.high - g.score.low
        for scored in (alone, together)
        for g in recall_by_group(scored, {"all": range(40)})
    ]
    assert widths[1] > 1.5 * widths[0]


@pytest.mark.slow
def test_no_group_differs_when_groups_are_drawn_at_random():
    """Two hundred random divisions into twenty groups: a false alarm in one of twenty at most."""
    scored = evaluate(spaces.paired(n=400, d=16, agreement=0.55)).text_to_image
    assert 0.2 < (scored.first_ranks <= 10).mean() < 0.9
    alarms = 0
    for seed in range(200):
        group = np.random.default_rng(seed).integers(0, 20, 400)
        found = recall_by_group(scored, {str(i): np.flatnonzero(group == i) for i in range(20)})
        alarms += any(g.differs for g in found)
    assert alarms <= 18  # the 99% quantile of a binomial with 5%


def test_a_group_that_fails_is_found():
    scored = direction([1] * 90 + [50] * 10)
    found = recall_by_group(scored, {"good": range(90), "bad": range(90, 100)})
    assert [(g.name, g.differs) for g in found] == [("bad", "lower"), ("good", "higher")]
