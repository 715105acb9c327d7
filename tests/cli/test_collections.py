"""`sextant collections`, `info`, `rename` and `delete`."""

import json
from pathlib import Path
from shutil import rmtree

import pytest

from core.cli import main
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl, ramp


@pytest.fixture
def run(tmp_path, capsys):
    """Run a command on a home with the collection "pets"; gives code, output and messages."""
    rows = [{"image": f"{i}.png", "caption": f"thing {i}", "year": 2000 + i} for i in range(3)]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(3)}
    Workbench().ingest("pets", folder_of(tmp_path / "x", {**files, "items.jsonl": jsonl(*rows)}),
                       encoder="toy")  # fmt: skip
    capsys.readouterr()

    def run(*arguments):
        code = main(list(arguments))
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def test_info_says_what_is_in_a_collection(run):
    code, out, _ = run("info", "pets", "--json")
    document = json.loads(out)
    assert (code, document["images"], document["texts"], document["pairs"]) == (0, 3, 3, 3)
    assert [passport["model"] for passport in document["encoders"]] == ["toy"]
    assert "year" in document["fields"]
    assert document["tags"] == {}
    assert "3 images" in run("info", "pets")[1]


def test_renamed_it_has_the_same_items(run):
    assert run("rename", "pets", "animals")[0] == 0
    assert Workbench().names() == ("animals",)
    assert json.loads(run("collections", "--json")[1])["collections"][0]["images"] == 3


def test_nothing_is_deleted_without_a_confirmation(run):
    code, out, err = run("delete", "pets")
    assert (code, out) == (2, "")
    assert "--yes" in err
    assert Workbench().names() == ("pets",)
    assert run("delete", "pets", "--yes")[0] == 0
    assert Workbench().names() == ()


def test_a_damaged_collection_is_listed_beside_the_others_and_can_be_deleted(run):
    bench = Workbench()
    bench.home.create("birds")
    (items,) = Path(bench.uri).glob("*/items.lance")
    rmtree(items)
    code, out, err = run("collections")
    assert (code, err) == (0, "") and "birds: no images, no texts\n" in out
    assert "pets: The collection 'pets' cannot be read: its table 'items' is missing" in out
    birds, pets = json.loads(run("collections", "--json")[1])["collections"]
    assert (birds["images"], birds["problem"]) == (0, "")
    assert pets["images"] is None and "sextant check pets" in pets["problem"]
    assert bench.uri not in out
    code, _, err = run("info", "pets")
    assert code == 2 and err.endswith(f"\nhome: {bench.uri}\n")
    assert "'items' is missing" in run("check", "pets")[1]
    assert "with all its items" in run("delete", "pets")[2]
    code, out, _ = run("delete", "pets", "--yes", "--json")
    assert (code, json.loads(out)["deleted"]) == (0, "pets")
    assert Workbench().names() == ("birds",)


@pytest.mark.parametrize("command", [("info", "x"), ("rename", "x", "y"), ("delete", "x", "--yes")])
def test_an_unknown_collection_is_one_sentence(run, command):
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert "pets" in err
