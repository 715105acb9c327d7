"""Values known in closed form, direct formulas, known-bad spaces and the edges of each domain."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from core import nulls
from core.diagnostics import DIAGNOSTICS
from core.diagnostics.hubness import skewness
from core.diagnostics.intrinsic_dimension import two_nn
from core.errors import TooFew
from core.sampling import pair_mean, thinned
from core.spectra import moments
from core.verdicts import THRESHOLDS, judge
from tests import spaces
from tests.spaces import directions, space


def find(name, given, scope=None, **settings):
    """The finding of one scope; the only one when no scope is named."""
    found = DIAGNOSTICS.get(name)(given, **settings)
    chosen = [f for f in found if scope in (None, f.scope)]
    assert len(chosen) == 1, [f.scope for f in found]
    return chosen[0]


def value(name, given, scope=None, **settings):
    return find(name, given, scope, **settings).value


# Closed forms


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
        assert "within 60°" in found.sentence


def test_hubness_of_a_star_and_of_a_ring():
    star = np.array([10] + [1] + [0] * 9)
    assert skewness(star) == pytest.approx(2.796824, abs=1e-6)
    assert skewness(np.full(11, 3)) == 0.0
    turns = np.arange(24) / 24 * 2 * np.pi
    ring = find("hubness", space(np.column_stack([np.cos(turns), np.sin(turns)])), k=4)
    assert np.nansum(ring.per_item) == 24 * 4
    hub = find("hubness", spaces.one_hub(), "joint", k=1)
    assert hub.per_item[0] == 300  # every text finds it
    assert "busiest is in 300 times" in hub.sentence
    assert "100% of the images are in none" in hub.sentence


def test_hubness_of_an_even_sphere_is_that_of_chance():
    assert nulls.binomial_skewness(1e9, 10 / 1e9) == pytest.approx(0.3162, abs=1e-4)
    found = find("hubness", space(directions(4000, 512)))
    assert found.value == pytest.approx(0.26, abs=0.12)
    assert "0% of the images are in none" in found.sentence


def test_skewness_survives_the_sampling_of_queries(rng):
    for counts in (rng.poisson(10, 20_000), rng.negative_binomial(1, 1 / 11, 20_000)):
        true = stats.skew(counts)
        assert skewness(counts) == pytest.approx(true)
        thin = [skewness(rng.binomial(counts, 0.25), 0.25) for _ in range(20)]
        assert np.mean(thin) == pytest.approx(true, abs=0.05)
    assert stats.skew(rng.binomial(10, 0.25, 20_000)) > 0.3  # all N_k = 10, seen through a quarter
    assert skewness(rng.binomial(10, 0.25, 20_000), 0.25) == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize(("m", "low", "high"), [(2, 1.85, 2.2), (5, 4.3, 5.1), (10, 8.2, 9.6)])
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
    assert "900 copies" in doubled.sentence


def test_a_lattice_has_no_dimension():
    with pytest.raises(TooFew, match="different distances; there are none"):
        DIAGNOSTICS.get("intrinsic_dimension")(spaces.rotated(space(np.eye(64))))


def test_near_duplicates_are_counted_and_listed():
    found = find("near_duplicates", spaces.duplicated(share=0.5), "image")
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert (found.per_item[:75] > 0.999).all()
    assert "150 of the 300 looked at have an exact copy" in found.sentence
    assert "45% to 55%" not in found.sentence
    assert value("near_duplicates", spaces.paired(), "text") == 0.0


@pytest.mark.parametrize(("n", "d", "threshold"), [(200, 3, 0.97), (500, 4, 0.9)])
def test_near_duplicates_of_an_even_sphere(n, d, threshold):
    found = find("near_duplicates", space(directions(n, d)), threshold=threshold)
    assert found.value == pytest.approx(found.reference.value, abs=0.06)


# Against the direct formula


def test_direct_formulas_in_float64():
    given = spaces.gap(n=150, d=24, size=0.7)
    x, y = given.images.astype(np.float64), given.texts.astype(np.float64)
    near = {"rel": 1e-5, "abs": 1e-5}
    assert value("alignment", given) == pytest.approx(((x - y) ** 2).sum(axis=1).mean(), **near)
    assert value("uniformity", given, "image") == pytest.approx(
        np.log(np.exp(-2 * pdist(x) ** 2).mean()), **near
    )
    assert value("uniformity", given, "joint") == pytest.approx(
        np.log(np.exp(-2 * pdist(np.concatenate([x, y])) ** 2).mean()), **near
    )
    assert value("mean_cosine", given, "text") == pytest.approx(
        (1 - pdist(y, "cosine")).mean(), **near
    )
    assert value("mean_cosine", given, "joint") == pytest.approx((x @ y.T).mean(), **near)
    s = np.linalg.svd(x, compute_uv=False)
    assert value("effective_rank", given, "image") == pytest.approx(
        np.exp(stats.entropy(s)), **near
    )
    lam = np.linalg.eigvalsh(np.cov(x.T))
    lengthened = np.sqrt(24) * lam / np.linalg.norm(lam)  # IsoScore as its paper writes it
    defect = np.linalg.norm(lengthened - 1) / np.sqrt(2 * (24 - np.sqrt(24)))
    score = ((24 - defect**2 * (24 - np.sqrt(24))) ** 2 - 24) / (24 * 23)
    assert value("isotropy", given, "image") == pytest.approx(score, **near)
    counts = np.bincount(np.argsort(-(y @ x.T), axis=1)[:, :10].ravel(), minlength=150)
    hub = find("hubness", given, "joint")
    assert hub.value == pytest.approx(stats.skew(counts), **near)
    np.testing.assert_array_equal(hub.per_item[:150], counts)


def test_moments_of_both_kinds_are_those_of_all_rows():
    given = spaces.gap(n=80, d=8)
    x = given.vectors.astype(np.float64)
    joint = moments(given, "joint")
    np.testing.assert_allclose(joint.mean, x.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(joint.covariance, np.cov(x.T, bias=True), atol=1e-12)


def test_alignment_per_item_is_the_mean_over_its_own_pairs():
    given = space(np.eye(3)[:2], np.eye(3)[[0, 1, 1]], [[0, 2], [0, 3], [1, 4]])
    found = find("alignment", given)
    np.testing.assert_allclose(found.per_item, [1, 0, 0, 2, 0], atol=1e-6)
    assert found.value == pytest.approx(2 / 3)


def test_places_along_the_gap_part_the_kinds():
    given = spaces.gap(size=2.0)
    found = find("modality_gap", given)
    assert found.per_item[: given.n_images].min() > 0 > found.per_item[given.n_images :].max()
    assert found.per_item[: given.n_images].mean() == pytest.approx(found.value / 2, rel=1e-4)


# Intervals


def test_intervals_over_items_have_the_right_width():
    """The stated error against the deviation over many samples of one cloud."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        shape = np.linspace(2, 0.2, 16)
        x = rng.standard_normal((200, 16)) * shape + np.eye(16)[0]
        y = x + rng.standard_normal((200, 16)) - 1.5 * np.eye(16)[1]
        return space(x, y, spaces.diagonal(200))

    names = ("alignment", "uniformity", "modality_gap", "effective_rank", "isotropy", "mean_cosine")
    drawn = [[f for name in names for f in DIAGNOSTICS.get(name)(draw(s))] for s in range(150)]
    for findings in zip(*drawn, strict=True):
        true = np.std([f.value for f in findings], ddof=1)
        stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in findings])
        # The gap's own noise is taken as if the kinds were not paired, which is on the safe side.
        widest = 1.8 if findings[0].name == "modality_gap" else 1.25
        assert 0.8 < stated / true < widest, (findings[0].name, findings[0].scope)


