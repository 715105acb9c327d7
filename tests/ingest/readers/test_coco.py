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
