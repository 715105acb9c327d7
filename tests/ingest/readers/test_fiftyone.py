"""Exports of FiftyOne, as its FiftyOneDataset and image datasets write them."""

import json
from pathlib import Path

from core.ingest.readers.detect import read
from core.ingest.readers.records import Aside, ReadOptions
from tests.fixtures.files import folder_of, png
from tests.fixtures.sources import records

SAMPLE = {
    "_id": {"$oid": "64c2"},
    "filepath": "data/1.png",
    "tags": ["validation", "night"],
    "metadata": {"_cls": "ImageMetadata", "size_bytes": 9, "width": 5, "height": 6},
    "_media_type": "image",
    "_rand": 0.3,
    "created_at": {"$date": 1},
    "ground_truth": {
        "_cls": "Detections",
        "detections": [{"_cls": "Detection", "label": name} for name in ("bird", "cat", "bird")],
    },
    "model": {"_cls": "Classification", "label": "dog", "confidence": 0.9},
    "uniqueness": 0.8,
    "embedding": {"$binary": {"base64": "AA", "subType": "00"}},
}


def test_samples_have_one_field_of_labels_and_the_others_are_said(tmp_path: Path) -> None:
    files = {"samples.json": json.dumps({"samples": [SAMPLE]}), "data/1.png": png(1)}
    files["metadata.json"] = json.dumps({"name": "set", "media_type": "image"})
    folder = folder_of(tmp_path / "f", files)
    source = read(folder)
    (record,) = records(source)
    assert (record.name, record.labels) == ("data/1.png", ("bird", "cat"))
    rest = {"width": 5, "height": 6, "uniqueness": 0.8, "model": '["dog"]'}
    assert record.attributes == {"split": "val", "tags": "night", **rest}
    assert source.reading.form == "fiftyone"
    model = Aside("model", "another field is the label", "--label-column model")
    assert model in source.reading.left_aside
    names = {aside.name for aside in source.reading.left_aside}
    assert names == {"model", "embedding", "metadata.json"}
    asked = read(folder / "samples.json", None, ReadOptions(label_column="model"))
    assert [one.labels for one in records(asked)] == [("dog",)]


def test_labels_of_image_datasets(tmp_path: Path) -> None:
    classes = ["cat", "dog"]
    images = {"data/a.png": png(1), "data/b.png": png(2)}
    for kind, labels in {
        "classification": {"a": 1, "b": None},
        "objects": {"a": {"label": "dog", "confidence": 0.5}, "b": None},
        "detection": {"a": [{"label": 1, "bounding_box": [0, 0, 1, 1]}], "b": []},
    }.items():
        document = json.dumps({"classes": classes, "labels": labels})
        folder = folder_of(tmp_path / kind, {**images, "labels.json": document})
        found = {record.name: record.labels for record in records(read(folder))}
        assert found == {"data/a.png": ("dog",), "data/b.png": ()}
