"""Folders and paths: links and paths in tables stay inside."""

import os
from pathlib import Path

import pytest

from core.errors import UnreadableFile
from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, jsonl, png, zip_of
from tests.fixtures.sources import notes, records, rejected


@pytest.mark.parametrize(
    "reference",
    ["../out.png", "a/../../out.png", "..\\out.png", "{out}", "link.png", "dir/out.png"],
)
def test_paths_in_a_table_stay_inside(tmp_path: Path, reference: str) -> None:
    folder_of(tmp_path, {"out.png": png(1), "secret/out.png": png(1)})
    reference = reference.format(out=tmp_path / "out.png")
    folder = folder_of(
        tmp_path / "set", {"items.jsonl": jsonl({"image": reference}, {"caption": "fine"})}
    )
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "dir").symlink_to(tmp_path / "secret")
    source = read(folder / "items.jsonl")
    assert [r.captions for r in records(source)] == [("fine",)]
    assert "leads outside of the folder" in rejected(source)[reference]


def test_absolute_paths_and_links_inside_are_fine(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", {"p/a.png": png(1)})
    (folder / "b.png").symlink_to(folder / "p/a.png")
    rows = jsonl(
        {"image": str(folder / "p/a.png")}, {"image": "b.png"}, {"image": "http://x/a.png"}
    )
    folder_of(folder, {"items.jsonl": rows})
    source = read(folder / "items.jsonl")
    assert [r.name for r in records(source)] == ["p/a.png", "b.png"]
    assert rejected(source) == {
        "http://x/a.png": "it is a web address; download the image first "
        "(named in items.jsonl line 3)"
    }


@pytest.mark.parametrize("name", [".secret/a.png", "set/.a.png"])
def test_a_hidden_file_that_a_table_names_is_not_read(tmp_path: Path, name: str) -> None:
    rows = jsonl({"image": name}, {"image": "b.png"})
    folder_of(tmp_path, {name: png(1), "b.png": png(2), "items.jsonl": rows})
    source = read(tmp_path / "items.jsonl")
    assert [r.name for r in records(source)] == ["b.png"]
    assert "hidden" in rejected(source)[name]


def test_links_neither_loop_nor_lead_outside(tmp_path: Path) -> None:
    folder_of(tmp_path, {"out/o.png": png(1)})
    folder = folder_of(tmp_path / "set", {"sub/a.png": png(2)})
    (folder / "sub/loop").symlink_to(folder)
    (folder / "escape").symlink_to(tmp_path / "out")
    (folder / "escape.png").symlink_to(tmp_path / "out/o.png")
    (folder / "self.png").symlink_to(folder / "self.png")
    source = read(folder)
    assert [r.name for r in records(source)] == ["sub/a.png"]
    assert rejected(source) == {
        "escape": "it is a link that leads outside of the folder",
        "escape.png": "it is a link that leads outside of the folder",
        "self.png": "there is no such file",
    }


def test_odd_files_do_not_hang_or_crash(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", {"a.png": png(1), "in.zip": b"PK"})
    os.mkfifo(folder / "pipe.png")
    bad = os.fsencode(folder) + b"/\xff.png"
    with open(bad, "wb") as file:
        file.write(png(2))
    source = read(folder)
    assert [r.name for r in records(source)] == ["a.png"]
    assert rejected(source) == {
        "\ufffd.png": "its name is not valid UTF-8",
        "in.zip": "it is an archive inside the source; ingest it by its own path",
    }


def test_an_image_that_disappears_is_reported(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", {"a.png": png(1)})
    (record,) = records(read(folder))
    (folder / "a.png").unlink()
    assert record.read is not None
    with pytest.raises(UnreadableFile, match=r"^a.png: there is no such file"):
        record.read()


def test_a_similar_name_is_found_only_when_it_is_the_only_one(tmp_path: Path) -> None:
    files = {"a.JPG": png(1), "b.png": png(2), "B.png": png(3), "sub/c.png": png(4)}
    rows = [{"image": name} for name in ("a.jpg", "b.PNG", "c.png", "sub/C.png")]
    files["items.jsonl"] = jsonl(*rows)
    for source in (
        read(folder_of(tmp_path / "t", files)),
        read(zip_of(tmp_path / "t.zip", files)),
    ):
        assert [r.name for r in records(source)][:2] == ["a.JPG", "sub/c.png"]
        assert "similar names: B.png, b.png" in rejected(source)["b.PNG"]
        assert set(rejected(source)) == {"b.PNG"}
        assert any(note.startswith("2 images were found by a name") for note in notes(source))
