"""JSON lines: one object per item; vectors and images that have no file lie beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from core.errors import UnreadableFile
from core.export.beside import Beside, manifest_of, vectors_of, with_vectors
from core.export.contents import Contents, Pixels, Row
from core.export.manifest import Manifest
from core.export.records import fields, row_of

SUFFIX = ".jsonl"
ABOUT = "One JSON object per line; vectors in a .npy file beside it"


def write(contents: Contents, place: Path, pixels: Pixels = "copies") -> None:
    """Write line by line."""
    manifest = contents.manifest
    with Beside(contents, place) as beside, place.open("w", encoding="utf-8", newline="\n") as file:
        for rows in contents.batches(pixels):
            for row in beside.add(rows):
                values = fields(row, manifest)
                if isinstance(image := values.get("image"), dict):
                    values["image"] = image["path"]
                file.write(json.dumps(values, ensure_ascii=False) + "\n")


def manifest(place: Path) -> Manifest | None:
    """From the file beside it."""
    return manifest_of(place) if place.suffix.lower() == SUFFIX and place.is_file() else None


def read(place: Path, manifest: Manifest) -> Iterator[list[Row]]:
    """Read line by line."""
    rows = with_vectors(_rows(place, manifest), vectors_of(place, manifest))
    while batch := list(islice(rows, 512)):
        yield batch


def _rows(place: Path, manifest: Manifest) -> Iterator[Row]:
    with place.open(encoding="utf-8", newline="\n") as file:
        for at, line in enumerate(file, 1):
            try:
                yield row_of(json.loads(line), manifest)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                name = f"{place.name} line {at}"
                raise UnreadableFile(name, "it is not as Sextant exports it") from error