@pytest.mark.parametrize(
    ("name", "scope", "sampled", "full"),
    [
        ("uniformity", "image", {"pairs": 1000}, {}),
        ("uniformity", "joint", {"pairs": 1000}, {"pairs": 5_000_000}),
        ("near_duplicates", "image", {"queries": 100, "threshold": 0.8}, {"threshold": 0.8}),
        ("intrinsic_dimension", "image", {"queries": 100}, {}),
        ("hubness", "image", {"queries": 100}, {}),
        ("hubness", "joint", {"queries": 100}, {}),
    ],
)
def test_a_sampled_interval_covers_the_exact_value(name, scope, sampled, full):
    covered = 0
    for seed in range(100):
        x = directions(400, 6, seed) + 0.3
        given = space(x[:200], x[200:], spaces.diagonal(200))
        exact = value(name, given, scope, **full)
        found = find(name, given, scope, **sampled)
        covered += found.low <= exact <= found.high
    assert covered >= 90


def test_random_pairs_agree_with_all_pairs():
    given = spaces.cone(n=400, d=8, cosine=0.6)
    all_of_them = pair_mean(given, "image", np.exp, pairs=10**6)
    some = pair_mean(given, "image", np.exp, pairs=20_000)
    assert all_of_them.exact
    assert not some.exact
    assert some.value == pytest.approx(all_of_them.value, abs=3 * some.error)
    assert some.error > all_of_them.error


