"""How items spread: cones, partition sums, and what centering leaves."""

import re

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from core.numerics import nulls
from core.numerics.centering import centered
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space


@pytest.mark.parametrize(("cosine", "angle"), [(0.5, 60.0), (0.9, 25.842), (0.0, 90.0)])
def test_a_cone_of_known_angle(cosine, angle):
    rows = spaces.cone_rows(2000, 16, cosine)
    given = space(np.concatenate([rows, rows * np.array([1] + [-1] * 15)]))  # mean on the axis
    found = find("cone", given)
    assert found.value == pytest.approx(angle, abs=0.01)
    np.testing.assert_allclose(found.per_item, angle, atol=0.01)
    assert f"Mean resultant length {cosine:.2f}" in found.detail
    assert found.reference.value == 90


def test_centering_opens_a_cone_that_is_only_its_mean():
    found = find("cone", space(spaces.cone_rows(3000, 64, 0.9)))
    assert found.verdict == "watch"  # the mean is told once, by the mean cosine
    after = float(re.search(r"after centering the angle is (\d+)°", found.detail)[1])
    assert after == pytest.approx(90, abs=3)
    assert "first direction 81% of the energy" in found.detail  # 0.9^2


def test_cone_is_what_numpy_says():
    given = spaces.gap(n=200, d=12, size=0.8)
    x = given.texts.astype(np.float64)
    mean = x.mean(axis=0)
    angles = np.degrees(np.arccos(x @ mean / np.linalg.norm(mean)))
    found = find("cone", given, "text")
    assert found.value == pytest.approx(np.median(angles), abs=1e-4)
    np.testing.assert_allclose(found.per_item[200:], angles, atol=1e-3)
    np.testing.assert_allclose(found.curve.x[50], np.median(angles), atol=1e-6)


def test_a_mean_of_zero_points_nowhere():
    cross = space(np.concatenate([np.eye(4), -np.eye(4)]))
    assert value("cone", cross) == 90


def test_the_partition_sums_of_a_cross_are_equal():
    cross = np.concatenate([np.eye(16), -np.eye(16)])
    found = find("partition_isotropy", space(cross))
    assert found.value == pytest.approx(1.0, abs=1e-6)
    assert value("partition_isotropy", spaces.same(), "image") == pytest.approx(np.exp(-2))


def test_partition_isotropy_is_what_numpy_says():
    given = spaces.gap(n=150, d=12, size=0.6)
    x = given.images.astype(np.float64)
    _, vectors = np.linalg.eigh(x.T @ x)
    sums = np.exp(x @ np.concatenate([vectors, -vectors], axis=1)).sum(axis=0)  # columns
    found = find("partition_isotropy", given, "image")
    assert found.value == pytest.approx(sums.min() / sums.max(), abs=1e-6)
    np.testing.assert_allclose(found.curve.y, np.sort(sums) / 150, rtol=1e-5)


@pytest.mark.parametrize(("n", "d"), [(60, 16), (300, 32), (1000, 128), (100, 256)])
def test_the_null_partition_is_what_an_even_sphere_measures(n, d):
    found = find("partition_isotropy", space(directions(n, d)))
    assert found.reference.value == pytest.approx(found.value, abs=0.02)
    assert nulls.even_partition_isotropy(n, d) == found.reference.value


@pytest.mark.parametrize("name", ["cone", "partition_isotropy"])
def test_a_narrow_cone_is_worse_and_is_watched(name):
    good, bad = find(name, spaces.paired(), "image"), find(name, spaces.cone(), "image")
    assert good.verdict == "good"
    assert bad.verdict == "watch"
    assert bad.value < good.value


def test_uniformity_and_mean_cosine_say_what_centering_leaves():
    given = spaces.gap(n=400, d=16, size=1.5)
    x = centered(given, "joint").astype(np.float64)
    joint = find("uniformity", given, "joint").detail.replace("−", "-")
    after = float(re.search(r"After centering: (-?[\d.]+)\.$", joint)[1])
    assert after == pytest.approx(np.log(np.exp(-2 * pdist(x) ** 2).mean()), abs=0.02)
    cross = 2 - 2 * given.images.astype(np.float64) @ given.texts.T
    between = float(re.search(r"image and a text: (-?[\d.]+)\.", joint)[1])
    assert between == pytest.approx(np.log(np.exp(-2 * cross).mean()), abs=0.02)
    cosine = find("mean_cosine", given, "image").detail.replace("−", "-")
    after = float(re.search(r"mean cosine is (-?[\d.]+)\.$", cosine)[1])
    assert after == pytest.approx((1 - pdist(x[:400], "cosine")).mean(), abs=6e-4)


def test_intervals_have_the_right_width():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return space(rng.standard_normal((300, 16)) * np.linspace(2, 0.2, 16) + np.eye(16)[0] * 2)

    for name in ("cone", "partition_isotropy"):
        drawn = [find(name, draw(seed)) for seed in range(100)]
        true = np.std([f.value for f in drawn], ddof=1)
        stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
        assert 0.75 < stated / true < 1.4, (name, stated / true)


def test_a_sample_of_rows_covers_the_exact_value():
    covered = 0
    for seed in range(100):
        given = space(directions(1500, 6, seed) + 0.4)
        found = find("partition_isotropy", given, rows=1000)
        covered += found.low <= value("partition_isotropy", given) <= found.high
    assert covered >= 90
