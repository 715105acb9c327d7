"""`sextant label`: labels for a picture, and how well labels are found."""

import json

import pytest
from PIL import Image

from core.cli import main
from tests.fixtures.files import encoded, folder_of, jsonl

COLOURS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255)}


@pytest.fixture
def folder(tmp_path, capsys):
    """60 coloured pictures; the first has no label."""
    files, rows = {}, []
    for i in range(60):
        name = list(COLOURS)[i % 3]
        shade = tuple(max(0, c - i) for c in COLOURS[name])
        files[f"{i}.png"] = encoded(Image.new("RGB", (32, 32), shade))
        rows.append({"image": f"{i}.png", **({"label": name} if i else {})})
    made = folder_of(tmp_path / "colours", {**files, "items.jsonl": jsonl(*rows)})
    assert main(["ingest", str(made), "-c", "colours", "--encoder", "toy"]) == 0
    capsys.readouterr()
    return made


def test_a_pictures_label_comes_first(folder, capsys):
    asked = ["label", "colours", "--image", str(folder / "2.png"), "--json"]
    assert main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["likeliest"][0]["label"] == "blue"
    assert sum(hit["chance"] for hit in found["likeliest"]) == pytest.approx(1)


def test_groups_can_be_answered(folder, tmp_path, capsys):
    lines = tmp_path / "labels.txt"
    lines.write_text("warm > red\ncold > green\ncold > blue\n", "utf-8")
    asked = ["label", "colours", "--image", str(folder / "1.png"), "--labels", str(lines), "--json"]
    assert main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert {hit["label"] for hit in found["frechet"]} == {"warm", "cold", "red", "green", "blue"}
    assert "steps in the tree" in found["sentence"]


def test_without_a_picture_the_labels_are_judged(folder, capsys):
    assert main(["label", "colours", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["accuracy"]["value"] > scores["accuracy"]["chance"] == pytest.approx(1 / 3)
    both = ("accuracy", "squared_distance")
    assert set(scores) == {*both, *(f"frechet_{name}" for name in both)}


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "no labels"), (b"\xff\xfe\x00", "not UTF-8"), (b"a\na > b", "group")],
)
def test_odd_label_files_get_a_sentence(folder, tmp_path, capsys, content, says):
    lines = tmp_path / "labels.txt"
    lines.write_bytes(content)
    asked = ["label", "colours", "--image", str(folder / "1.png"), "--labels", str(lines)]
    assert main(asked) == 2
    assert says in capsys.readouterr().err