def test_huge_spaces_are_measured_on_a_part():
    given = spaces.paired(n=500, d=8)
    part, rows = thinned(given, 200)
    assert (part.n_images, part.n) == (200, 400)
    np.testing.assert_array_equal(part.vectors, given.vectors[rows])
    found = find("hubness", given, "image", candidates=200)
    assert np.isfinite(found.per_item).sum() == 200
    assert found.sampled == "random 200 lists of 10 among 200 of 500 images"
    assert find("hubness", given, "image").sampled.startswith("exact, all 500 lists")


# Known bad


@pytest.mark.parametrize(
    ("name", "scope", "bad"),
    [
        ("alignment", "pairs", spaces.shuffled()),
        ("uniformity", "image", spaces.cone(cosine=0.95)),
        ("modality_gap", "joint", spaces.gap(size=3.0)),
        ("separability", "joint", spaces.gap(size=3.0)),
        ("mean_cosine", "image", spaces.cone()),
        ("effective_rank", "image", spaces.low_rank()),
        ("isotropy", "image", spaces.low_rank(rank=1)),
        ("hubness", "image", spaces.one_hub()),
        ("hubness", "joint", spaces.one_hub()),
        ("intrinsic_dimension", "image", spaces.patch(directions(400, 2)[:, :1])),
        ("near_duplicates", "text", spaces.duplicated()),
    ],
)
def test_a_planted_fault_is_worse_and_is_called_bad(name, scope, bad):
    good = find(name, spaces.paired(), scope)
    worse = find(name, bad, scope)
    assert good.verdict == "good"
    assert worse.verdict == "bad"
    if DIAGNOSTICS.get(name).traits["better"] == "low":
        assert worse.value > good.value
    else:
        assert worse.value < good.value


# Edges


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("alignment", space(np.eye(4), np.eye(4)), "there are none. Add a captions file."),
        ("modality_gap", space(np.eye(4)), "needs at least 2 texts; there are none. Add captions"),
        ("separability", spaces.paired(n=5), "needs at least 10 images; there are 5"),
        ("hubness", spaces.paired(n=10), "needs at least 11 items of one kind; there are 10"),
        ("intrinsic_dimension", spaces.paired(n=19), "needs at least 20 items of one kind"),
        ("isotropy", spaces.paired(n=2), "needs at least 3 items of one kind; there are 2"),
    ],
)
def test_edges_give_sentences(name, given, sentence):
    with pytest.raises(TooFew, match=sentence):
        DIAGNOSTICS.get(name)(given)


def test_pairs_that_all_hang_together_cannot_be_split():
    everyone = np.array([[i, 30 + j] for i in range(30) for j in range(30)])
    given = space(directions(30, 8), directions(30, 8, 1), everyone)
    with pytest.raises(TooFew, match="groups of unrelated images and texts"):
        DIAGNOSTICS.get("separability")(given)


def test_a_lone_text_leaves_text_and_joint_scopes_out():
    given = space(directions(50, 8), directions(1, 8))
    assert [f.scope for f in DIAGNOSTICS.get("hubness")(given)] == ["image"]
    assert [f.scope for f in DIAGNOSTICS.get("effective_rank")(given)] == ["image"]
    assert [f.scope for f in DIAGNOSTICS.get("mean_cosine")(given)] == ["image"]


def test_every_diagnostic_has_its_line_in_the_table_and_no_line_is_left_over():
    assert set(THRESHOLDS) == set(DIAGNOSTICS.all())
    assert judge("nothing", 1.0) == "unknown"
    assert judge("hubness", float("nan")) == "unknown"
