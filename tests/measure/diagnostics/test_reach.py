"""What can be found, and what is queried: reachability and coverage."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from core.types.space import Space
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space

# Reachability


def test_images_on_no_list_are_counted_and_listed():
    given = spaces.gap(n=200, d=16, size=0.7)
    x, y = given.images.astype(np.float64), given.texts.astype(np.float64)
    lists = NearestNeighbors(n_neighbors=10, metric="cosine").fit(x).kneighbors(y)[1]
    counts = np.bincount(lists.ravel(), minlength=200)
    found = find("reachability", given)
    assert found.value == (counts == 0).mean() > 0
    np.testing.assert_array_equal(found.per_item[:200], counts)
    assert found.per_item[:200].sum() == 200 * 10
    assert np.isnan(found.per_item[200:]).all()
    assert found.sampled == "exact, all 200 captions among all 200 images"
    assert found.low <= found.value <= found.high


def test_random_lists_leave_out_what_the_reference_says():
    given = spaces.ball(n=400, d=300)  # nothing belongs together, and no hubs to speak of
    texts = given.texts[:40]
    found = find("reachability", space(given.images, texts))
    assert found.reference.value == pytest.approx((1 - 10 / 400) ** 40, rel=1e-6)  # 36%
    assert found.value == pytest.approx(found.reference.value, abs=0.07)
    assert found.verdict == "good"  # few captions are not the space's fault


def test_a_score_bias_makes_images_unreachable_as_it_does_in_search():
    given = spaces.paired(n=100)
    plain = find("reachability", given)
    assert (plain.value, plain.verdict) == (0.0, "good")
    offset = np.zeros(200, np.float32)
    offset[:50] = 3
    pushed = Space(given.vectors, given.ids, 100, given.pairs, offset=offset)
    found = find("reachability", pushed)
    assert found.value == 0.5
    assert (found.per_item[:50] == 0).all()


def test_one_hub_makes_the_others_unreachable():
    found = find("reachability", spaces.one_hub(), k=1)
    assert found.value == pytest.approx(299 / 300)
    assert found.verdict == "bad"
    assert "is on 300 times as many lists" in found.detail


def test_a_sample_of_captions_gives_an_interval_that_covers_all_of_them():
    covered, off = 0, []
    for seed in range(100):
        x = np.random.default_rng(seed).standard_normal((600, 12)) + 0.6
        given = space(x[:300], x[300:])
        exact = value("reachability", given)
        found = find("reachability", given, budget=0.00072)  # a third of 2 q n d
        assert found.sampled == "random 100 of 300 captions among 300 of 300 images"
        assert (found.per_item[:300] == 0).mean() >= exact  # a part's share is an upper bound
        covered += found.low <= exact <= found.high
        off.append(found.value - exact)
    assert covered >= 90
    assert abs(np.mean(off)) < 0.03


def test_beyond_the_budget_a_part_is_asked_and_said():
    given = spaces.paired(n=4000, d=64)  # 2e9 operations for all
    found = find("reachability", given, budget=1)
    assert found.sampled == "random 1,953 of 4,000 captions among 4,000 of 4,000 images"
    assert "at most" in found.detail
    exact = find("reachability", given)
    assert found.low <= exact.value <= found.high
    large = spaces.paired(n=8000, d=64)
    part = find("reachability", large, budget=1)
    assert part.sampled == "random 2,795 of 8,000 captions among 2,795 of 8,000 images"
    assert np.isfinite(part.per_item).sum() == 2795


# Coverage


def plain(images, texts):
    return find("coverage", space(images, texts), center="no")


def test_utilization_of_placed_points():
    e = np.eye(3)
    assert plain(e, e[[0, 1]]).value == pytest.approx(0, abs=1e-12)
    assert plain(e[[0, 0]], -e[[0, 0]]).value == pytest.approx(4, abs=1e-6)
    assert plain(e[[0, 0]], e[[1, 1]]).value == pytest.approx(2, abs=1e-6)
    middle = [(e[0] + e[1]) / np.sqrt(2)] * 2
    assert plain(e[:2], middle).value == pytest.approx(2 - np.sqrt(2), abs=1e-6)
    with_midpoint = np.concatenate([e[:2], middle[:1]])
    assert plain(with_midpoint, middle).value == pytest.approx(0, abs=1e-6)


def test_coverage_agrees_with_a_direct_computation():
    given = spaces.gap(n=150, d=12)
    x, y = (rows - rows.mean(axis=0) for rows in given_rows(given))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    near = cdist(y, x, "sqeuclidean").min(axis=1)
    among = cdist(x, x, "sqeuclidean")
    np.fill_diagonal(among, np.inf)
    alone = among.min(axis=1)
    found = find("coverage", given)
    assert found.value == pytest.approx(near.mean(), rel=1e-4)
    assert found.reference.value == pytest.approx(alone.mean(), rel=1e-4)
    np.testing.assert_allclose(found.per_item[150:], near, atol=1e-4)
    out = (near > np.quantile(alone, 0.99)).mean()
    assert out == 0
    assert "0% of the texts are farther" in found.sentence


def given_rows(given):
    return given.images.astype(np.float64), given.texts.astype(np.float64)


def test_the_gap_is_no_lack_of_coverage():
    near = spaces.paired(d=16)
    aside = np.eye(16)[0]
    far = space(near.images + 1.5 * aside, near.texts - 1.5 * aside, near.pairs)
    assert find("coverage", near).verdict == "good"
    assert find("coverage", far).verdict == "good"
    assert value("coverage", far, center="no") > 2.5 > value("coverage", far)


def test_texts_about_something_else_are_out_of_coverage():
    x = np.concatenate([directions(300, 8), np.zeros((300, 8))], axis=1)
    found = find("coverage", space(x, np.roll(x, 8, axis=1)))
    assert found.verdict == "bad"
    assert "100% of the texts are farther" in found.sentence


def test_a_near_image_is_no_coverage_where_pairs_are_random():
    found = find("coverage", spaces.ball(n=400, d=8))
    assert found.verdict == "unknown"
    assert "hardly find their own images" in found.detail
    alone = spaces.ball(n=400, d=8)
    unpaired = space(alone.images, alone.texts)  # nothing is known about what belongs together
    assert find("coverage", unpaired).verdict == "good"


def test_a_sampled_coverage_interval_covers_the_exact_value():
    covered = 0
    for seed in range(100):
        x = directions(600, 6, seed) + 0.3
        given = space(x[:200], x[200:])
        exact = value("coverage", given)
        found = find("coverage", given, queries=100)
        covered += found.low <= exact <= found.high
    assert covered >= 90


# Edges


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("reachability", space(np.eye(12)), "needs at least 2 texts; there are none. Add capt"),
        ("reachability", spaces.paired(n=10), "needs at least 11 images; there are 10"),
        ("coverage", space((), np.eye(4)), "needs at least 2 images; there are none"),
        ("coverage", spaces.same(), "different items of each kind"),
    ],
)
def test_edges_give_sentences(name, given, sentence):
    with pytest.raises(TooFew, match=sentence):
        DIAGNOSTICS.get(name)(given)
