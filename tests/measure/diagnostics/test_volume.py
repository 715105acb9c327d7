"""How much room a cloud takes: manifold entropy, coding rate, local dimension."""

import numpy as np
import pytest
import skdim
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import psi

from core.errors import TooFew
from core.measure import local_neighbors
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.diagnostics.manifold_entropy import entropy
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space

# Manifold entropy


def test_entropy_of_a_plane_gaussian(rng):
    """The estimator itself, on points that are not on a sphere: 1 + log 2 pi."""
    x = rng.standard_normal((4000, 2))
    third = np.sort(cdist(x, x), axis=1)[:, 3]
    assert entropy(4000, 3, 2, np.log(third).mean()) == pytest.approx(2.837877, abs=0.06)
    stretched = entropy(4000, 3, 2, np.log(5 * third).mean())
    assert stretched - entropy(4000, 3, 2, np.log(third).mean()) == pytest.approx(2 * np.log(5))


def test_entropy_of_a_cube_is_0_but_for_its_sides(rng):
    x = rng.random((20_000, 3))
    third = cKDTree(x).query(x, 4)[0][:, 3]
    assert entropy(20_000, 3, 3, np.log(third).mean()) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(("m", "known"), [(1, np.log(2 * np.pi)), (2, np.log(4 * np.pi))])
def test_entropy_of_a_circle_and_of_a_sphere(m, known):
    x = np.zeros((5000, 64))
    x[:, : m + 1] = directions(5000, m + 1)
    given = spaces.rotated(space(x))
    found = find("manifold_entropy", given, dimension=m)
    assert found.value == pytest.approx(known, abs=0.05)
    assert found.reference.value == pytest.approx(known, abs=0.03)
    assert found.verdict == "good"
    measured = find("manifold_entropy", given)
    assert measured.value == pytest.approx(known, abs=0.25)
    assert measured.low < measured.value < measured.high


def test_entropy_agrees_with_a_direct_computation():
    given = spaces.gap(n=200, d=12)
    x = given.images.astype(np.float64)
    r = np.sort(cdist(x, x), axis=1)[:, 4]
    ball = np.log(np.pi) * 3 - np.log(6)  # of 6 dimensions: pi^3 / 6
    direct = psi(200) - psi(4) + ball + 6 * np.log(r).mean()
    found = find("manifold_entropy", given, "image", k=4, dimension=6)
    assert found.value == pytest.approx(direct, abs=1e-4)
    np.testing.assert_allclose(found.per_item[:200], r, atol=1e-5)


def test_copies_are_told_and_cost_what_the_floor_says():
    x = directions(400, 3)
    x[100:] = x[0]
    found = find("manifold_entropy", space(x), dimension=2)
    assert "Of 400 sampled items 301 have a copy" in found.detail
    assert "301 distances of 0 had to be raised" in found.detail
    assert found.value < -15
    assert found.verdict == "bad"


@pytest.mark.parametrize("d", [3, 16, 128])
def test_the_even_sphere_is_its_own_reference(d):
    found = find("manifold_entropy", space(directions(2000, d)), dimension=d - 1)
    assert found.value == pytest.approx(found.reference.value, abs=0.02 * d)
    far = [local_neighbors.even_log_distance(2000, d, k) for k in range(1, 8)]
    assert far == sorted(far)


# Local dimension


def test_local_dimension_agrees_with_a_direct_computation():
    given = spaces.gap(n=200, d=12)
    x = given.images.astype(np.float64)
    r = np.sort(cdist(x, x), axis=1)[:, 1:21]
    inverse = np.log(r[:, -1:] / r[:, :-1]).mean(axis=1)
    found = find("local_dimension", given, "image")
    assert found.value == pytest.approx(1 / inverse.mean(), rel=1e-4)
    np.testing.assert_allclose(found.per_item[:200], 1 / inverse, rtol=1e-3)
    assert list(found.curve.x) == [50, 100, 200]


@pytest.mark.parametrize(("m", "low", "high"), [(2, 1.85, 2.15), (5, 4.2, 5.1), (10, 7.5, 9.6)])
def test_local_dimension_of_a_cube(m, low, high, rng):
    assert low < value("local_dimension", spaces.patch(rng.random((4000, m)))) < high


@pytest.mark.parametrize("d", [3, 16, 128])
def test_the_null_local_dimension_is_what_an_even_sphere_measures(d):
    found = find("local_dimension", space(directions(2000, d)))
    assert found.reference.value == pytest.approx(found.value, rel=0.05)


def test_dimensions_agree_with_scikit_dimension():
    given = space(directions(600, 8) + 0.2)
    x = given.images.astype(np.float64)
    levina_bickel = skdim.id.MLE().fit(x, n_neighbors=20)
    found = find("local_dimension", given)
    assert found.value == pytest.approx(levina_bickel.dimension_, rel=1e-4)
    np.testing.assert_allclose(found.per_item, levina_bickel.dimension_pw_, rtol=1e-3)
    two_nn = skdim.id.TwoNN(discard_fraction=0.1).fit(x).dimension_
    assert value("intrinsic_dimension", given) == pytest.approx(two_nn, rel=1e-4)


