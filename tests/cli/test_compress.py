"""`sextant compress` and `search --first compressed`."""

import json

from core.cli import main
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
