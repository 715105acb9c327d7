"""Files beside images: captions, fields, and what only looks like captions."""

import json
from pathlib import Path

from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, png
from tests.fixtures.sources import notes, records, rejected

TAKEOUT = {"title": "c.png", "description": "A walk", "photoTakenTime": {"formatted": "1 May"}}
LABELME = {"shapes": [{"label": "cup"}, {"label": "cup"}], "imagePath": "d.png", "imageData": "AA"}


def test_fields_and_captions_beside_images(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {f"{name}.png": png(at) for at, name in enumerate("abcde")}
    files |= {
        "a.caption": "the caption",
        "a.txt": "1girl, solo",
        "b.json": json.dumps({"caption": "B", "label": "x", "year": 2021}),
        "c.png.json": json.dumps(TAKEOUT),
        "d.json": json.dumps(LABELME),
        "e.json": "[1,",
    }
    source = read(folder_of(tmp_path / "s", files))
    assert [(r.captions, r.labels, r.attributes) for r in records(source)] == [
        (("the caption",), (), {}),
        (("B",), ("x",), {"year": 2021}),
        (("A walk",), (), {"taken": "1 May"}),
        ((), ("cup",), {}),
        ((), (), {}),
    ]
    assert rejected(source) == {"e.json": "it is not JSON"}
    assert [aside.name for aside in source.reading.left_aside] == ["a.txt"]


def test_boxes_are_no_captions(tmp_path: Path) -> None:
    boxes = {
        "yolo": "0 0.5 0.5 0.25 0.25\n1 0.1 0.2 0.1 0.1\n",
        "kitti": "Car 0.00 0 -1.57 599.41 156.40 629.75 189.25 2.85 2.63 12.34 0.47 1.49 69.44\n",
        "dota": "imagesource:GoogleEarth\n" + "1 2 3 4 5 6 7 8 plane 0\n" * 3,
        "icdar": "377,117,463,117,465,130,378,130,Genaxis\n",
    }
    for name, content in boxes.items():
        source = read(folder_of(tmp_path / name, {"a.png": png(1), "a.txt": content}))
        assert [r.captions for r in records(source)] == [()], name
        assert [aside.name for aside in source.reading.left_aside] == ["a.txt"], name
    mixed = {"a.png": png(1), "a.txt": "A dog .", "b.png": png(2), "b.txt": boxes["yolo"]}
    source = read(folder_of(tmp_path / "mixed", mixed))
    assert [r.captions for r in records(source)] == [("A dog .",), ()]
    assert "1 text file beside images" in notes(source)[0]


def test_a_table_has_the_first_word(tmp_path: Path) -> None:
    files = {"t.csv": "image,label\na.png,x\n", "a.png": png(1), "a.txt": "from the file"}
    (record,) = records(read(folder_of(tmp_path / "t", files)))
    assert (record.labels, record.captions) == (("x",), ("from the file",))
    files["t.csv"] = "image,caption\na.png,from the table\n"
    (record,) = records(read(folder_of(tmp_path / "t", files)))
    assert record.captions == ("from the table",)
