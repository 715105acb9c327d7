"""Lance: one table with everything, for LanceDB and Lance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.export import arrow
from core.export.contents import Contents, Row
from core.export.manifest import Manifest
from core.store import lance_schema, read_lance, write_lance

SUFFIX = ".lance"
ABOUT = "One table for LanceDB, with vectors"


def write(contents: Contents, place: Path) -> None:
    """A new table; Lance takes no dots in the names of columns."""
    manifest = contents.manifest.with_simple_names()
    batches = (arrow.batch(rows, manifest) for rows in contents.batches("copies"))
    write_lance(place, arrow.schema(manifest), batches)


def manifest(place: Path) -> Manifest | None:
    """From the table's metadata."""
    if place.suffix.lower() != SUFFIX or not place.is_dir():
        return None
    schema = lance_schema(place)
    return arrow.manifest_of(schema) if schema is not None else None


def read(place: Path, manifest: Manifest) -> Iterator[list[Row]]:
    """Batch by batch."""
    for table in read_lance(place, 512):
        yield arrow.rows(table, manifest)
