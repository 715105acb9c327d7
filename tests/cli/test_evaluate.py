"""`sextant evaluate` and its gate: exit codes, JUnit, earlier documents, labels, two encoders."""

import json
import shlex
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, vectors_file
from tests.fixtures.spaces import directions

N, D = 60, 12


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A collection of two encoders, "near" better than "far", and one of labeled colors only."""
    folder = tmp_path_factory.mktemp("evaluate")
    x = directions(N, D)
    for name, noise in (("near", 1.0), ("far", 3.0)):
        vectors_file(folder / f"{name}.parquet", x, x + noise * directions(N, D, 1))
        Workbench(folder / "home").ingest("mine", folder / f"{name}.parquet", encoder=name)
    colors = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255)}
    shades = [(n, i, tuple(max(0, c - 3 * i) for c in rgb)) for n, rgb in colors.items()
              for i in range(12)]  # fmt: skip
    files = {f"{n}{i}.png": encoded(Image.new("RGB", (32, 32), rgb)) for n, i, rgb in shades}
    lines = jsonl(*({"image": f"{n}{i}.png", "label": n} for n, i, _ in shades))
    made = folder_of(folder / "colors", {**files, "items.jsonl": lines})
    Workbench(folder / "home").ingest("colors", made, encoder="toy")
    return folder / "home"


@pytest.fixture
def evaluate(filled, capsys):
    """Run `sextant evaluate`; gives exit code, JSON or text, and standard error."""

    def run(name, *arguments, verb="evaluate"):
        code = main([verb, name, "--home", str(filled), *map(str, arguments)])
        said = capsys.readouterr()
        is_json = "--json" in arguments and code in (0, 3)
        return code, json.loads(said.out) if is_json else said.out, said.err

    return run


@pytest.mark.parametrize(
    ("threshold", "strict", "outcome", "code"),
    [
        ("recall@10=0.05", (), "pass", 0),
        ("text_to_image.recall@1=0.99", (), "fail", 3),
        ("recall@1={value}", (), "undecided", 0),
        ("recall@1={value}", ("--strict",), "fail", 3),
    ],
)
def test_a_threshold_decides_the_exit_code(evaluate, threshold, strict, outcome, code):
    _, plain, _ = evaluate("mine", "--json")
    value = plain["text_to_image"]["recall@1"]["value"]
    given = ("--fail-under", threshold.format(value=value), *strict)
    found_code, found, told = evaluate("mine", *given, "--json")
    assert (found_code, found["gate"]["outcome"]) == (code, outcome)
    assert all(c["sentence"] in told for c in found["gate"]["criteria"])
    assert {k: v for k, v in found.items() if k not in ("gate", "command")} == {
        k: v for k, v in plain.items() if k != "command"
    }


def test_the_command_in_a_document_reproduces_it(evaluate, capsys):
    _, found, _ = evaluate("mine", "--encoder", "far", "--json")
    assert main(shlex.split(found["command"])[1:]) == 0
    assert json.loads(capsys.readouterr().out) == found


def test_junit_has_a_case_for_each_criterion(evaluate, tmp_path):
    out = tmp_path / "junit.xml"
    given = ("--fail-under", "recall@1=0.99", "--fail-over", "median_rank=50", "--junit", out)
    assert evaluate("mine", *given)[0] == 3
    suite = ElementTree.parse(out).getroot()
    assert suite.attrib.items() >= {"tests": "4", "failures": "2", "skipped": "0"}.items()
    failed = [c.get("name") for c in suite.iter("testcase") if c.find("failure") is not None]
    assert failed == [f"{d}.recall@1: at least 0.99" for d in ("text_to_image", "image_to_text")]
    value = evaluate("mine", "--json")[1]["text_to_image"]["recall@1"]["value"]
    undecided = ("--fail-under", f"text_to_image.recall@1={value}", "--junit", out)
    assert evaluate("mine", *undecided)[0] == 0
    assert ElementTree.parse(out).find("testcase/skipped") is not None
    assert evaluate("mine", *undecided, "--strict")[0] == 3
    assert ElementTree.parse(out).find("testcase/failure") is not None


def test_an_earlier_document_is_compared_in_pairs_where_it_has_ranks(evaluate, tmp_path):
    earlier = tmp_path / "near.json"
    for ranks in ((), ("--ranks",)):
        _, document, _ = evaluate("mine", "--json", *ranks)
        earlier.write_text(json.dumps(document))
        code, found, _ = evaluate("mine", "--encoder", "far", "--against", earlier, "--json")
        criteria = {c["metric"]: c for c in found["gate"]["criteria"]}
        assert code == 3
        assert criteria["text_to_image.recall@1"]["outcome"] == "fail"
        is_paired = "60 shared queries" in criteria["text_to_image.recall@1"]["sentence"]
        assert is_paired == bool(ranks)
        assert "ranks" not in found
        assert evaluate("mine", "--against", earlier)[0] == 0


def test_a_diagnosis_has_the_same_gate(evaluate, tmp_path):
    only = ("--only", "alignment,modality_gap")
    _, document, _ = evaluate("mine", *only, "--json", verb="diagnose")
    value = document["findings"][0]["value"]
    over = ("--fail-over", f"alignment={value / 10}")
    code, found, _ = evaluate("mine", *only, *over, "--json", verb="diagnose")
    assert (code, found["gate"]["criteria"][0]["metric"]) == (3, "alignment.pairs")
    earlier = tmp_path / "d.json"
    earlier.write_text(json.dumps(document))
    worse = ("--encoder", "far", "--against", earlier)
    assert evaluate("mine", *only, *worse, verb="diagnose")[0] == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fail-under", "recal@10=0.8"], "Did you mean 'recall@10'?"),
        (["--fail-under", "recall@10"], "allowed: NAME=NUMBER"),
        (["--fail-under", "recall@10=nan"], "allowed: NAME=NUMBER"),
        (["--against", "{colors}"], "is of the collection 'colors', not of 'mine'"),
        (["--against", "{text}"], "is not JSON"),
        (["--against", "{empty}"], "holds no numbers"),
        (["--against", "{other}"], "no number in common"),
        (["--against", "{nowhere}"], "cannot be read"),
        (["--junit", "out.xml"], "There is nothing to decide"),
        (["--fail-under", "mAP=0.1", "--junit", "/nowhere/at/all/x.xml"], "There is no folder"),
        (["--labels", "--analogies"], "and not both"),
        (["--labels", "--ranks"], "--ranks is for an evaluation of pairs"),
        (["--by", "size"], "No field for groups is called 'size'"),
        (["--versus-encoder", "near"], "Both are encoded with 'near'"),
        (["--without-tag", "nothing"], "nothing"),
        (["--recipe", "none"], "No recipe is called 'none'"),
    ],
)
def test_bad_input_is_one_sentence(evaluate, tmp_path, arguments, sentence):
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    files = {
        "colors": json.dumps({"collection": "colors", "x": score}),
        "text": "recall",
        "empty": '{"text_to_image": {"recall@1": 1}, "ranks": {"text_to_image": 3}}',
        "other": json.dumps({"x": score}),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    paths = {name: tmp_path / name for name in (*files, "nowhere")}
    given = [a.format(**paths) for a in arguments]
    code, out, told = evaluate("mine", *given, "--json")
    assert (code, out, told.count("\n")) == (2, "", 1)
    assert sentence in told


def test_labels_alone_are_evaluated(evaluate):
    code, found, _ = evaluate("colors", "--json", "--fail-under", "accuracy=0.6")
    assert code == 0
    assert found["gate"]["criteria"][0]["metric"] == "classification.accuracy"
    assert found["classification"]["accuracy"].keys() == {"value", "low", "high", "chance"}
    assert found["classification"]["accuracy"]["chance"] == pytest.approx(1 / 3)
    assert found["classification"]["n_candidates"] == 3
    assert [r["n_images"] for r in found["classification"]["by_label"]] == [12, 12, 12]
    assert found["image_to_image"]["precision@10"]["chance"] == pytest.approx(11 / 35)
    assert found["lacks"] == {}
    _, lines, _ = evaluate("colors")
    assert "zero-shot classification" in lines


@pytest.mark.parametrize("given", [("--by", "label"), ("--hub-correction", "nnn"), ("--ranks",)])
def test_where_labels_stand_for_pairs_options_of_pairs_are_refused(evaluate, given):
    code, out, told = evaluate("colors", *given, "--json")
    assert (code, out, told.count("\n")) == (2, "", 1)
    assert f"{given[0]} is for an evaluation of pairs" in told


def test_labels_of_vectors_without_an_encoder_say_what_is_missing(evaluate):
    code, found, _ = evaluate("mine", "--labels", "--json")
    assert (code, found["classification"]) == (0, None)
    assert "not available" in found["lacks"]["classification"]
    assert found["image_to_image"]["n_queries"] == N


def test_groups_of_queries(evaluate):
    _, found, _ = evaluate("mine", "--by", "label", "--json")
    groups = found["by_group"]["text_to_image"]["groups"]
    assert {g["group"] for g in groups} == {"cat", "dog", "cow"}
    assert sum(g["n_queries"] for g in groups) == N
    whole = found["text_to_image"]["recall@10"]["value"]
    assert np.mean([g["value"] for g in groups]) == pytest.approx(whole)
    _, found, _ = evaluate("mine", "--by", "caption length", "--json")
    assert found["by_group"]["text_to_image"]["groups"][0]["group"].endswith("characters")


def test_two_encoders_on_the_same_queries(evaluate):
    _, found, _ = evaluate("mine", "--versus-encoder", "far", "--json")
    there = found["text_to_image"]
    assert there["won"] + there["lost"] + there["both"] + there["neither"] == N
    assert there["gain"]["value"] == pytest.approx((there["won"] - there["lost"]) / N)
    assert there["overlap"]["chance"] == pytest.approx(10 / N)
    assert evaluate("mine", "--versus-encoder", "far", "--fail-under", "gain=-0.05")[0] == 0
