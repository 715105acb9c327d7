"""Diagnostics where the value is known in closed form."""

import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.diagnostics.hubness import skewness
from core.measure.diagnostics.intrinsic_dimension import two_nn
from core.numerics import nulls
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space


@pytest.mark.parametrize(
    ("d", "even"),
    [(2, -1.575027), (3, -2.079777), (8, -3.082527), (64, -3.875236), (512, -3.984375)],
)
def test_uniformity_of_an_even_sphere(d, even):
    assert nulls.sphere_uniformity(d, 2.0) == pytest.approx(even, abs=1e-6)
    assert nulls.sphere_uniformity(768, 2.0) == pytest.approx(-3.989583, abs=1e-6)
    found = find("uniformity", space(directions(3000, d)))
    assert found.low <= even <= found.high
    assert found.value == pytest.approx(even, abs=0.03)
    assert found.reference.value == pytest.approx(even, abs=1e-6)


def test_uniformity_of_placed_points():
    assert value("uniformity", space(np.eye(64))) == pytest.approx(-4.0, abs=1e-6)
    cross = space(np.concatenate([np.eye(64), -np.eye(64)]))
    assert value("uniformity", cross) == pytest.approx(-4.007760, abs=1e-6)  # below even: allowed
    assert value("uniformity", spaces.same(), "joint") == pytest.approx(0.0, abs=1e-5)


def test_opposed_constant_modalities():
    x, y = np.tile([1.0, 0.0], (30, 1)), np.tile([0.0, 1.0], (30, 1))
    given = space(x, y, spaces.diagonal(30))
    assert value("modality_gap", given) == pytest.approx(np.sqrt(2), abs=1e-6)
    assert value("alignment", given) == pytest.approx(2.0, abs=1e-6)
    assert value("separability", given) == 1.0


def test_two_samples_of_one_cloud_have_no_gap():
    n, d = 2000, 32
    found = find("modality_gap", spaces.ball(n, d))
    chance = np.sqrt(2 / n)  # (1 - |mean|^2)(1/n + 1/n)
    assert found.reference.value == pytest.approx(chance, rel=0.02)
    assert found.value == pytest.approx(chance, rel=0.3)
    assert found.low == pytest.approx(0.0, abs=0.02)
    apart = find("separability", spaces.ball(n, d))
    assert apart.low <= 0.5 <= apart.high


def test_a_distance_by_chance_alone_is_no_gap():
    found = find("modality_gap", spaces.ball(10, 64))
    assert found.value > 0.4
    assert "In mixed results images and texts mix." in found.sentence
    apart = find("modality_gap", spaces.gap(10, 64))
    assert "In mixed results it ranks one kind above the other." in apart.sentence


def test_lambda_one_closes_the_gap():
    wide = spaces.gap(size=1.0)
    x = wide.images - wide.images.mean(axis=0)
    y = wide.texts - wide.texts.mean(axis=0)
    assert value("modality_gap", space(x, y)) < 0.1 * value("modality_gap", wide)


@pytest.mark.parametrize("rank", [1, 2, 10, 64])
def test_equal_singular_values(rank):
    given = space(np.tile(np.eye(64)[:rank], (20, 1)))
    assert value("effective_rank", given) == pytest.approx(rank, rel=1e-6)


def test_singular_values_two_and_one():
    angles = np.array([2, 2, 2, 2, 1])  # four rows along one axis, one along the other: s = 2, 1
    given = space(np.eye(2)[(angles == 1).astype(int)])
    assert value("effective_rank", given) == pytest.approx(1.889882, abs=1e-6)


def test_isoscore_of_equal_and_of_unequal_variances():
    spread = np.concatenate([np.eye(512)[:10], -np.eye(512)[:10]])
    assert value("isotropy", space(spread)) == pytest.approx(9 / 511, abs=1e-6)  # 0.017613
    plane = np.concatenate([np.tile(np.eye(2)[:1], (2, 1)), np.tile(-np.eye(2)[:1], (2, 1))])
    lam_4_to_1 = np.concatenate([plane, np.eye(2)[1:] * 1.0, -np.eye(2)[1:], plane])
    assert value("isotropy", space(lam_4_to_1)) == pytest.approx(0.470588, abs=1e-6)
    assert value("isotropy", space([[1.0, 0.0], [-1.0, 0.0]] * 5)) == 0.0
    cross = np.concatenate([np.eye(16), -np.eye(16)])
    assert value("isotropy", space(cross)) == pytest.approx(1.0, abs=1e-6)


def test_finite_samples_of_isotropic_data_match_their_null():
    given = space(directions(1000, 128))
    assert value("effective_rank", given) == pytest.approx(
        nulls.isotropic_rankme(1000, 128), rel=0.01
    )
    expected = (nulls.isotropic_participation(1000, 128) - 1) / 127
    assert value("isotropy", given) == pytest.approx(expected, rel=0.01)
    few = space(directions(64, 512))
    assert value("effective_rank", few) == pytest.approx(nulls.isotropic_rankme(64, 512), rel=0.02)


@pytest.mark.parametrize("cosine", [0.0, 0.5, 0.9])
def test_a_cone_of_known_angle(cosine):
    found = find("mean_cosine", space(spaces.cone_rows(4000, 64, cosine)))
    assert found.value == pytest.approx(cosine**2, abs=0.01)
    assert np.nanmedian(found.per_item) == pytest.approx(cosine, abs=0.03)
    if cosine == 0.5:
        assert "within 60°" in found.detail


