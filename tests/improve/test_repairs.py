"""Repairs against their closed forms; every one keeps rows unit and treats single rows alike."""

import numpy as np
import pytest

from core.errors import InputError, TooFew
from core.improve import REPAIRS
from core.numerics.spectra import moments_of
from tests.fixtures import spaces

IDENTITY = {
    "per_modality_centering": {"strength": 0.0},
    "gap_shift": {"amount": 0.0},
    "invgc": {"same": 0.0, "other": 0.0},
}
PAIRED = ("procrustes", "cca", "pls")
NAMES = list(REPAIRS.all())


@pytest.fixture
def space():
    """Images and texts that agree, on either side of a gap."""
    good = spaces.paired(300, 16, agreement=0.8)
    side = np.zeros(16)
    side[0] = 0.7
    return spaces.space(good.images + side, good.texts - side, good.pairs)


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


def test_an_adapter_learns_what_relates_pairs_and_stays_away_where_nothing_is_to_gain(rng):
    images = spaces.directions(600, 12)
    turn = np.linalg.qr(np.eye(12) + 0.25 * rng.normal(size=(12, 12)))[0]
    turned = spaces.space(images, images @ turn, spaces.diagonal(600))
    after = mapped(fit("adapter", turned, rate=0.01), turned)
    before = (turned.images * turned.texts).sum(axis=1).mean()
    assert (after["image"] * after["text"]).sum(axis=1).mean() > before + 0.2
    same = spaces.space(images, images, spaces.diagonal(600))
    assert np.array_equal(fit("adapter", same).rows["text"].matrix, np.eye(12, dtype=np.float32))
    shuffled = fit("adapter", spaces.shuffled(200, 12)).rows["image"].matrix
    assert np.array_equal(shuffled, np.eye(12, dtype=np.float32))


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
