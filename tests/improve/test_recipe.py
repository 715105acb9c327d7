"""Recipes: steps in order, rows and queries alike, and as a file that other programs apply."""

import numpy as np
import pytest

from core.errors import BadParameter, InputError, PassportMismatch, UnknownName
from core.improve import LOADER, Recipe, fit_recipe, from_bytes, parse_steps, to_bytes
from core.improve.repairs import FittedRepair, affine
from core.types import KINDS, Passport
from tests.fixtures import spaces

PASSPORT = Passport("m", "w", "p", 16)


@pytest.fixture(scope="module")
def space():
    return spaces.labelled(spaces.paired(200, 16, agreement=0.8))


def recipe(space, steps):
    return fit_recipe(space, parse_steps(steps))


def test_steps_apply_in_order_each_fitted_on_the_rows_before_it(space):
    both = recipe(space, "per_modality_centering,whitening:keep=4")
    first = recipe(space, "per_modality_centering").space(space)
    second = recipe(first, "whitening:keep=4").space(first)
    repaired = both.space(space)
    assert repaired.vectors == pytest.approx(second.vectors, abs=1e-6)
    assert repaired.steps == ("per_modality_centering", "whitening:keep=4")
    assert both.alike


def test_a_hub_correction_is_a_bias_of_the_repaired_rows(space):
    repaired = recipe(space, "per_modality_centering,nnn:k=4").space(space)
    alone = recipe(space, "per_modality_centering").space(space)
    assert np.array_equal(repaired.vectors, alone.vectors)
    assert repaired.offset.any() and not alone.offset.any()


def test_invgc_repairs_what_is_ranked_and_no_query(space):
    one = recipe(space, "invgc")
    there = one.space(space, query_kind="text")
    assert there.texts == pytest.approx(space.texts, abs=1e-6)
    assert not np.allclose(there.images, space.images, atol=1e-3)
    assert not one.alike


@pytest.mark.parametrize(
    ("steps", "error", "sentence"),
    [
        ("whiten", UnknownName, "Did you mean 'whitening'"),
        ("whitening:strength=1", UnknownName, "setting of whitening"),
        ("whitening:exponent=7", BadParameter, "0 to 1"),
        ("nnn:k=many", BadParameter, "a number"),
        ("adapter:head=deep", BadParameter, "linear, residual"),
        ("nnn,whitening", InputError, "must be the last step"),
        ("csls,nnn", InputError, "must be the last step"),
    ],
)
def test_steps_that_cannot_be_are_refused(steps, error, sentence):
    with pytest.raises(error, match=sentence):
        parse_steps(steps)


def test_a_recipe_survives_its_file_and_ten_lines_of_numpy_apply_it(space, tmp_path):
    made = recipe(space, "gap_shift,invgc_local,length_centering,invgc,whitening:keep=5,nnn:k=3")
    data = to_bytes(made, PASSPORT)
    back = from_bytes(data, PASSPORT)
    assert list(map(str, back.steps)) == list(map(str, made.steps))
    (tmp_path / "r.safetensors").write_bytes(data)
    names = {}
    exec(LOADER, names)  # what the page prints
    apply = names["load_recipe"](tmp_path / "r.safetensors")
    for kind, rows in (("image", space.images), ("text", space.texts)):
        assert np.array_equal(back.rows(rows, kind), made.rows(rows, kind))
        assert apply(rows, kind) == pytest.approx(made.queries(rows, kind), abs=1e-5)
        assert apply(rows, kind, "rows") == pytest.approx(made.rows(rows, kind), abs=1e-5)


def test_a_recipe_that_can_change_no_ranking_says_why(space):
    assert "stays as it is" in recipe(space, "gap_shift:amount=0,rare_labels:least=0").inert
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
    turned = Recipe((), (FittedRepair(dict.fromkeys(KINDS, affine(np.zeros(16), 3 * turn))),))
    assert "turned alike" in turned.inert
    assert not Recipe((), ()).inert
    for steps in ("procrustes", "per_modality_centering", "gap_shift:amount=0,nnn", "invgc_local"):
        assert not recipe(space, steps).inert, steps


def test_a_recipe_for_other_vectors_is_refused(space):
    data = to_bytes(recipe(space, "gap_shift"), PASSPORT)
    with pytest.raises(PassportMismatch):
        from_bytes(data, Passport("other", "w", "p", 16))
    with pytest.raises(PassportMismatch, match="weights"):
        from_bytes(data, Passport("m", "others", "p", 16))
    for wrong in (b"", b"not a recipe", data[:40], data[:-5]):
        with pytest.raises(InputError, match="not a recipe file"):
            from_bytes(wrong, PASSPORT)
