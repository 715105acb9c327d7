"""Two spaces: the interval of a difference, and the same number of items."""

from math import inf, nan

import numpy as np
import pytest

from core.measure import by_size, compare, evaluate, rarefied
from core.types import Finding, Reference
from tests.fixtures.spaces import paired


def finding(value, low, high, name="cone"):
    return Finding("image", value, low, high, Reference(0, "x"), "A.", "exact", name, "good")


def contrast(a, b):
    (one,) = compare([finding(*a)], [finding(*b)])
    return one


def test_the_interval_covers_the_difference_of_two_means(rng):
    """As often as it says, of means of 50 draws."""
    inside = 0
    for _ in range(2000):
        a, b = rng.normal(1, 1, 50), rng.normal(0, 2, 50)
        ends = [
            (x.mean(), *(x.mean() + s * 1.96 * x.std() / 50**0.5 for s in (-1, 1))) for x in (a, b)
        ]
        low, high = contrast(*ends).interval
        inside += low <= 1 <= high
    assert inside / 2000 == pytest.approx(0.95, abs=0.02)


def test_the_clearest_difference_comes_first_and_the_unknown_last():
    each = [
        contrast((1.0, nan, nan), (0, -1, 1)),
        contrast((1.0, 0.0, 2.0), (0, -1, 1)),
        contrast((3.0, 2.5, 3.5), (0, -1, 1)),
        contrast((1.0, 1.0, 1.0), (0.5, 0.5, 0.5)),
        contrast((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    ]
    ordered = by_size(each)
    assert ordered == (each[3], each[2], each[1], each[4], each[0])
    assert [c.size for c in (each[3], each[4], each[0])] == [inf, 0.0, -1.0]
    assert [c.differs for c in each] == [False, False, True, True, False]


def test_two_parts_are_compared_at_the_same_number_of_items():
    whole = paired(n=200, d=16)
    part = whole.subset(np.concatenate([np.arange(30), 200 + np.arange(20)]))
    a, b = rarefied(whole, part)
    assert (a.n_images, a.n) == (b.n_images, b.n) == (30, 50)
    assert b.ids == part.ids
    assert len(a.pairs) == 20
    assert set(a.ids) <= set(whole.ids)
    assert rarefied(whole, whole)[0] is whole
    smaller, same = rarefied(whole.subset(np.arange(100)), whole)
    assert (smaller.n_images, same.n_images, same.n) == (100, 100, 200)


def test_recall_grows_with_fewer_candidates_and_not_between_parts_of_one_size():
    whole = paired(n=600, d=8, agreement=0.5)
    part = whole.subset(np.concatenate([np.arange(60), 600 + np.arange(60)]))
    recall = [
        evaluate(each).text_to_image.scores["recall@1"] for each in (whole, *rarefied(whole, part))
    ]
    assert recall[0].high < recall[1].low
    assert recall[1].low < recall[2].high and recall[2].low < recall[1].high