def test_hubness_of_a_star_and_of_a_ring():
    star = np.array([10] + [1] + [0] * 9)
    assert skewness(star) == pytest.approx(2.796824, abs=1e-6)
    assert skewness(np.full(11, 3)) == 0.0
    turns = np.arange(24) / 24 * 2 * np.pi
    ring = find("hubness", space(np.column_stack([np.cos(turns), np.sin(turns)])), k=4)
    assert np.nansum(ring.per_item) == 24 * 4
    hub = find("hubness", spaces.one_hub(), "joint", k=1)
    assert hub.per_item[0] == 300  # every text finds it
    assert "largest hub is in 300 times" in hub.detail
    assert "99.7% of the images are in none" in hub.detail
    placed = find("hubness", spaces.one_hub(n=11), "image", k=1)  # N = 10, 1 and nine times 0
    assert placed.value == pytest.approx(2.796824, abs=1e-6)
    assert "82% of the images are in none, and the Robin Hood index is 82%" in placed.detail


def test_hubness_of_an_even_sphere_is_that_of_chance():
    assert nulls.binomial_skewness(1e9, 10 / 1e9) == pytest.approx(0.3162, abs=1e-4)
    found = find("hubness", space(directions(4000, 512)))
    assert found.value == pytest.approx(0.26, abs=0.12)
    assert np.abs(found.per_item - 10).sum() / 2 / 40_000 == pytest.approx(0.121, abs=0.008)
    assert "0% of the images are in none, and the Robin Hood index is 13%" in found.detail


def test_bringing_rows_to_length_one_takes_the_hubs_out_of_a_normal_cloud(rng):
    """By straight distance the points near the middle are everybody's neighbors."""
    x = rng.standard_normal((4000, 512)).astype(np.float32)
    lists = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(x).kneighbors(None)[1]
    counts = np.bincount(lists.ravel(), minlength=4000)
    assert skewness(counts) == pytest.approx(8.2, rel=0.2)
    assert (counts == 0).mean() == pytest.approx(0.318, abs=0.03)
    assert value("hubness", space(x)) == pytest.approx(0.26, abs=0.12)


def test_skewness_survives_the_sampling_of_queries(rng):
    for counts in (rng.poisson(10, 20_000), rng.negative_binomial(1, 1 / 11, 20_000)):
        true = stats.skew(counts)
        assert skewness(counts) == pytest.approx(true)
        thin = [skewness(rng.binomial(counts, 0.25), 0.25) for _ in range(20)]
        assert np.mean(thin) == pytest.approx(true, abs=0.05)
    assert stats.skew(rng.binomial(10, 0.25, 20_000)) > 0.3  # all N_k = 10, seen through a quarter
    assert skewness(rng.binomial(10, 0.25, 20_000), 0.25) == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize(
    ("m", "low", "high"), [(2, 1.85, 2.2), (5, 4.3, 5.1), (10, 8.2, 9.6), (20, 14.2, 16.2)]
)
def test_dimension_of_a_cube(m, low, high, rng):
    assert low < value("intrinsic_dimension", spaces.patch(rng.random((5000, m)))) < high


def test_dimension_of_a_sphere_in_many_dimensions():
    x = np.zeros((4000, 512))
    x[:, :3] = directions(4000, 3)
    found = find("intrinsic_dimension", spaces.rotated(space(x)))
    assert found.value == pytest.approx(2.06, abs=0.15)
    assert found.low <= 2.0 <= found.high + 0.1
    assert list(found.curve.x) == [1000, 2000, 4000]


def test_dimension_of_ratios_with_a_known_law(rng):
    ratios = rng.pareto(7.0, 20_000) + 1
    assert two_nn(np.log(ratios)) == pytest.approx(7.0, rel=0.03)


@pytest.mark.parametrize("d", [3, 16, 128])
def test_the_null_dimension_is_what_an_even_sphere_measures(d):
    found = find("intrinsic_dimension", space(directions(3000, d)))
    assert found.reference.value == pytest.approx(found.value, rel=0.1)


def test_copies_do_not_change_the_dimension():
    x = directions(2000, 6)
    alone = find("intrinsic_dimension", space(x))
    doubled = find("intrinsic_dimension", space(np.concatenate([x, x[:900]])))
    assert doubled.value == pytest.approx(alone.value, rel=1e-3)
    assert "900 copies" in doubled.detail


def test_a_lattice_has_no_dimension():
    with pytest.raises(TooFew, match="different distances; there are none"):
        DIAGNOSTICS.get("intrinsic_dimension")(spaces.rotated(space(np.eye(64))))


def test_near_duplicates_are_counted_and_listed():
    found = find("near_duplicates", spaces.duplicated(share=0.5), "image")
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert (found.per_item[:75] > 0.999).all()
    assert "150 of the 300 items have an exact copy" in found.detail
    assert value("near_duplicates", spaces.paired(), "text") == 0.0


def test_near_duplicates_that_chance_has_too_crowd_nothing():
    angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    found = find("near_duplicates", space(np.stack([np.cos(angle), np.sin(angle)], 1)))
    assert found.value == 1
    assert 0.99 < found.reference.value < 1
    assert found.verdict == "good"
    assert "is not crowded by near-duplicates" in found.sentence


def test_only_identical_rows_are_exact_copies():
    rows = directions(60, 8)
    rows[:6] = rows[6:12] + 1e-4 * directions(6, 8, 1)  # a cosine of 1 in six digits
    rows[20] = rows[21]
    found = find("near_duplicates", space(rows))
    assert found.value == pytest.approx(14 / 60)
    assert found.detail.startswith("2 of the 60 items have an exact copy")


@pytest.mark.parametrize(("n", "d", "threshold"), [(200, 3, 0.97), (500, 4, 0.9)])
def test_near_duplicates_of_an_even_sphere(n, d, threshold):
    found = find("near_duplicates", space(directions(n, d)), threshold=threshold)
    assert found.value == pytest.approx(found.reference.value, abs=0.06)
