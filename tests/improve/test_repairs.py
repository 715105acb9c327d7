"""Repairs against their closed forms; every one keeps rows unit and treats single rows alike."""

import numpy as np
import pytest

from core.errors import InputError, TooFew
from core.improve import REPAIRS, fit_recipe, parse_steps
from core.numerics.spectra import moments_of
from tests.fixtures import spaces

IDENTITY = {
    "per_modality_centering": {"strength": 0.0},
    "gap_shift": {"amount": 0.0},
    "invgc": {"same": 0.0, "other": 0.0},
    "invgc_local": {"same": 0.0, "other": 0.0},
    "length_centering": {"strength": 0.0},
    "class_gates": {"strength": 0.0},
    "rare_labels": {"least": 0},
}
PAIRED = ("procrustes", "cca", "pls")
LABELED = {"class_gates": "labels with two images", "rare_labels": "label with two images"}
NAMES = list(REPAIRS.all())


@pytest.fixture
def space():
    """Images and texts that agree, on either side of a gap."""
    good = spaces.paired(300, 16, agreement=0.8)
    side = np.zeros(16)
    side[0] = 0.7
    return spaces.labelled(spaces.space(good.images + side, good.texts - side, good.pairs))


def fit(name, space, **settings):
    return REPAIRS.get(name)(space, **settings)


def mapped(fitted, space):
    return {kind: fitted.rows[kind](space.vectors[space.span(kind)]) for kind in fitted.rows}


def linear(fitted, space, kind):
    """Rows after the map, before they have length 1."""
    one, rows = fitted.rows[kind], space.vectors[space.span(kind)].astype(np.float64)
    return (rows if one.matrix is None else rows @ one.matrix) + one.shift


@pytest.mark.parametrize("name", NAMES)
def test_rows_stay_unit_and_a_row_alone_is_as_in_the_batch(name, space):
    fitted = fit(name, space)
    for maps in (fitted.rows, fitted.queries or fitted.rows):
        for kind, one in maps.items():
            rows = space.vectors[space.span(kind)]
            batch = one(rows)
            assert np.linalg.norm(batch, axis=1) == pytest.approx(1, abs=1e-5)
            assert one(rows[7:8])[0] == pytest.approx(batch[7], abs=1e-6)
            assert one(rows[:0]).shape == (0, batch.shape[1])


@pytest.mark.parametrize("name", IDENTITY)
def test_settings_that_do_nothing_change_nothing(name, space):
    after = mapped(fit(name, space, **IDENTITY[name]), space)
    assert after["image"] == pytest.approx(space.images, abs=1e-6)
    assert after["text"] == pytest.approx(space.texts, abs=1e-6)


@pytest.mark.parametrize("name", PAIRED)
def test_without_pairs_there_is_nothing_to_fit_on(name, space):
    alone = spaces.space(space.images, space.texts)
    with pytest.raises(TooFew, match="pairs to fit on"):
        fit(name, alone)


@pytest.mark.parametrize("name", LABELED)
def test_without_labels_there_is_nothing_to_fit_on(name, space):
    with pytest.raises(TooFew, match=f"{LABELED[name]} to fit on; .*'label'"):
        fit(name, spaces.space(space.images, space.texts, space.pairs))


def test_a_row_that_is_mapped_to_zero_is_refused():
    opposite = spaces.space([[1, 0], [0, 1]], [[-1, 0], [-1, 0]])
    fitted = fit("per_modality_centering", opposite)
    with pytest.raises(InputError, match="row 0 to zero"):
        fitted.rows["text"](opposite.texts)
    with pytest.raises(InputError, match="2 dimensions and the vectors have 3"):
        fitted.rows["text"](np.eye(3, dtype=np.float32))


def test_centering_leaves_no_mean(space):
    fitted = fit("per_modality_centering", space)
    for kind in ("image", "text"):
        assert linear(fitted, space, kind).mean(axis=0) == pytest.approx(0, abs=1e-6)


def test_the_whole_shift_makes_the_means_equal_and_is_symmetric(space):
    fitted = fit("gap_shift", space, amount=1.0)
    means = [linear(fitted, space, kind).mean(axis=0) for kind in ("image", "text")]
    assert means[0] == pytest.approx(means[1], abs=1e-6)
    swapped = fit("gap_shift", spaces.space(space.texts, space.images), amount=1.0)
    assert swapped.rows["image"].shift == pytest.approx(fitted.rows["text"].shift, abs=1e-7)


def test_full_whitening_leaves_the_identity_and_half_its_root(space):
    def within(exponent):
        fitted = fit("whitening", space, exponent=exponent, ridge=0.0)
        parts = [linear(fitted, space, kind) for kind in ("image", "text")]
        return sum(moments_of(part.astype(np.float32)).covariance for part in parts) / 2

    assert within(1.0) == pytest.approx(np.eye(16), abs=1e-4)
    parts = [moments_of(rows).covariance for rows in (space.images, space.texts)]
    variances = np.sort(np.linalg.eigvalsh(sum(parts) / 2))[::-1]
    assert np.diag(within(0.5)) == pytest.approx(np.sqrt(variances), rel=1e-4)
    assert fit("whitening", space, keep=5).rows["text"](space.texts).shape == (300, 5)