@pytest.mark.parametrize("name", ["intrinsic_dimension", "local_dimension"])
@pytest.mark.parametrize("d", [2, 3, 8])
def test_few_dimensions_that_are_all_used_are_good(name, d):
    assert find(name, space(directions(300, d))).verdict == "good"


def test_both_dimensions_agree_on_a_sphere():
    x = np.zeros((3000, 64))
    x[:, :3] = directions(3000, 3)
    given = space(x)
    near, far = find("intrinsic_dimension", given), find("local_dimension", given)
    assert far.value == pytest.approx(2, abs=0.12)
    assert near.value == pytest.approx(far.value, rel=0.1)


def test_copies_do_not_change_the_local_dimension():
    x = directions(1000, 6)
    alone = find("local_dimension", space(x))
    doubled = find("local_dimension", space(np.concatenate([x, x[:400]])))
    assert doubled.value == pytest.approx(alone.value, rel=1e-3)
    assert "Excluded: 400 copies." in doubled.detail
    assert np.isfinite(doubled.per_item).sum() == 1000


# Coding rate


def test_coding_rate_of_even_directions():
    d = 16
    cross = space(np.concatenate([np.eye(d), -np.eye(d)]))
    found = find("coding_rate", cross)
    assert found.value == pytest.approx(d * np.log(3), abs=1e-5)  # the most there is
    assert found.high == pytest.approx(d * np.log(3))
    ten = space(np.tile(np.eye(128)[:10], (3, 1)))
    assert value("coding_rate", ten) == pytest.approx(32.8091, abs=1e-3)
    assert value("coding_rate", space(np.tile(np.eye(128)[:1], (3, 1)))) == pytest.approx(
        np.log1p(128 / 0.5), abs=1e-4
    )


@pytest.mark.parametrize(("n", "d"), [(1000, 64), (40, 128)])
def test_the_null_coding_rate_is_what_even_rows_need(n, d):
    found = find("coding_rate", space(directions(n, d)))
    assert found.reference.value == pytest.approx(found.value, rel=0.01)


def test_coding_rate_agrees_with_the_determinant_and_its_width_is_right():
    x = spaces.gap(n=200, d=12).images.astype(np.float64)
    direct = np.linalg.slogdet(np.eye(12) + 12 / (200 * 0.2) * x.T @ x)[1]
    assert value("coding_rate", space(x), precision=0.2) == pytest.approx(direct, rel=1e-5)
    shape = np.linspace(2, 0.2, 12)
    drawn = [
        find("coding_rate", space(np.random.default_rng(s).standard_normal((150, 12)) * shape))
        for s in range(100)
    ]
    stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
    assert 0.75 < stated / np.std([f.value for f in drawn], ddof=1) < 1.3


# Known bad, intervals, edges


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("coding_rate", spaces.low_rank()),
        ("local_dimension", spaces.patch(directions(400, 2)[:, :1])),
        ("manifold_entropy", spaces.patch(directions(400, 6), size=0.02)),
    ],
)
def test_a_planted_fault_is_called_bad(name, bad):
    good, worse = find(name, spaces.paired(), "image"), find(name, bad, "image")
    assert (good.verdict, worse.verdict) == ("good", "bad")
    assert worse.value < good.value


@pytest.mark.parametrize(
    ("name", "settings"),
    [("local_dimension", {}), ("manifold_entropy", {}), ("manifold_entropy", {"dimension": 5})],
)
def test_a_sampled_interval_covers_the_exact_value(name, settings):
    covered = 0
    for seed in range(100):
        given = space(directions(300, 6, seed) + 0.3)
        found = find(name, given, queries=100, **settings)
        covered += found.low <= value(name, given, **settings) <= found.high
    assert covered >= 90


@pytest.mark.parametrize("name", ["local_dimension", "manifold_entropy"])
def test_too_few_and_points_at_one_distance_give_sentences(name):
    part = DIAGNOSTICS.get(name)
    with pytest.raises(TooFew, match=r"needs at least 2\d items of one kind; there are 19"):
        part(spaces.paired(n=19))
    with pytest.raises(TooFew, match="different items of one kind, at different distances"):
        part(spaces.rotated(space(np.eye(64))))
    with pytest.raises(TooFew, match="different items"):
        part(spaces.same(60))


def test_a_huge_space_is_measured_on_a_part():
    given = space(directions(400, 6))
    for name in ("local_dimension", "manifold_entropy"):
        found = find(name, given, candidates=200)
        assert np.isfinite(found.per_item).sum() == 200
    assert found.sampled.startswith("random 200 of 200 images")
