"""Parquet: one file with everything; images without a file of their own are in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pyarrow import ArrowException, parquet

from core.export import arrow
from core.export.contents import Contents, Row
from core.export.manifest import Manifest

SUFFIX = ".parquet"
ABOUT = "One file for pandas, DuckDB or Hugging Face, with vectors"


def write(contents: Contents, place: Path) -> None:
    """One row group per batch."""
    with parquet.ParquetWriter(place, arrow.schema(contents.manifest)) as writer:
        for rows in contents.batches("copies"):
            writer.write_batch(arrow.batch(rows, contents.manifest))


def manifest(place: Path) -> Manifest | None:
    """From the file's metadata."""
    if place.suffix.lower() != SUFFIX or not place.is_file():
        return None
    try:
        return arrow.manifest_of(parquet.read_schema(place))
    except (ArrowException, OSError):
        return None


def read(place: Path, manifest: Manifest) -> Iterator[list[Row]]:
    """Row group by row group."""
    with parquet.ParquetFile(place) as file:
        for batch in file.iter_batches(512):
            yield arrow.rows(batch, manifest)