def test_the_largest_directions_are_gone(space):
    after = mapped(fit("all_but_the_top", space, directions=3), space)
    fitted = fit("all_but_the_top", space, directions=3).rows["image"].matrix
    assert np.linalg.matrix_rank(fitted, tol=1e-4) == 13
    assert np.linalg.matrix_rank(after["text"], tol=1e-3) == 13


def test_standardized_dimensions_have_equal_variance(space):
    fitted = fit("standardization", space)
    variances = [linear(fitted, space, kind).var(axis=0) for kind in ("image", "text")]
    assert sum(variances) / 2 == pytest.approx(1, abs=1e-5)


def test_a_rotation_is_undone(rng):
    images = spaces.directions(200, 12)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    turned = spaces.space(images, images @ turn, spaces.diagonal(200))
    after = mapped(fit("procrustes", turned), turned)
    assert after["text"] == pytest.approx(after["image"], abs=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"head": "linear", "texts": "one", "mix": "none"},
        {"head": "linear", "texts": "one", "mix": "m2"},
        {"batches": "topics", "batch": 64},
    ],
    ids=str,
)
def test_an_adapter_learns_what_relates_pairs(settings, rng):
    """Texts are images turned; each image has two of them."""
    images = spaces.directions(400, 12)
    turn = np.linalg.qr(np.eye(12) + 0.25 * rng.normal(size=(12, 12)))[0]
    texts = (images @ turn).repeat(2, axis=0) + 0.3 * spaces.directions(800, 12, 1)
    pairs = np.column_stack([np.arange(800) // 2, 400 + np.arange(800)])
    turned = spaces.space(images, texts, pairs)
    train, fresh = (turned.subset(rows) for rows in _halves(turned))
    fitted = fit("adapter", train, rate=0.01, epochs=30, **settings)
    after, before = mapped(fitted, fresh), fresh

    def rank_1(images, texts):
        return ((images @ texts.T).argmax(axis=0) == fresh.pairs[:, 0]).mean()

    assert rank_1(after["image"], after["text"]) > rank_1(before.images, before.texts) + 0.05


def _halves(space):
    half = np.arange(space.n_images) < space.n_images // 2
    inside = np.concatenate([half, half[space.pairs[:, 0]]])
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def test_an_adapter_stays_away_where_nothing_is_to_gain():
    images = spaces.directions(600, 12)
    same = spaces.space(images, images, spaces.diagonal(600))
    for nothing in (same, spaces.shuffled(200, 12)):
        after = mapped(fit("adapter", nothing), nothing)
        assert after["image"] == pytest.approx(nothing.images, abs=1e-6)
        assert after["text"] == pytest.approx(nothing.texts, abs=1e-6)


@pytest.mark.parametrize("name", ["cca", "pls"])
def test_a_subspace_keeps_what_both_share_and_drops_the_rest(name, rng):
    shared, noise = rng.normal(size=(400, 3)), rng.normal(size=(2, 400, 5))
    sides = [np.column_stack([3 * shared, each]) for each in noise]
    space = spaces.space(sides[0], sides[1][:, ::-1], spaces.diagonal(400))
    after = mapped(fit(name, space, keep=3), space)
    cosines = (after["image"] * after["text"]).sum(axis=1)
    assert np.median(cosines) > 0.95 > np.median((space.images * space.texts).sum(axis=1))


def test_invgc_is_the_published_sum_over_all_rows(space):
    images, texts = space.images.astype(np.float64), space.texts.astype(np.float64)

    def dense(ranked, others, strength):
        similarity = ranked @ others.T
        return ranked - strength / len(others) * (similarity - similarity.mean()) @ others

    fitted = fit("invgc", space, same=0.7, other=0.4)
    expected = (dense(images, images, 0.7) + dense(images, texts, 0.4)) / 2
    assert linear(fitted, space, "image") == pytest.approx(expected, abs=1e-5)
    assert fitted.queries["text"](space.texts) == pytest.approx(space.texts, abs=1e-6)


def test_invgc_local_is_the_published_sum_over_the_nearest_rows(space):
    images, texts = space.images.astype(np.float64), space.texts.astype(np.float64)

    def nearest(ranked, others, strength):
        similarity = ranked @ others.T
        least = np.sort(similarity, axis=1)[:, -15, None]  # 5% of 300
        return strength / 15 * np.where(similarity >= least, similarity, 0) @ others

    fitted = fit("invgc_local", space, same=0.7, other=0.4, share=0.05)
    expected = images - (nearest(images, images, 0.7) + nearest(images, texts, 0.4)) / 2
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert fitted.rows["image"](space.images) == pytest.approx(expected, abs=1e-5)
    assert fitted.queries["text"](space.texts) == pytest.approx(space.texts, abs=1e-6)


def test_each_length_loses_its_own_mean_and_one_bin_is_centering(rng):
    """Texts of three lengths that a vector tells exactly: 400 of each."""
    lengths = np.repeat([10, 40, 160], 400)
    logs = np.log(lengths) - np.log(40)
    rows = np.column_stack([0.1 * logs, 0.1 * rng.normal(size=(1200, 4))])
    rest = np.sqrt(1 - (rows**2).sum(axis=1, keepdims=True))
    space = spaces.space(spaces.directions(50, 6), np.column_stack([rows, rest]), lengths=lengths)
    texts = space.texts.astype(np.float64)
    whole = texts.mean(axis=0)
    expected = np.empty_like(texts)
    for length in (10, 40, 160):
        those = lengths == length
        expected[those] = whole + 400 / 500 * (texts[those].mean(axis=0) - whole)
    expected = texts - expected
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    fitted = fit("length_centering", space, bins=3)
    assert fitted.rows["text"](space.texts) == pytest.approx(expected, abs=1e-3)
    once = mapped(fit("length_centering", space, bins=1), space)
    centered = mapped(fit("per_modality_centering", space), space)
    assert once["text"] == pytest.approx(centered["text"], abs=1e-5)
    with pytest.raises(TooFew, match="2 lengths of texts"):
        fit("length_centering", spaces.space(space.images, space.texts, lengths=[5] * 1200))


def test_rows_of_a_rare_label_have_its_shape_and_are_paired_and_marked():
    rows = spaces.cone_rows(40, 5, 0.98, seed=1)
    texts = spaces.cone_rows(40, 5, 0.98, seed=2)
    space = spaces.with_labels(spaces.space(rows, texts, spaces.diagonal(40)), ["rare"] * 40)
    added = fit("rare_labels", space, least=10_000).train
    assert np.array_equal(added.images[:40], space.images)
    assert np.array_equal(added.texts[:40], space.texts)
    assert all(id_.startswith("synthetic-") for id_ in added.ids[40:10_000])
    assert len(added.pairs) == 10_000 and added.labels[9_999] == ("rare",)
    assert list(added.ids[:10_000]) == sorted(added.ids[:10_000])
    new, origin = added.images[40:], space.images[np.arange(9_960) % 40]
    drawn, shape = np.cov((new - origin).T), np.cov(space.images.T, bias=True)
    assert np.linalg.norm(drawn[1:, 1:] - shape[1:, 1:]) < 0.1 * np.linalg.norm(shape[1:, 1:])
    image, text = added.pairs[-1]
    assert (image, text) == (9_999, added.n - 1)


def test_what_is_added_is_fitted_on_and_alone_changes_nothing():
    good = spaces.paired(200, 64)
    space = spaces.with_labels(good, [f"label {i // 2}" for i in range(200)])  # two of each
    alone = fit_recipe(space, parse_steps("rare_labels"))
    assert alone.space(space).vectors == pytest.approx(space.vectors, abs=1e-6)
    one, other = (fit_recipe(space, parse_steps(s)) for s in ("rare_labels,pls", "pls"))
    shifts = (recipe.fitted[-1].rows["image"].shift for recipe in (one, other))
    assert not np.allclose(*shifts, atol=1e-3)


def test_a_gate_keeps_what_two_classes_share():
    """Two classes share the first direction and differ in the next two; a third has none of it."""
    e, noise = np.eye(5), 0.05 * spaces.directions(120, 5)
    centers = np.repeat([e[0] + e[1], e[0] + e[2], e[3]], 40, axis=0)
    space = spaces.space(centers + noise, centers + noise, spaces.diagonal(120))
    space = spaces.with_labels(space, ["a"] * 40 + ["b"] * 40 + ["c"] * 40)
    gate = fit("class_gates", space, first=1, second=2, keep=1, strength=1.0).rows["image"]
    both = gate((np.array([e[0] + e[1], e[0] + e[2]]) / np.sqrt(2)).astype(np.float32))
    assert both[0] @ both[1] == pytest.approx(1, abs=1e-5)  # 0.5 as they were
    soft = fit("class_gates", space, strength=1.0).rows["text"].matrix
    weights = np.linalg.eigvalsh(soft)
    assert (weights > 0).all() and (weights < 1).all()
    with pytest.raises(TooFew, match=r"at least 4 labels .* up to 3\."):
        fit("class_gates", space, first=4, second=1)
    for place in ("first", "second"):
        with pytest.raises(InputError, match="Give both"):
            fit("class_gates", space, **{place: 1})
    same = spaces.with_labels(spaces.same(60), ["a", "b"] * 30)
    with pytest.raises(InputError, match="No direction"):
        fit("class_gates", same)
