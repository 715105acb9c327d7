"""A JSON object that belongs to one image: its fields as captions, labels and attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.rows import Row, kind_of, roles, row_of

# What img2dataset says of a download.
_ABOUT_DOWNLOADS = frozenset({"key", "status", "error_message", "exif"})


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
    if isinstance(taken := document.get("photoTakenTime"), Mapping):
        return _takeout(document, taken)
    return document


def _labelme(shapes: list[object]) -> Mapping[str, object]:
    """The classes of LabelMe's shapes; its file repeats the image and has no other fields."""
    labels = (shape.get("label") for shape in shapes if isinstance(shape, Mapping))
    return {"labels": list(dict.fromkeys(filter(None, labels)))}


def _takeout(document: Mapping[str, object], taken: Mapping[str, object]) -> Mapping[str, object]:
    """Description and time of a photo in Google Takeout; its title is the name of the file."""
    return {"caption": document.get("description") or None, "taken": taken.get("formatted")}


def field_roles(fields: Mapping[str, object], options: ReadOptions) -> dict[str, str]:
    """The roles of the fields. The image is the file beside, whatever the fields say."""
    dropped = about_downloads(fields)
    known = roles(["image", *(c for c in fields if c not in dropped)], options)
    return {c: role for c, role in known.items() if role != "image" and c in fields}


def about_downloads(columns: Iterable[str]) -> frozenset[str]:
    """The columns that say of a download by img2dataset how it went; none of other columns.

    >>> sorted(about_downloads(["key", "status", "error_message", "url", "width"]))
    ['error_message', 'exif', 'key', 'status']
    """
    return _ABOUT_DOWNLOADS if {"key", "status", "error_message"} <= set(columns) else frozenset()


def row_beside(tree: Tree, name: str, options: ReadOptions) -> Row:
    """The fields in a file beside an image as a row.

    Raises:
        UnreadableFile: they cannot be read.
    """
    fields = fields_of(tree, name)
    known = field_roles(fields, options)
    return row_of(name, {**{c: fields[c] for c in known}, "": name}, {**known, "": "image"})
