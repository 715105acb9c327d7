"""Images without a table: classes from folders, captions from text files."""

from pathlib import Path

from core.errors import UnreadableFile
from core.ingest.images import decode
from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, half, png, png_bomb, zip_of
from tests.fixtures.sources import notes, records, rejected


def test_class_folders_label_where_most_images_lie_one_deep(tmp_path: Path) -> None:
    classes = folder_of(tmp_path / "c", {"dog/1.png": png(1), "cat/1.png": png(2)})
    assert [(r.name, r.labels) for r in records(read(classes))] == [
        ("cat/1.png", ("cat",)),
        ("dog/1.png", ("dog",)),
    ]
    folder_of(classes, {"top.png": png(3)})
    assert [r.labels for r in records(read(classes))] == [("cat",), ("dog",), ()]
    assert notes(read(classes)) == [
        "The folders cat, dog are labels; without a label, outside of them: top.png."
    ]
    folder_of(classes, {"a.png": png(4), "deep/er/b.png": png(5)})
    assert {r.labels for r in records(read(classes))} == {()}
    assert notes(read(classes)) == [
        "The folders were not read as labels: no depth has most of the images "
        "(a.png, cat/1.png, deep/er/b.png)."
    ]
    one = folder_of(tmp_path / "o", {"dog/1.png": png(1)})
    assert records(read(one))[0].labels == ()


def test_folders_named_like_splits_are_splits_unless_others_lie_beside_them(tmp_path: Path) -> None:
    def places(*names: str) -> list[tuple[tuple[str, ...], object]]:
        folder = folder_of(tmp_path / str(len(names)), {name: png(1) for name in names})
        return [(r.labels, r.attributes.get("split")) for r in records(read(folder))]

    assert places("Train/1.png", "valid/2.png") == [((), "train"), ((), "val")]
    assert places("cat/test/1.png", "cat/train/2.png", "dog/train/3.png") == [
        (("cat",), "test"),
        (("cat",), "train"),
        (("dog",), "train"),
    ]
    assert places("bus/1.png", "car/2.png", "train/3.png", "train/4.png") == [
        (("bus",), None),
        (("car",), None),
        (("train",), None),
        (("train",), None),
    ]


def test_sidecar_texts_are_captions_line_by_line(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "s",
        {
            "a.png": png(1),
            "a.txt": "caption\n\n second \r\n",
            "b.png": png(2),
            "README.txt": "no image",
            "c.png": png(3),
            "c.txt": "0 0.5 0.5 1e-2 0.25\n",
            "d.png": png(4),
            "d.caption": "another ending",
            "b.txt": b"good\n\xff\xfe\xfa\n",
        },
    )
    source = read(folder)
    assert [r.captions for r in records(source)] == [
        ("caption", "second"),
        ("good",),
        (),
        ("another ending",),
    ]
    reason = "a text in it is not valid UTF-8; save the file as UTF-8"
    assert rejected(source) == {"b.txt line 2": reason}


def test_images_that_cannot_be_decoded_are_still_yielded_by_name(tmp_path: Path) -> None:
    bad = {
        "bomb.png": png_bomb(),
        "empty.jpg": b"",
        "half.png": half(png()),
        "old.heic": bytes(40),
        "text.png": b"hello, I am a text",
    }
    source = read(zip_of(tmp_path / "bad.zip", {**bad, "good.png": png()}))
    reasons = {}
    for record in records(source):
        assert record.read is not None
        try:
            decode(record.read(), record.name)
        except UnreadableFile as error:
            reasons[error.name] = error.reason
    assert sorted(reasons) == sorted(bad)
