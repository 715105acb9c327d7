"""COCO's JSON: pictures and annotations in two lists that are joined by the picture's id."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from core.errors import UnreadableFile
from core.ingest.readers.rows import EXPECTED, refusal, row_of
from core.ingest.readers.tables import Rows, json_rows


def coco(name: str, data: bytes) -> Rows:
    """Captions of each picture; object annotations become its labels, most frequent use first.

    A JSON list of objects is read too, as if each object were a line of JSON lines.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(name, "it is not JSON, or it is cut short") from error
    if isinstance(document, list):
        return json_rows(name, document)
    try:
        return _joined(name, document)
    except (KeyError, TypeError, AttributeError) as error:
        reason = "it is neither COCO captions (images, annotations) nor a list of objects"
        raise UnreadableFile(name, f"{reason}. {EXPECTED}") from error


def _joined(name: str, document: dict[str, list[dict[str, object]]]) -> Rows:
    names = {c["id"]: c["name"] for c in document.get("categories", [])}
    captions: dict[object, list[object]] = {image["id"]: [] for image in document["images"]}
    labels: dict[object, list[object]] = {image["id"]: [] for image in document["images"]}
    rows: Rows = []
    for at, note in enumerate(document["annotations"], 1):
        if note["image_id"] not in captions:
            reason = f"it belongs to picture {note['image_id']}, which is not listed"
            rows.append(refusal(UnreadableFile(f"{name} annotation {at}", reason)))
        elif "caption" in note:
            captions[note["image_id"]].append(note["caption"])
        elif note.get("category_id") in names:
            labels[note["image_id"]].append(names[note["category_id"]])
    for image in document["images"]:
        key = image["id"]
        rest = {k: v for k, v in image.items() if k not in ("file_name", "caption", "label")}
        fields = {"image": image["file_name"], "captions": captions[key], "labels": labels[key]}
        try:
            rows.append(row_of(f"{name} picture {key}", {**rest, **fields}))
        except UnreadableFile as error:
            rows.append(refusal(error))
    return rows


def picture_folders(stem: str) -> tuple[str, ...]:
    """Where pictures of such a file may lie, seen from its own folder.

    >>> picture_folders("captions_val2017")
    ('', 'images/', 'Images/', 'val2017/', 'images/val2017/', 'captions_val2017/')
    """
    split = stem.rpartition("_")[2]
    places = ("", "images/", "Images/", f"{split}/", f"images/{split}/", f"{stem}/")
    return tuple(dict.fromkeys(places))


def folders_around(file: str) -> tuple[str, ...]:
    """The same, seen from the top of the tree that holds the file: below it, then beside it."""
    path = PurePosixPath(file)
    bases = (
        [path.parent] if path.parent == path.parent.parent else [path.parent, path.parent.parent]
    )
    found = (
        f"{base.as_posix()}/{place}".removeprefix("./")
        for base in bases
        for place in picture_folders(path.stem)
    )
    return tuple(dict.fromkeys(found))
