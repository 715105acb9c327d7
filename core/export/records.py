"""Rows as values by column, and back; what every form writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.export.contents import Row
from core.export.manifest import FIXED, Manifest
from core.types import Floats, Item, Kind


def fields(row: Row, manifest: Manifest) -> dict[str, Any]:
    """A row's values by column, without vectors; absent ones are left out."""
    item, image = row.item, row.item.kind == "image"
    path = item.source or None
    fixed: dict[str, Any] = {
        "id": item.id,
        "kind": item.kind,
        "name": item.name,
        "image": {"bytes": item.payload or None, "path": path} if image else None,
        "text": None if image else item.text,
        "labels": list(item.labels),
        "captions": list(row.captions) if image else None,
        "tags": list(row.tags),
        "pairs": list(row.pairs) if image else None,
        "pair_tags": [list(tags) for tags in row.pair_tags] or None,
    }
    values: dict[str, Any] = {}
    for column in manifest.plain:
        if column.role == "attribute":
            value = item.attributes.get(column.of)
            value = value if type(value).__name__ == column.type else None
        else:
            source = row.scores if column.role == "score" else fixed
            value = source.get(column.name)
        if value is not None:
            values[column.name] = value
    return values


def row_of(
    values: Mapping[str, Any],
    manifest: Manifest,
    *,
    payload: bytes = b"",
    vectors: tuple[Floats | None, ...] = (),
) -> Row:
    """The inverse of `fields`.

    Args:
        values: by column; the image is an object with `bytes` and `path`, or a path.
        manifest: what the columns mean.
        payload: an image's bytes that lie elsewhere.
        vectors: of each encoder.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, or of another type.
    """
    fixed = {name: values.get(name) for name in FIXED}
    if fixed["kind"] not in ("image", "text") or not fixed["id"]:
        raise ValueError("no id, or no kind")
    kind: Kind = "image" if fixed["kind"] == "image" else "text"
    image = fixed.get("image") or {}
    image = image if isinstance(image, Mapping) else {"path": str(image)}
    data = str(fixed["text"] or "").encode() if kind == "text" else image.get("bytes") or payload
    attributes = {
        c.of: values[c.name]
        for c in manifest.columns
        if c.role == "attribute" and values.get(c.name) is not None
    }
    labels, name = _texts(fixed["labels"]), str(fixed["name"] or "")
    source = str(image.get("path") or "")
    return Row(
        Item(kind, data, name, source, labels, attributes, str(fixed["id"])),
        _texts(fixed["pairs"]),
        _texts(fixed["captions"]),
        _texts(fixed["tags"]),
        tuple(_texts(tags) for tags in fixed["pair_tags"] or ()),
        {},
        vectors,
    )


def _texts(values: Iterable[object] | None) -> tuple[str, ...]:
    return tuple(map(str, values or ()))
