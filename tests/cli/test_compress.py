"""`sextant compress` and `search --first compressed`."""

import json
from pathlib import Path

import pytest

from core.cli import main
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp


def test_ways_are_measured_kept_exported_and_searched_with(tmp_path, capsys):
    rows = [{"image": f"{i}.png", "caption": f"a thing of kind {i}"} for i in range(40)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    home = ["--home", str(tmp_path / "home")]
    file = tmp_path / "codes.safetensors"

    def run(*arguments):
        code = main([*arguments, *home])
        out = capsys.readouterr()
        return code, out.out, out.err

    assert run("ingest", str(source / "items.jsonl"), "-c", "things", "--encoder", "toy")[0] == 0
    code, out, _ = run(
        "compress", "things", "--only", "int8,bebr", "--keep", "int8", "--export", str(file),
        "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0 and file.stat().st_size > 40 * 2
    scope = {}
    exec((tmp_path / "codes_decoder.py").read_text("utf-8"), scope)
    assert scope["load_rows"](file, "image").shape == (40, document["d"])
    assert {way["name"] for way in document["ways"]} == {"float32", "float16", "int8", "bebr"}
    assert set(document) >= {"n", "d", "encoder", "ways", "suggested", "sentence"}
    code, out, _ = run("search", "things", "a thing", "--first", "compressed", "--json")
    assert code == 0 and json.loads(out)["hits"]
    code, out, _ = run("compress", "things", "--only", "int8", "--budget-bytes", "1")
    assert code == 0 and "No way" in out
    code, _, err = run("compress", "things", "--only", "zip")
    assert code and "zip" in err
    code, _, err = run("compress", "things", "--export", str(file))
    assert code and "--way" in err
    code, out, _ = run("compress", "things", "--protocol", "--json")
    rows = json.loads(out)["rows"]
    assert code == 0 and rows
    for row in rows:
        assert row["code_bytes"] <= row["budget"]
        unfiltered = [one for one in row["recall"] if one["filter"] == "none"]
        assert {one["k"] for one in unfiltered} == {10}  # of 40 images no list of 100 is a choice
        assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 1 for one in row["recall"])


def test_one_way_is_kept_and_another_exported(tmp_path, capsys):
    rows = [{"image": f"{i}.png", "caption": f"thing {i}"} for i in range(40)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    home = ["--home", str(tmp_path / "home")]
    add = ["ingest", str(source / "items.jsonl"), "-c", "things", "--encoder", "toy", *home]
    assert main(add) == 0

    def codes(*given):
        file = tmp_path / "codes.safetensors"
        assert main(["compress", "things", "--export", str(file), *given, *home]) == 0
        return file.read_bytes()

    halves, bytes_ = codes("--way", "float16"), codes("--way", "int8")
    capsys.readouterr()
    assert codes("--keep", "int8", "--way", "float16", "--json") == halves
    measured = {way["name"] for way in json.loads(capsys.readouterr().out)["ways"]}
    assert measured == {"float32", "float16", "int8"}
    assert codes("--keep", "int8") == bytes_
    opened = Workbench(tmp_path / "home").open("things")
    assert Workbench(tmp_path / "home").kept_way(opened)["way"] == "int8"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--way", "int8"], "--way is the way to export."),
        (["--keep", "int8", "--way", "bebr"], "--way is the way to export."),
        (["--protocol", "--keep", "int8"], "--protocol does not use --keep."),
        (["--layers", "--export", "x", "--way", "int8"], "--layers does not use --way."),
        (["--layers", "--recall", "0.9"], "--layers does not use --recall."),
        (["--protocol", "--budget-bytes", "8"], "--protocol does not use --budget-bytes."),
    ],
)
def test_an_option_that_would_not_be_used_is_refused(tmp_path, capsys, given, sentence):
    code = main(["compress", "things", *given, "--home", str(tmp_path)])
    out, told = capsys.readouterr()
    assert (code, out, told.count("\n")) == (2, "", 1)
    assert told.startswith(sentence)


def test_a_search_prefers_labels_that_kept_codes_have(tmp_path, capsys):
    rows = [
        {"image": f"{i}.png", "caption": f"thing {i}", "label": "dog" if i % 4 else "cat"}
        for i in range(40)
    ]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(40)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    home = ["--home", str(tmp_path / "home")]

    def run(*arguments):
        code = main([*arguments, *home])
        out = capsys.readouterr()
        return code, out.out, out.err

    def quarters(*arguments):
        code, out, err = run("search", "things", "thing", "-k", "10", "--json", *arguments)
        assert code == 0, err
        return [int(Path(hit["name"]).stem) % 4 for hit in json.loads(out)["hits"]]

    assert run("ingest", str(source / "items.jsonl"), "-c", "things", "--encoder", "toy")[0] == 0
    code, _, err = run("search", "things", "thing", "--prefer", "label = cat")
    assert code and "sextant compress things" in err
    code, out, _ = run(
        "compress", "things", "--only", "attributes", "--keep", "attributes:weight=4", "--json"
    )
    found = {way["name"]: way["attributes"] for way in json.loads(out)["ways"]}
    assert code == 0 and found["float32"] is None
    assert found["attributes:weight=4"]["alike"] > found["attributes:weight=4"]["alike_by_vectors"]
    plain = quarters("--first", "compressed")
    assert plain == quarters()
    assert quarters("--prefer", "label = cat") == [0] * 10
    for wrong in ("label = cow", "label != cat", "color = red"):
        assert run("search", "things", "thing", "--prefer", wrong)[0]
