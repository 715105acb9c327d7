"""Class centers and what lies around them: neural collapse, equal angles, rate reduction."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from core.errors import TooFew
from core.measure import class_means
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.diagnostics.coding_rate import rate
from core.numerics import nulls
from core.numerics.labels import Classes
from tests.fixtures import spaces
from tests.fixtures.findings import find, value

# Formulas


def test_a_simplex_and_an_orthogonal_frame():
    simplex = spaces.simplex(10, 16)
    assert class_means.simplex_error(simplex) == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(class_means.cosines(simplex), -1 / 9, atol=1e-12)
    assert class_means.simplex_error(np.eye(16)[:10]) == pytest.approx(0, abs=1e-7)  # once centered
    assert class_means.orthogonal_error(np.eye(16)[:10]) == pytest.approx(0, abs=1e-7)
    assert class_means.gram_error(np.eye(16)[:10], centered=False) == pytest.approx(
        0.320364, abs=1e-6
    )


@pytest.mark.parametrize("d", [32, 512])
def test_a_noisy_simplex(d):
    """NC1 = s2 (K - 1)^2 / K and CDNV = s2 d (K - 1) / (2 K), noise being exact here."""
    count, s2 = 10, 0.01
    steps = np.sqrt(s2 * d) * np.concatenate([np.eye(d), -np.eye(d)])  # covariance s2 I
    rows = (spaces.simplex(count, d)[:, None] + steps).reshape(-1, d).astype(np.float32)
    starts = np.arange(count + 1) * 2 * d
    names = tuple(f"{i}" for i in range(count))
    given = Classes("image", names, np.arange(len(rows)), starts, len(rows), "")
    of = class_means.class_means(rows, given)
    assert class_means.within(rows, given, of).nc1 == pytest.approx(0.081, rel=1e-4)
    assert class_means.cdnv(of) == pytest.approx(s2 * d * 9 / 20, rel=1e-4)  # 2.304 at d = 512
    direct = np.cov((rows - of.means[given.codes]).T, bias=True)
    between = of.centered.T @ of.centered / count
    nc1 = np.trace(direct @ np.linalg.pinv(between, rcond=1e-10, hermitian=True)) / count
    assert nc1 == pytest.approx(0.081, rel=1e-3)


def test_texts_dual_to_the_centers():
    means = np.random.default_rng(0).standard_normal((6, 20))
    assert class_means.duality_error(3 * means + 1, means) == pytest.approx(0, abs=1e-7)
    assert class_means.duality_error(-means, means) == pytest.approx(2)
    other = np.linalg.qr(np.random.default_rng(1).standard_normal((20, 20)))[0]
    assert class_means.duality_error(np.eye(20)[:3], other[:3] * 0) == pytest.approx(np.sqrt(2))


def test_lengths_of_free_features_on_uneven_classes():
    lengths = class_means.free_lengths(np.array([1000, 400, 90, 10]))
    np.testing.assert_allclose(lengths[:, 0], [30.8728, 19.25, 8.7368, 2.4123], atol=1e-4)
    np.testing.assert_allclose(lengths[:, 2], [0.976283, 0.9625, 0.920943, 0.762829], atol=1e-6)
    few = class_means.free_lengths(np.array([2000, 1]), weight=1e-3, feature=1e-3)
    assert few[1].tolist() == [0, 0, 0]  # 1 is below the threshold of 4


# Neural collapse


def test_collapsed_classes_have_nothing_inside():
    given = spaces.clustered(spaces.simplex(6, 16), 20, noise=0.0)
    found = find("neural_collapse", given, "image")
    assert found.value == pytest.approx(0, abs=1e-6)
    assert found.verdict == "bad"
    assert "0.00 from a simplex (NC2)" in found.detail
    frame = spaces.clustered(np.eye(16)[:6], 20, noise=0.0)
    assert "0.00 from orthogonal" in find("neural_collapse", frame, "image").detail
    assert found.per_item[:120] == pytest.approx(0, abs=1e-6)
    assert np.isnan(found.per_item[120:]).all()


def test_neural_collapse_agrees_with_a_direct_computation():
    given = spaces.imbalanced()
    x = given.images.astype(np.float64)
    y = np.array([labels[0] for labels in given.labels[: given.n_images]])
    names = np.unique(y)
    means = np.array([x[y == name].mean(axis=0) for name in names])
    off = x - means[np.searchsorted(names, y)]
    centered = means - means.mean(axis=0)
    inside, between = off.T @ off / len(x), centered.T @ centered / len(names)
    nc1 = np.trace(inside @ np.linalg.pinv(between, rcond=1e-10, hermitian=True)) / len(names)
    found = find("neural_collapse", given, "image")
    assert found.value == pytest.approx(nc1, rel=1e-5)
    assert "(NC4)" in found.detail
    assert "5 labels" in found.detail
    np.testing.assert_array_equal(found.curve.x, [25, 50, 100, 200, 400])
    words = np.array([given.texts[y == name].mean(axis=0) for name in names], np.float64)
    by_center = names[(x @ means.T - (means**2).sum(axis=1) / 2).argmax(axis=1)]
    np.testing.assert_array_equal(by_center, names[cdist(x, means).argmin(axis=1)])
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    agree = (names[(x @ words.T).argmax(axis=1)] == by_center).mean()
    assert class_means.agreement(given.images, means, words) == agree
    assert f"agree for {agree:.0%} (NC4)" in found.detail


def test_shuffled_labels_measure_what_their_null_says():
    rng = np.random.default_rng(0)
    base = spaces.clustered(spaces.directions(6, 24), 80, noise=1.0)
    seen = find("neural_collapse", base, "image")
    names = [labels[0] for labels in base.labels[: base.n_images]]
    dealt = find("neural_collapse", spaces.with_labels(base, rng.permutation(names)), "image")
    assert dealt.value == pytest.approx(dealt.reference.value, rel=0.4)
    assert seen.value < 0.2 * seen.reference.value


def test_one_collapsed_class_among_five_is_called_bad():
    good = find("neural_collapse", spaces.imbalanced(), "image")
    bad = find("neural_collapse", spaces.collapsed_class(), "image")
    assert (good.verdict, bad.verdict) == ("good", "bad")
    assert "tightest label, 'label 00', have 0%" in bad.sentence


@pytest.mark.slow
def test_neural_collapse_interval_has_the_right_width():
    centers = spaces.directions(4, 12, 7)
    drawn = [
        find("neural_collapse", spaces.clustered(centers, 60, 0.8, seed), "image")
        for seed in range(60)
    ]
    stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
    assert 0.75 < stated / np.std([f.value for f in drawn], ddof=1) < 1.35


def test_texts_that_are_missing_are_said_to_be():
    given = spaces.clustered(spaces.simplex(3, 8), 10)
    alone = spaces.space(given.images, labels=given.labels[: given.n_images])
    assert "omitted: not every label has a text" in find("neural_collapse", alone).detail


# Equal angles


def test_orthonormal_centers_stand_at_equal_angles():
    given = spaces.clustered(np.eye(16)[:10], 12, noise=0.0)
    found = find("equiangularity", given, "image")
    assert found.value == pytest.approx(0, abs=1e-6)
    assert found.reference.value == 0
    assert found.verdict == "good"
    simplex = find("equiangularity", spaces.clustered(spaces.simplex(10, 16), 6, 0.0), "image")
    assert simplex.value == pytest.approx(1 / 9, abs=1e-6)


def test_more_centers_than_dimensions_meet_the_welch_bound():
    turns = np.arange(3) * np.pi / 3  # three lines in the plane, 60 degrees apart: the optimum
    lines = np.column_stack([np.cos(turns), np.sin(turns)])
    found = find("equiangularity", spaces.clustered(lines, 6, noise=0.0), "image")
    assert found.value == pytest.approx(0.5, abs=1e-6)
    assert found.reference.value == pytest.approx(0.5)
    assert nulls.welch_bound(2, 1) == 1.0  # two directions on a line


def test_two_labels_at_one_place_are_named_and_bad():
    centers = spaces.directions(6, 32)
    centers[4] = centers[2]
    found = find("equiangularity", spaces.clustered(centers, 40, 0.5), "image")
    assert found.verdict == "bad"
    assert "'label 02' and 'label 04' are the most easily confused" in found.sentence
    assert found.low < found.value < found.high


@pytest.mark.slow
def test_equiangularity_interval_covers_the_centers_of_all_items():
    covered = 0
    full = spaces.clustered(spaces.directions(3, 8, 5), 1000, 1.0)
    true = value("equiangularity", full, "image")
    for seed in range(100):
        rows = np.random.default_rng(seed).choice(3000, 300, replace=False)
        found = find("equiangularity", full.subset(rows), "image")
        covered += found.low <= true <= found.high
    assert covered >= 90


# Rate reduction


@pytest.mark.parametrize(("d", "saved"), [(128, 27.2600), (512, 39.4536)])
def test_orthogonal_lines_save_what_theory_says(d, saved):
    given = spaces.clustered(np.eye(d)[:10], 6, noise=0.0)
    assert value("rate_reduction", given, "image") == pytest.approx(saved, abs=1e-3)
    whole = rate(np.full(10, 0.1), d / 0.5)
    assert value("coding_rate", given, "image") == pytest.approx(whole, abs=1e-3)


def test_rate_reduction_agrees_with_determinants():
    given = spaces.imbalanced()
    x = given.images.astype(np.float64)
    y = np.array([labels[0] for labels in given.labels[: given.n_images]])

    def nats(rows):
        scale = x.shape[1] / (len(rows) * 0.5)
        return np.linalg.slogdet(np.eye(x.shape[1]) + scale * rows.T @ rows)[1]

    direct = nats(x) - sum((y == name).mean() * nats(x[y == name]) for name in np.unique(y))
    assert value("rate_reduction", given, "image") == pytest.approx(direct, rel=1e-5)


def test_labels_dealt_at_random_save_what_random_groups_save():
    given = spaces.with_labels(spaces.ball(n=300, d=16), ["a", "b", "c"] * 100)
    found = find("rate_reduction", given, "image")
    assert found.value == pytest.approx(found.reference.value, abs=0.15)
    clear = find("rate_reduction", spaces.clustered(np.eye(16)[:3], 100, 0.5), "image")
    assert clear.verdict == "good"
    assert clear.value > 5 * clear.reference.value


def test_rate_reduction_interval_has_the_right_width():
    centers = spaces.directions(3, 8, 3)
    drawn = [
        find("rate_reduction", spaces.clustered(centers, 80, 0.8, seed), "image")
        for seed in range(60)
    ]
    stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
    assert 0.75 < stated / np.std([f.value for f in drawn], ddof=1) < 1.35


# Edges


@pytest.mark.parametrize("name", ["neural_collapse", "equiangularity", "rate_reduction"])
def test_without_two_labels_there_is_a_sentence(name):
    part = DIAGNOSTICS.get(name)
    with pytest.raises(TooFew, match=r"labels with 5 .*there are none\. Add a column 'label'"):
        part(spaces.ball())
    with pytest.raises(TooFew, match="there is 1"):
        part(spaces.with_labels(spaces.ball(n=20), ["only"] * 20))


def test_labels_with_one_centre_cannot_collapse():
    given = spaces.with_labels(spaces.same(20), ["a", "b"] * 10)
    with pytest.raises(TooFew, match="labels whose centers differ"):
        DIAGNOSTICS.get("neural_collapse")(given)
    opposed = np.concatenate([np.eye(4), -np.eye(4), np.eye(4)])
    cancelled = spaces.with_labels(spaces.space(opposed), ["a"] * 8 + ["b"] * 4)
    with pytest.raises(TooFew, match="do not cancel out"):
        DIAGNOSTICS.get("equiangularity")(cancelled, least=2)


def test_linear_discriminants_see_what_nc1_measures():
    """trace(pinv(Sb) Sw) from scikit-learn's own scatter matrices, classes of equal size."""
    given = spaces.clustered(spaces.directions(4, 12), 50, 0.8)
    x = given.images.astype(np.float64)
    y = [labels[0] for labels in given.labels[: given.n_images]]
    fitted = LinearDiscriminantAnalysis(solver="eigen", store_covariance=True).fit(x, y)
    centered = fitted.means_ - fitted.means_.mean(axis=0)
    nc1 = np.trace(fitted.covariance_ @ np.linalg.pinv(centered.T @ centered / 4)) / 4
    assert value("neural_collapse", given, "image") == pytest.approx(nc1, rel=1e-4)
