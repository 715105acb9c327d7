"""COCO's JSON: images and annotations in two lists, joined by the id of the image."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from posixpath import join
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.rows import EXPECTED, meanings, rejected, row_of
from core.ingest.readers.tables import Rows, json_rows
from core.types import Rejected


def coco(name: str, data: bytes) -> Rows:
    """Captions and labels (from object annotations) of each image.

    A JSON list of objects is read like JSON lines, and so is Karpathy's list of images with their
    sentences (dataset_coco.json, dataset_flickr30k.json).
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(name, "it is not JSON, or it is truncated") from error
    if isinstance(document, list):
        return json_rows(name, document)
    try:
        if "annotations" not in document:
            return _with_sentences(name, document["images"])
        return _joined(name, document)
    except (KeyError, TypeError, AttributeError) as error:
        reason = "it is neither COCO captions (images, annotations) nor a list of objects"
        raise UnreadableFile(name, f"{reason}. {EXPECTED}") from error


def _joined(name: str, document: dict[str, list[dict[str, object]]]) -> Rows:
    names = {c["id"]: c["name"] for c in document.get("categories", [])}
    captions: dict[object, list[object]] = {image["id"]: [] for image in document["images"]}
    labels: dict[object, list[object]] = {image["id"]: [] for image in document["images"]}
    rows: Rows = []
    for at, annotation in enumerate(document["annotations"], 1):
        image_id = annotation["image_id"]
        if image_id not in captions:
            reason = f"its image {image_id} is not listed"
            rows.append(Rejected(f"{name} annotation {at}", reason))
        elif "caption" in annotation:
            captions[image_id].append(annotation["caption"])
        elif annotation.get("category_id") in names:
            labels[image_id].append(names[annotation["category_id"]])
    for image in document["images"]:
        key = image["id"]
        rest = {k: v for k, v in image.items() if k not in ("file_name", "caption", "label")}
        fields = {"image": image["file_name"], "captions": captions[key], "labels": labels[key]}
        try:
            rows.append(row_of(f"{name} image {key}", {**rest, **fields}, meanings(fields)))
        except UnreadableFile as error:
            rows.append(rejected(error))
    return rows


def _with_sentences(name: str, images: list[dict[str, Any]]) -> Rows:
    own = ("filename", "filepath", "sentences", "sentids", "imgid")
    return json_rows(
        name,
        [
            {
                "image": join(image.get("filepath") or "", image["filename"]),
                "captions": [sentence["raw"] for sentence in image["sentences"]],
                **{k: v for k, v in image.items() if k not in own},
            }
            for image in images
        ],
    )


def image_folders(stem: str) -> tuple[str, ...]:
    """Folders that may contain the images of such a file, relative to its own folder.

    >>> image_folders("captions_val2017")
    ('', 'images/', 'Images/', 'val2017/', 'images/val2017/', 'captions_val2017/')
    """
    split = stem.rpartition("_")[2]
    folders = ("", "images/", "Images/", f"{split}/", f"images/{split}/", f"{stem}/")
    return tuple(dict.fromkeys(folders))


def folders_around(file: str) -> tuple[str, ...]:
    """The same relative to the top of the file's tree: first below the file, then beside it."""
    path = PurePosixPath(file)
    bases = (
        [path.parent] if path.parent == path.parent.parent else [path.parent, path.parent.parent]
    )
    folders = (
        f"{base.as_posix()}/{folder}".removeprefix("./")
        for base in bases
        for folder in image_folders(path.stem)
    )
    return tuple(dict.fromkeys(folders))
