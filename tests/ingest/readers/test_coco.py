"""COCO captions and objects, wherever their images are."""

import json
from pathlib import Path

import pytest

from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, png
from tests.fixtures.sources import records, rejected

COCO = {
    "images": [
        {"id": 1, "file_name": "1.jpg", "license": 3},
        {"id": 2, "file_name": "2.jpg", "license": 4},
    ],
    "annotations": [
        {"image_id": 2, "caption": "Two ."},
        {"image_id": 1, "caption": "One ."},
        {"image_id": 2, "caption": "Zwei"},
        {"image_id": 9, "caption": "Nobody"},
    ],
}


@pytest.mark.parametrize("json_at", ["captions_val2017.json", "annotations/captions_val2017.json"])
@pytest.mark.parametrize("where", ["", "val2017/", "images/", "images/val2017/"])
def test_coco_captions(tmp_path: Path, json_at: str, where: str) -> None:
    folder = folder_of(
        tmp_path / "coco",
        {json_at: json.dumps(COCO), f"{where}1.jpg": png(1), f"{where}2.jpg": png(2)},
    )
    for source in (read(folder), read(folder / json_at)):
        one, two = records(source)
        assert (one.name, one.captions, one.attributes) == (
            f"{where}1.jpg",
            ("One .",),
            {"id": 1, "license": 3},
        )
        assert two.captions == ("Two .", "Zwei")
        assert rejected(source) == {
            "captions_val2017.json annotation 4": "its image 9 is not listed"
        }


def test_coco_objects_become_labels(tmp_path: Path) -> None:
    document = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "annotations": [{"image_id": 1, "category_id": c} for c in (5, 6, 5)],
        "categories": [{"id": 5, "name": "dog"}, {"id": 6, "name": "cat"}],
    }
    folder = folder_of(tmp_path / "c", {"x.json": json.dumps(document), "1.jpg": png(1)})
    assert records(read(folder))[0].labels == ("dog", "cat")


def test_captions_and_objects_of_a_split_are_read_together(tmp_path: Path) -> None:
    images = [{"id": str(at), "file_name": f"{at}.png"} for at in (1, 2)]
    captions = [{"image_id": "1", "caption": "One ."}, {"image_id": "2", "caption": "Two ."}]
    objects = {
        "annotations": [{"image_id": 1, "category_id": 18}],  # ids are numbers here, texts there
        "categories": [{"id": 18, "name": "dog"}],
    }
    files: dict[str, bytes | str] = {
        f"annotations/{kind}_{split}2017.json": json.dumps({"images": images, **rest})
        for split in ("train", "val")
        for kind, rest in (("captions", {"annotations": captions}), ("instances", objects))
    }
    files["annotations/person_keypoints_val2017.json"] = files["annotations/captions_val2017.json"]
    for at in (1, 2):
        files[f"val2017/{at}.png"] = png(at)
    source = read(folder_of(tmp_path / "coco", files))
    assert [(r.captions, r.labels) for r in records(source)] == [
        (("One .",), ("dog",)),
        (("Two .",), ()),
    ]
    assert rejected(source) == {}
    aside = {one.name: one.reason for one in source.reading.left_aside}
    assert sorted(aside) == [
        "annotations/captions_train2017.json",
        "annotations/instances_train2017.json",
        "annotations/person_keypoints_val2017.json",
    ]
    missing = "there is no folder train2017 with its images"
    assert aside["annotations/captions_train2017.json"] == missing


def test_karpathys_splits(tmp_path: Path) -> None:
    def image(at: int, split: str) -> dict[str, object]:
        sentences = [{"tokens": [], "raw": f"Text {at} .", "imgid": at, "sentid": at}]
        name = {"filepath": "val2014", "filename": f"{at}.png"}
        return {**name, "imgid": at, "sentids": [at], "split": split, "sentences": sentences}

    images = [image(1, "test"), image(2, "restval"), {"filename": "3.png"}]
    files: dict[str, bytes | str] = {f"coco/val2014/{at}.png": png(at) for at in (1, 2)}
    files["dataset_coco.json"] = json.dumps({"images": images, "dataset": "coco"})
    source = read(folder_of(tmp_path / "k", files))
    assert source.reading.form == "karpathy"
    assert [(r.captions, r.attributes) for r in records(source)] == [
        (("Text 1 .",), {"split": "test"}),
        (("Text 2 .",), {"split": "restval"}),
    ]
    assert rejected(source) == {
        "dataset_coco.json entry 3": "it lacks filename, or sentences with raw"
    }


@pytest.mark.parametrize(
    "document",
    [
        '[{"image": "a.png", "captions": ["x", "y"]}]',
        '{"a.png": ["x", "y"]}',
        '{"a.png": {"captions": ["x", "y"]}}',
        '{"version": 1, "data": [{"image": "a.png", "captions": ["x", "y"]}]}',
        '{"image": "a.png", "caption": "x"}\n{"image": "a.png", "caption": "y"}\n',
    ],
)
def test_lists_and_objects_by_image(tmp_path: Path, document: str) -> None:
    folder = folder_of(tmp_path / "j", {"captions.json": document, "a.png": png(1)})
    for source in (read(folder), read(folder / "captions.json")):
        assert [(r.name, r.captions) for r in records(source)] == [("a.png", ("x", "y"))]
        assert source.reading.form == "json"
