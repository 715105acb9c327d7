"""Bring your own vectors: a Parquet table with a vector a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UnreadableFile
from core.ingest.brought import Brought
from core.ingest.folders import Folder
from core.ingest.sources import allowed
from core.ingest.units import common_length, unit_rows
from core.types import Floats, Item, Refusal

NEEDED = ("id", "kind", "vector")
_BATCH = 8192
_DAMAGED = "it is not a Parquet file, or it is damaged"


@dataclass(frozen=True)
class VectorIntake:
    """Items that came with vectors. Row i of `vectors` belongs to item i.

    `pairs` are ids of an image and a text. An image's payload is empty; its picture, when there is
    one, lies at its `source`.
    """

    items: tuple[Item, ...]
    vectors: Floats
    pairs: tuple[tuple[str, str], ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]


def is_vectors(path: str | Path) -> bool:
    """Whether a path is a Parquet file with a column `vector`."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    place = Path(path).expanduser()
    if place.suffix.lower() != ".parquet" or not place.is_file():
        return False
    try:
        return "vector" in read_schema(place).names
    except (ArrowException, OSError):
        return False


def read_vectors(path: str | Path, root: Path | None = None) -> VectorIntake:
    """Read a table of items with their vectors.

    Columns: `id`, `kind` (image or text), `vector` (a list of numbers); optional `pair` (a key that
    a picture shares with its texts), `text`, `image` (path from the file's folder), `label` or
    `labels`; all others are attributes.

    Args:
        path: the Parquet file.
        root: when given, nothing outside this folder is read.

    Raises:
        InputError: no such table, or no row of it can be used.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    place = allowed(path, root)
    try:
        file = ParquetFile(place)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(place.name, _DAMAGED) from error
    with file:
        return _read(file, place)


def _read(file: Any, place: Path) -> VectorIntake:
    schema, name = file.schema_arrow, place.name
    notes = _check_columns(name, schema)
    length = getattr(schema.field("vector").type, "list_size", 0) or common_length(
        batch.column(0) for batch in _batches(file, name, ["vector"])
    )
    if not (length and file.metadata.num_rows):
        raise UnreadableFile(name, "no row of it has a vector")
    brought = Brought(name, Folder(place.parent))
    vectors = np.empty((file.metadata.num_rows, length), np.float32)
    fields = [n for n in schema.names if n != "vector" and not _is_bytes(schema.field(n).type)]
    start = filled = scaled = 0
    for batch in _batches(file, name):
        units, rows, wrong, off = unit_rows(batch.column("vector"), length)
        taken = brought.add(start, _pylist(batch.select(fields), name), wrong)
        kept = np.isin(rows, taken, assume_unique=True)
        vectors[filled : filled + len(taken)] = units if kept.all() else units[kept]
        start, filled, scaled = start + len(batch), filled + len(taken), scaled + off
    if not filled:
        first = brought.refused[0]
        raise UnreadableFile(name, f"no row of it can be used ({first.name}: {first.reason})")
    if scaled:
        notes.append(f"{scaled:,} of {start:,} vectors were not of length 1 and were normalised.")
    notes += brought.notes()
    pairs = brought.pairs()
    items, refused = tuple(brought.items), tuple(brought.refused)
    return VectorIntake(items, vectors[:filled], pairs, refused, tuple(notes))


def _batches(file: Any, name: str, columns: list[str] | None = None) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        yield from file.iter_batches(_BATCH, columns=columns)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(name, _DAMAGED) from error


def _pylist(batch: Any, name: str) -> list[dict[str, Any]]:
    from pyarrow import ArrowException

    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ArrowException, ValueError, OverflowError) as error:
        reason = f"its fields cannot be read as text, numbers and dates ({error})"
        raise UnreadableFile(name, reason) from error
    return rows


def _check_columns(name: str, schema: Any) -> list[str]:
    """Refuse a table that cannot be read; note the columns that have no use."""
    from pyarrow import types

    useful = [column.name for column in schema if not _is_bytes(column.type)]
    if missing := [column for column in NEEDED if column not in useful]:
        reason = f"it has no column {' and no '.join(missing)}"
        raise UnreadableFile(name, f"{reason}; needed: id, kind (image or text) and vector")
    kind = schema.field("vector").type
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not lists or not (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)):
        raise UnreadableFile(name, f"its column vector is {kind}; a list of numbers is needed")
    return [
        f"The column '{column.name}' was left out: it holds bytes."
        for column in schema
        if _is_bytes(column.type)
    ]


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
