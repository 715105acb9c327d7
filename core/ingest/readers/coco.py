"""JSON documents: COCO, Karpathy's splits, and lists of objects; FiftyOne is in `fiftyone.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from posixpath import join
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree
from core.ingest.readers.forms import Table, TableForm
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.tables import Fields, collect, data_of


def document_of(tree: Tree, file: str) -> Any:
    """A JSON document of a tree; JSON lines, as some write them into a .json, are a list."""
    data = data_of(tree, file)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        if (objects := _objects_of_lines(data)) is None:
            raise UnreadableFile(file, "it is not JSON, or it is truncated") from error
        return objects


def _objects_of_lines(data: bytes) -> list[object] | None:
    """The objects of JSON lines; None where a line is none."""
    try:
        objects = [json.loads(line) for line in data.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None
    return objects if len(objects) > 1 and all(isinstance(o, dict) for o in objects) else None


def _coco(name: str, document: Mapping[str, Any], options: ReadOptions) -> Table:
    """Captions and labels (from object annotations) of each image; ids may be texts."""
    try:
        return _joined(name, document)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableFile(
            name, "it is not COCO's: a field is missing or of a wrong type"
        ) from error


def _joined(name: str, document: Mapping[str, Any]) -> Table:
    categories = {str(c["id"]): c["name"] for c in document.get("categories", [])}
    captions: dict[str, list[object]] = {str(image["id"]): [] for image in document["images"]}
    labels: dict[str, list[object]] = {key: [] for key in captions}
    unlisted = []
    for at, annotation in enumerate(document["annotations"], 1):
        key = str(annotation["image_id"])
        if key not in captions:
            place = f"{name} annotation {at}"
            unlisted.append((place, UnreadableFile(place, f"its image {key} is not listed")))
        elif "caption" in annotation:
            captions[key].append(annotation["caption"])
        elif (category := str(annotation.get("category_id"))) in categories:
            labels[key].append(categories[category])
    entries: list[Fields] = list(unlisted)
    for image in document["images"]:
        key = str(image["id"])
        rest = {k: v for k, v in image.items() if k not in ("file_name", *_OWN)}
        own = {"captions": captions[key], "labels": labels[key]}
        filled = {field: values for field, values in own.items() if values}
        entries.append((f"{name} image {key}", {"image": image["file_name"], **filled, **rest}))
    return collect(name, entries)


def _karpathy(name: str, document: Mapping[str, Any], options: ReadOptions) -> Table:
    own = ("filename", "filepath", "sentences", "sentids", "imgid", *_OWN)
    entries: list[Fields] = []
    for at, image in enumerate(document["images"], 1):
        place = f"{name} entry {at}"
        try:
            fields = {
                "image": join(image.get("filepath") or "", image["filename"]),
                "captions": [sentence["raw"] for sentence in image["sentences"]],
                **{k: v for k, v in image.items() if k not in own},
            }
        except (KeyError, TypeError, AttributeError):
            reason = "it lacks filename, or sentences with raw"
            entries.append((place, UnreadableFile(place, reason)))
        else:
            entries.append((place, fields))
    return collect(name, entries)


def _objects(name: str, document: Any, options: ReadOptions) -> Table:
    if isinstance(document, dict) and _by_image(document):
        entries = [(f"{name} image {image}", _fields(image, of)) for image, of in document.items()]
        return collect(name, entries, options)
    objects = document if isinstance(document, list) else _only_list(document)
    places = (f"{name} entry {at}" for at in range(1, len(objects) + 1))
    return collect(name, zip(places, objects, strict=True), options)


def _by_image(document: Mapping[str, object]) -> bool:
    """Whether the keys of an object are images."""
    return bool(document) and all(map(is_image, document))


def _fields(image: str, value: object) -> Mapping[str, object]:
    """What an object has by image: a caption, several, or an object with fields."""
    fields = value if isinstance(value, Mapping) else {"captions": value}
    return {"image": image, **fields}


def _only_list(document: object) -> list[object]:
    """The one list of objects in an object, such as {"data": [...]}; [] where there is none."""
    values = document.values() if isinstance(document, dict) else ()
    lists = [v for v in values if isinstance(v, list) and v and isinstance(v[0], dict)]
    return lists[0] if len(lists) == 1 else []


def _has(document: object, **types: type) -> bool:
    """Whether a document is an object with values of these types."""
    return isinstance(document, dict) and all(
        isinstance(document.get(key), kind) for key, kind in types.items()
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


# Fields of images that the form itself gives.
_OWN = ("image", "caption", "captions", "label", "labels")


COCO = TableForm(
    name="coco",
    title="COCO captions and instances",
    recognized=(
        "A JSON object with images and annotations. In a folder, the captions and instances of "
        "each split are read together, in annotations/ or at its top."
    ),
    taken="Captions; the category names of objects are labels; fields of images are attributes.",
    example=(
        '{"images": [{"id": 1, "file_name": "1.jpg"}],\n'
        ' "annotations": [{"image_id": 1, "caption": "A dog runs."}]}'
    ),
    suffixes=(".json",),
    load=document_of,
    recognizes=lambda name, document: _has(document, images=list, annotations=list),
    table=_coco,
)
KARPATHY = TableForm(
    name="karpathy",
    title="Karpathy's splits",
    recognized="A JSON object with images that have sentences (dataset_coco.json).",
    taken="The raw sentences are captions; split and all other fields are attributes.",
    example=(
        '{"images": [{"filename": "1.jpg", "split": "test",\n'
        '             "sentences": [{"raw": "A dog runs."}]}]}'
    ),
    suffixes=(".json",),
    load=document_of,
    recognizes=lambda name, document: _has(document, images=list) and "annotations" not in document,
    table=_karpathy,
)
OBJECTS = TableForm(
    name="json",
    title="JSON list, or JSON by image",
    recognized="A list of objects, an object with one such list, or an object by image.",
    taken="As JSON lines; by image, a text or a list of texts is its captions.",
    example='[{"image": "a.jpg", "caption": "A dog runs."}]\n{"a.jpg": ["A dog runs."]}',
    suffixes=(".json",),
    load=document_of,
    recognizes=lambda name, document: (
        isinstance(document, list)
        or bool(_only_list(document))
        or (isinstance(document, dict) and _by_image(document))
    ),
    table=_objects,
)
