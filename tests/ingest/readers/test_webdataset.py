"""Webdataset: the files of one key are one record, in every shard."""

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import ReadOptions, Record
from core.types import Rejected
from tests.fixtures.files import folder_of, png, tar_of


def downloaded(key: str) -> dict[str, bytes]:
    """The files of a sample as img2dataset writes them."""
    about = {
        "caption": f"a dog {key}", "url": f"https://x/{key}", "key": key, "status": "success",
        "error_message": None, "width": 8, "height": 8, "exif": "{}",
    }  # fmt: skip
    return {
        f"{key}.jpg": png(int(key)),
        f"{key}.txt": about["caption"].encode(),
        f"{key}.json": json.dumps(about).encode(),
    }


def records(path: Path) -> list[Record]:
    return [entry for entry in read(path) if isinstance(entry, Record)]


def test_the_shards_of_img2dataset(tmp_path: Path) -> None:
    for shard in range(2):
        keys = [f"{shard:05}{i:04}" for i in range(3)]
        files = {name: data for key in keys for name, data in downloaded(key).items()}
        tar_of(tmp_path / f"{shard:05}.tar", files)
        folder_of(tmp_path, {f"{shard:05}_stats.json": "{}", f"{shard:05}.parquet": "PAR1"})
    source = read(tmp_path)
    found = [entry for entry in source if isinstance(entry, Record)]
    assert source.total == 6 and source.reading.form == "webdataset"
    assert found[4].name == "00001.tar/000010001.jpg"
    assert found[4].captions == ("a dog 000010001",)
    assert found[4].attributes == {"url": "https://x/000010001", "width": 8, "height": 8}
    assert found[4].read is not None and found[4].read() == png(10001)
    assert source.reading.columns == {
        ".jpg": "image", ".txt": "caption", "caption": "caption",
        "url": "attribute", "width": "attribute", "height": "attribute",
    }  # fmt: skip
    assert [aside.name for aside in source.reading.left_aside] == [
        "2 files such as 00000_stats.json",
        "2 files such as 00000.parquet",
    ]


def test_classes_splits_and_further_files(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        files = {"s0.cls": b"1", "s0.webp": png(0), "s0.seg.png": png(1), "s0.npy": b"x"}
        tar_of(tmp_path / split / "0.tar", {**files, "s1.cls": b"7", "s1.webp": png(2)})
    folder_of(tmp_path, {"classnames.txt": "cat\ndog"})
    found = records(tmp_path)
    assert [(r.name, r.labels, r.attributes) for r in found] == [
        (f"{split}/0.tar/{name}.webp", (label,), {"split": split})
        for split in ("test", "train")
        for name, label in (("s0", "dog"), ("s1", "7"))
    ]
    asides = {a.name for a in read(tmp_path).reading.left_aside}
    assert asides == {".npy", ".seg.png beside another image"}


def test_a_tar_without_texts_or_with_a_table_is_a_folder(tmp_path: Path) -> None:
    classes = tar_of(tmp_path / "a.tar", {"s/cat/1.jpg": png(1), "s/dog/2.jpg": png(2)})
    assert [r.labels for r in records(classes)] == [("cat",), ("dog",)]
    table = {"images/1.jpg": png(1), "t.csv": b"image,caption\n1.jpg,A cat ."}
    found = records(tar_of(tmp_path / "b.tar.gz", table))
    assert [(r.name, r.captions) for r in found] == [("images/1.jpg", ("A cat .",))]
    forced = read(classes, options=ReadOptions(form="webdataset"))
    assert forced.reading.form == "webdataset"


def test_what_is_wrong_with_a_part_spares_its_image(tmp_path: Path) -> None:
    files = {"1.jpg": png(1), "1.json": b"{", "2.jpg": png(2), "2.txt": b"0 .5 .5 .1 .1"}
    entries = list(read(tar_of(tmp_path / "a.tar", {**files, "3.jpg": png(3), "3.txt": b"A"})))
    assert [e.name for e in entries if isinstance(e, Record)] == ["1.jpg", "2.jpg", "3.jpg"]
    assert [e for e in entries if isinstance(e, Rejected)] == [
        Rejected("1.json", "it is not JSON"),
        Rejected("2.txt", "numbers, such as boxes, are no captions"),
    ]


def test_tars_beside_images_and_tars_of_nothing(tmp_path: Path) -> None:
    tar_of(folder_of(tmp_path / "a", {"x.jpg": png(1)}) / "b.tar", {"1.jpg": png(2)})
    reason = "it is an archive inside the source; ingest it by its own path"
    assert Rejected("b.tar", reason) in list(read(tmp_path / "a"))
    tar_of(tmp_path / "c/d.tar", {"notes.md": b"x"})
    with pytest.raises(InputError, match="c: its tars have no images and no captions"):
        read(tmp_path / "c")


@pytest.mark.parametrize(
    ("tars", "labels"),
    [
        ({"n01": ["n01_3.png", "n01_4.png"], "n02": ["n02_1.png"]}, ["n01", "n01", "n02"]),
        ({"cats": ["1.png"], "dogs": ["1.png"]}, ["cats", "dogs"]),
        ({"train": ["s/cat/1.png", "s/dog/2.png"], "val": ["s/dog/1.png"]}, ["cat", "dog", "dog"]),
        ({"000": ["0001.png"], "001": ["0011.png"]}, []),
    ],
)
def test_tars_of_images_alone_are_folders_of_classes(
    tmp_path: Path, tars: dict[str, list[str]], labels: list[str]
) -> None:
    for stem, names in tars.items():
        tar_of(tmp_path / f"{stem}.tar", {name: png(1) for name in names})
    found = records(tmp_path)
    assert [label for record in found for label in record.labels] == labels
    splits = [record.attributes.get("split") for record in found]
    assert splits == (["train", "train", "val"] if "train" in tars else [None] * len(found))
