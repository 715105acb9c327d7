"""A JSON object that belongs to one image: its fields as captions, labels and attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.rows import Row, kind_of, roles, row_of

# What img2dataset says of a download.
_ABOUT_DOWNLOADS = ("key", "status", "error_message", "exif")


def fields_of(tree: Tree, name: str) -> Mapping[str, object]:
    """The object in a file; a list is one of captions.

    Raises:
        UnreadableFile: neither.
    """
    try:
        document = json.loads(tree.read(name))
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(name, "it is not JSON") from error
    if isinstance(document, list):
        return {"captions": document}
    if not isinstance(document, Mapping):
        raise UnreadableFile(name, f"it is {kind_of(document)}, not an object with fields")
    if isinstance(shapes := document.get("shapes"), list) and "imagePath" in document:
        return _labelme(shapes)
    return document


def _labelme(shapes: list[object]) -> Mapping[str, object]:
    """The classes of LabelMe's shapes; its file repeats the image and has no other fields."""
    labels = (shape.get("label") for shape in shapes if isinstance(shape, Mapping))
    return {"labels": list(dict.fromkeys(filter(None, labels)))}


def field_roles(fields: Mapping[str, object], options: ReadOptions) -> dict[str, str]:
    """The roles of the fields. The image is the file beside, whatever the fields say."""
    downloaded = {"key", "status"} <= fields.keys()
    kept = [c for c in fields if not (downloaded and c in _ABOUT_DOWNLOADS)]
    return {column: role for column, role in roles(kept, options).items() if role != "image"}


def row_beside(tree: Tree, name: str, options: ReadOptions) -> Row:
    """The fields in a file beside an image as a row.

    Raises:
        UnreadableFile: they cannot be read.
    """
    fields = fields_of(tree, name)
    known = field_roles(fields, options)
    return row_of(name, {**{c: fields[c] for c in known}, "": name}, {**known, "": "image"})
