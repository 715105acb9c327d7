"""The quality of a map, against values known in closed form and against scikit-learn."""

import numpy as np
import pytest

from core.errors import TooFew
from core.measure import distrust, measure_map, stability, true_neighbors
from tests.fixtures import spaces


def on_a_circle(n=500, seed=0):
    """Points of a plane and their unit rows: the map is the space itself."""
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, n)
    rows = np.column_stack([np.cos(angles), np.sin(angles)])
    return spaces.space(rows), rows.astype(np.float32)


def test_a_map_that_is_the_space_keeps_everything():
    space, xy = on_a_circle()
    found = measure_map(space, 3 * xy[:, ::-1] + 1)
    assert found.trustworthiness.min() > 1 - 1e-4
    assert found.continuity.min() > 1 - 1e-4
    assert found.recall.mean() > 0.995  # rounding of cosines swaps a few
    assert found.reconstruction.min() > 0.99
    assert distrust(xy, found.rows, found.trustworthiness, found.random[0]).max() <= 1


def test_random_places_are_the_null_beside_it():
    space = spaces.ball(n=250, d=32)
    xy = np.random.default_rng(1).random((500, 2)).astype(np.float32)
    found = measure_map(space, xy, k=10)
    assert found.random[0] == pytest.approx(0.5045, abs=5e-5)  # n = 500, k = 10
    assert found.random[1] == pytest.approx(10 / 499)
    assert found.trustworthiness.mean() == pytest.approx(found.random[0], abs=0.02)
    assert found.continuity.mean() == pytest.approx(found.random[0], abs=0.02)
    assert found.recall[:, found.ks.index(10)].mean() == pytest.approx(10 / 499, abs=0.01)
    assert found.reconstruction == pytest.approx(found.random[2:], abs=0.003)
    assert (np.diff(found.reconstruction) > 0).all()  # more hops, more relevant items


def test_trustworthiness_and_continuity_are_those_of_scikit_learn():
    from sklearn.manifold import trustworthiness

    space = spaces.paired(n=60, d=8)
    xy = space.vectors[:, :2].copy()
    found = measure_map(space, xy, k=7)
    known = trustworthiness(space.vectors, xy, n_neighbors=7)
    back = trustworthiness(xy, space.vectors, n_neighbors=7)
    assert found.trustworthiness.mean() == pytest.approx(known, abs=1e-6)
    assert found.continuity.mean() == pytest.approx(back, abs=1e-6)


def test_a_sample_estimates_the_whole_and_says_so(monkeypatch):
    space = spaces.ball(n=300, d=8)
    xy = space.vectors[:, :2].copy()
    whole = measure_map(space, xy)
    monkeypatch.setattr("core.measure.map_quality.SCORES", 1)
    monkeypatch.setattr("core.measure.map_quality.LEAST_MEASURED", 200)
    part = measure_map(space, xy)
    value, low, high = part.mean(part.trustworthiness)
    assert low < value < high
    assert value == pytest.approx(whole.trustworthiness.mean(), abs=4 * (high - low))
    assert "200 points" in part.sentence
    assert "points" not in whole.sentence
    fade = distrust(xy, part.rows, part.trustworthiness, part.random[0])
    assert fade.shape == (600,)
    assert fade.dtype == np.uint8


def test_a_map_without_the_gap_is_compared_with_the_space_without_it():
    space = spaces.gap(n=100, d=2, size=1.5)
    shown = spaces.space(*np.split(np.concatenate([space.images, space.texts]), [100]))
    centered = shown.vectors - np.repeat(
        [shown.images.mean(axis=0), shown.texts.mean(axis=0)], 100, axis=0
    )
    xy = centered / np.linalg.norm(centered, axis=1, keepdims=True)
    assert measure_map(shown, xy, gap="remove").trustworthiness.mean() > 0.999
    assert measure_map(shown, xy).trustworthiness.mean() < 0.95


def test_two_seeds_are_compared_and_unrelated_maps_share_only_chance():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 800, 2)).astype(np.float32)
    assert stability(one, one[:, ::-1]) == 1
    assert stability(one, other, 10) == pytest.approx(10 / 799, abs=0.006)


@pytest.mark.parametrize("copies", [1, 3, 60])
def test_the_same_map_is_stable_also_where_points_coincide(copies):
    places = np.random.default_rng(0).random((60 // copies, 2)).astype(np.float32)
    assert stability(np.repeat(places, copies, axis=0), np.repeat(places, copies, axis=0), 10) == 1


def test_true_neighbors_are_those_of_the_space():
    space = spaces.ball(n=50, d=8)
    rows, cosines = true_neighbors(space, 7, 5)
    order = np.argsort(-(space.vectors @ space.vectors[7]))
    assert rows.tolist() == order[1:6].tolist()
    assert (np.diff(cosines) <= 0).all()


def test_too_few_points_have_no_quality():
    space = spaces.ball(n=3, d=8)
    with pytest.raises(TooFew, match="needs at least 8 items; there are 6"):
        measure_map(space, space.vectors[:, :2])
