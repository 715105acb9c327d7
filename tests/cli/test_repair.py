"""`sextant repair` and `search --recipe`."""

import json

import numpy as np
import pytest
from onnxruntime import InferenceSession

from core.cli import main
from tests.fixtures.files import encoded, folder_of, jsonl, ramp


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repair")
    rows = [{"image": f"{i}.png", "caption": f"a thing of kind {i}"} for i in range(40)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(folder / "items", {**files, "items.jsonl": jsonl(*rows)})
    where = ["--home", str(folder / "home")]
    assert (
        main(["ingest", str(source / "items.jsonl"), "-c", "things", "--encoder", "toy", *where])
        == 0
    )
    return where


def run(capsys, home, *arguments):
    code = main([arguments[0], "things", *arguments[1:], *home])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_a_recipe_is_judged_kept_exported_imported_and_searched_with(home, capsys, tmp_path):
    file = tmp_path / "r.safetensors"
    steps = "gap_shift:amount=0.3,nnn:k=8"
    code, out, _ = run(
        capsys, home, "repair", "--steps", steps, "--keep", "mine", "--export", str(file), "--json"
    )
    document = json.loads(out)
    assert code == 0
    assert document["steps"] == [
        {"name": "gap_shift", "settings": {"amount": 0.3}},
        {"name": "nnn", "settings": {"k": 8}},
    ]
    assert document["verdict"] in ("helps", "hurts", "no clear effect")
    for name in ("text_to_image", "image_to_text"):
        for metric in ("recall@1", "recall@5", "recall@10", "mAP"):
            gain = document["delta"][name][metric]
            after, before = (document[when][name][metric]["value"] for when in ("after", "before"))
            assert after - before == pytest.approx(gain["value"])
    assert document["n_train_pairs"] + document["n_test_pairs"] == 40
    assert {f["name"] for f in document["findings"]["before"]} >= {"alignment", "modality_gap"}
    assert run(capsys, home, "repair", "--use", str(file), "--keep", "again")[0] == 0
    hits = [
        json.loads(run(capsys, home, "search", "a thing", "--json", *more)[1])["hits"]
        for more in (["--recipe", "mine"], ["--recipe", "again"], [])
    ]
    assert hits[0] == hits[1] != hits[2]


def test_a_name_that_ends_in_onnx_exports_an_onnx_model(home, capsys, tmp_path):
    file = tmp_path / "r.onnx"
    assert run(capsys, home, "repair", "--steps", "pls:keep=4", "--export", str(file))[0] == 0
    session = InferenceSession(file.read_bytes())
    d = session.get_inputs()[0].shape[1]
    (queries,) = session.run(["text_queries"], {"vectors": np.eye(d, dtype=np.float32)})
    assert queries.shape == (d, 4)


def test_a_suggestion_names_what_was_compared(home, capsys):
    code, out, _ = run(capsys, home, "repair", "--suggest", "30", "--json")
    assert code == 0
    assert "none" in {one["steps"] for one in json.loads(out)["tried"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["repair"], "Give --steps"),
        (["repair", "--use", "r.safetensors", "--export", "r.onnx"], "Leave --export out."),
        (["repair", "--steps", "nnn,whitening"], "must be the last step"),
        (["repair", "--steps", "whitening", "--keep", "\n"], "printable"),
        (["search", "dog", "--recipe", "nosuch"], "No recipe is called 'nosuch'"),
    ],
)
def test_what_cannot_be_is_answered_with_a_sentence(home, capsys, arguments, sentence):
    code, _, err = run(capsys, home, *arguments)
    assert code == 2 and sentence in err
