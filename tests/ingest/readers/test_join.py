"""Images that are not where a table says: absolute paths, other folders, other forms of a name."""

import unicodedata
from pathlib import Path

import pytest

from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, jsonl, png
from tests.fixtures.sources import notes, records, rejected


@pytest.mark.parametrize(
    "written",
    [
        r"C:\Users\me\set\pics\{}.png",
        r"\\server\share\pics\{}.png",
        "/mnt/data/set/pics/{}.png",
        "old/pics/{}.png",
        "{}.png",
        "PICS/{}.PNG",
        "pics/{}",
    ],
)
def test_images_are_found_by_the_end_of_their_path(tmp_path: Path, written: str) -> None:
    rows = [{"image": written.format(name), "caption": name} for name in "ab"]
    files = {"t.jsonl": jsonl(*rows), "pics/a.png": png(1), "pics/b.png": png(2)}
    source = read(folder_of(tmp_path / "set", files))
    assert [(r.name, r.captions) for r in records(source)] == [
        ("pics/a.png", ("a",)),
        ("pics/b.png", ("b",)),
    ]
    assert len(notes(source)) == 1 and notes(source)[0].startswith("2 images were found by")


def test_a_name_in_several_folders_is_not_guessed(tmp_path: Path) -> None:
    rows = jsonl({"image": "1.png", "caption": "x"}, {"image": "old/cat/1.png", "caption": "y"})
    files = {"t.jsonl": rows, "cat/1.png": png(1), "dog/1.png": png(2)}
    source = read(folder_of(tmp_path / "set", files))
    assert {r.name: r.captions for r in records(source)} == {"cat/1.png": ("y",), "dog/1.png": ()}
    assert "it may be one of 2: cat/1.png, dog/1.png" in rejected(source)["1.png"]


def test_unicode_forms_of_a_name(tmp_path: Path) -> None:
    nfd, nfc = (unicodedata.normalize(form, "café/über.png") for form in ("NFD", "NFC"))
    folder = folder_of(tmp_path / "set", {nfd: png(1), "b.png": png(2)})
    folder_of(folder, {"t.jsonl": jsonl({"image": nfc, "caption": "x"})})
    assert {r.name: r.captions for r in records(read(folder))} == {nfd: ("x",), "b.png": ()}
