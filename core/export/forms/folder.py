"""A folder: every image as a file, items.jsonl and the vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import core.export.forms.jsonl as lines
from core.export.contents import Contents, Row
from core.export.manifest import Manifest

SUFFIX = ""
ABOUT = "Every image as a file, with items.jsonl and the vectors"
TABLE = "items.jsonl"


def write(contents: Contents, place: Path) -> None:
    """The images and `items.jsonl`."""
    place.mkdir()
    lines.write(contents, place / TABLE, "all")


def manifest(place: Path) -> Manifest | None:
    """Of `items.jsonl` in it."""
    return lines.manifest(place / TABLE)


def read(place: Path, manifest: Manifest) -> Iterator[list[Row]]:
    """As `items.jsonl` is."""
    return lines.read(place / TABLE, manifest)
