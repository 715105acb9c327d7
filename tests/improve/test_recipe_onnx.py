"""A recipe as ONNX gives onnxruntime the same vectors as numpy."""

import sys

import numpy as np
import pytest
from onnxruntime import InferenceSession

from core.errors import MissingPart
from core.improve import ONNX_LOADER, Recipe, fit_recipe, has_onnx, parse_steps, to_onnx
from core.improve.repairs import FittedRepair, RowMap, layer
from core.types import Passport
from tests.fixtures import spaces

D = 16
PASSPORT = Passport("m", "w", "p", D)


def session(recipe):
    return InferenceSession(to_onnx(recipe, PASSPORT))


def layers(best, parts):
    rng = np.random.default_rng(0)
    one = layer(
        *(rng.normal(size=shape) for shape in ((D, 12), 12, (12, 5))), best=best, parts=parts
    )
    bent = RowMap(np.ones(5, np.float32), rng.normal(size=(D, 5)).astype(np.float32), one)
    return FittedRepair({"image": bent, "text": RowMap(np.ones(D, np.float32))})


@pytest.mark.parametrize(
    "steps", ["none", "gap_shift,invgc,whitening:keep=5,nnn:k=3", "per_modality_centering,pls"]
)
def test_every_kind_and_part_has_the_vectors_of_numpy(steps):
    space = spaces.paired(200, D)
    recipe = fit_recipe(space, parse_steps(steps))
    run = session(recipe)
    for kind, rows in (("image", space.images), ("text", space.texts)):
        for part, ours in (("rows", recipe.rows), ("queries", recipe.queries)):
            (theirs,) = run.run([f"{kind}_{part}"], {"vectors": rows})
            assert theirs == pytest.approx(ours(rows, kind), abs=1e-5)


@pytest.mark.parametrize(("best", "parts"), [(0, 1), (2, 1), (1, 3), (4, 3)])
def test_layers_too(best, parts):
    recipe = Recipe((), (layers(best, parts),))
    rows = spaces.directions(30, D).astype(np.float32)
    for kind in ("image", "text"):
        (theirs,) = session(recipe).run([f"{kind}_queries"], {"vectors": rows})
        assert theirs == pytest.approx(recipe.queries(rows, kind), abs=1e-5)


def test_the_lines_that_are_printed_apply_the_file(tmp_path, monkeypatch):
    space = spaces.paired(100, D)
    recipe = fit_recipe(space, parse_steps("whitening"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.onnx").write_bytes(to_onnx(recipe, PASSPORT))
    names = {"vectors": space.texts}
    exec(ONNX_LOADER, names)  # what the page prints
    assert names["queries"] == pytest.approx(recipe.queries(space.texts, "text"), abs=1e-5)


def test_steps_and_encoder_are_in_the_file():
    made = session(fit_recipe(spaces.paired(100, D), parse_steps("whitening:keep=4")))
    about = made.get_modelmeta().custom_metadata_map
    assert Passport.from_json(about["passport"]) == PASSPORT
    assert about["steps"] == '[{"name": "whitening", "settings": {"keep": 4}}]'


def test_without_the_library_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert not has_onnx()
    with pytest.raises(MissingPart, match="pip install"):
        to_onnx(Recipe((), ()), PASSPORT)
