"""Imagefolder of Hugging Face: one table at the top, or one in each split."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, jsonl, png, zip_of
from tests.fixtures.sources import records, rejected


@pytest.mark.parametrize("pack", [folder_of, zip_of])
def test_each_split_has_its_metadata(tmp_path: Path, pack: Callable[..., Path]) -> None:
    files = {}
    for split, name in (("train", "a.png"), ("train", "b.png"), ("test", "a.png")):
        files[f"{split}/{name}"] = png(len(files))
    files["train/metadata.jsonl"] = jsonl(
        {"file_name": "a.png", "text": "one"}, {"file_name": "b.png", "text": "two"}
    )
    files["test/metadata.jsonl"] = jsonl({"file_name": "a.png", "text": "three"})
    source = read(pack(tmp_path / ("set.zip" if pack is zip_of else "set"), files))
    assert {r.name: (r.captions, r.attributes["split"]) for r in records(source)} == {
        "train/a.png": (("one",), "train"),
        "train/b.png": (("two",), "train"),
        "test/a.png": (("three",), "test"),
    }
    assert source.reading.form == "imagefolder"
    assert source.reading.columns == {"file_name": "image", "text": "caption"}


def test_metadata_at_the_top_leaves_the_split_to_the_folders(tmp_path: Path) -> None:
    table = (
        "file_name,caption,label\ntrain/a.png,one,x\nvalidation/b.png,two,y\ntrain/gone.png,,x\n"
    )
    files = {"metadata.csv": table, "train/a.png": png(1), "validation/b.png": png(2)}
    source = read(folder_of(tmp_path / "set", files))
    found = [(r.captions, r.labels, r.attributes) for r in records(source)]
    assert found == [
        (("one",), ("x",), {"split": "train"}),
        (("two",), ("y",), {"split": "val"}),
    ]
    assert list(rejected(source)) == ["train/gone.png"]
