"""Tables to rows: JSON lines, Parquet, and lines of captions; CSV is in `delimited.py`.

Every reader takes a name and the file's bytes, and returns rows and rejected entries in the file's
order. A bad line never stops the rest; UnreadableFile means that the whole file is no such table.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.records import Note
from core.ingest.readers.rows import (
    EXPECTED,
    Row,
    caption,
    fits,
    kind_of,
    meanings,
    rejected,
    row_of,
)  # fmt: skip
from core.types import Rejected

Rows = list[Row | Rejected | Note]
_SINGULAR = {"image": "image", "captions": "caption", "labels": "label"}
NOT_PARQUET = "it is not a Parquet file, or it is damaged"


def json_lines(name: str, data: bytes) -> Rows:
    """One JSON object per line."""
    data = data.removeprefix(codecs.BOM_UTF8)
    numbered = enumerate(io.BytesIO(data), 1)
    lines = ((f"{name} line {at}", line) for at, line in numbered if line.strip())
    return collect(name, ((place, _parsed(place, line)) for place, line in lines))


def json_rows(name: str, objects: Iterable[object]) -> Rows:
    """The objects of one JSON list."""
    return collect(name, ((f"{name} entry {at}", one) for at, one in enumerate(objects, 1)))


def parquet(name: str, data: bytes) -> Rows:
    """One record per row, columns typed by the file, images as paths or as bytes."""
    from pyarrow import ArrowException, BufferReader
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(BufferReader(data))
        schema = file.schema_arrow
        if "vector" in schema.names:
            raise UnreadableFile(name, "it has a column vector; ingest it by its own path")
        must_fit(name, schema.names)
        known = meanings(schema.names)
        ignored = [f.name for f in schema if f.name not in known and has_bytes(f.type)]
        columns = [column for column in schema.names if column not in ignored]
        rows = [r for batch in file.iter_batches(columns=columns) for r in batch.to_pylist()]
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise UnreadableFile(name, NOT_PARQUET) from error
    for column, names in _class_names(schema.metadata or {}).items():
        for row in rows:
            value = row.get(column)
            if isinstance(value, int):
                row[column] = names[value] if 0 <= value < len(names) else None
    notes = [Note(f"{name}: column '{column}' was ignored: it has bytes.") for column in ignored]
    return [*notes, *collect(name, ((f"{name} row {at}", row) for at, row in enumerate(rows, 1)))]


def has_bytes(kind: Any) -> bool:
    """Whether values of an Arrow type are bytes, or contain some."""
    from pyarrow import types

    if types.is_struct(kind):
        return any(has_bytes(field.type) for field in kind)
    if types.is_list(kind) or types.is_large_list(kind):
        return has_bytes(kind.value_type)
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names behind the integers of each column of classes, as Hugging Face stores them."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {
            column: list(map(str, feature["names"]))
            for column, feature in features.items()
            if feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def lines(name: str, data: bytes) -> Rows:
    """One caption per line; empty lines are skipped."""
    rows: Rows = []
    for at, line in enumerate(io.StringIO(as_text(data), newline=None), 1):
        if line.strip():
            place = f"{name} line {at}"
            try:
                rows.append(Row(place, "", (caption(place, line),), (), {}))
            except UnreadableFile as error:
                rows.append(rejected(error))
    return rows


def collect(name: str, entries: Iterable[tuple[str, object]]) -> Rows:
    """Read every entry; a table without a usable column is rejected as a whole."""
    entries = list(entries)
    columns = {
        column: None for _, entry in entries if isinstance(entry, Mapping) for column in entry
    }
    known = meanings(columns)
    rows: Rows = []
    for place, entry in entries:
        try:
            if isinstance(entry, UnreadableFile):
                raise entry
            if not isinstance(entry, Mapping):
                reason = f"it is {kind_of(entry)}, not an object with fields"
                raise UnreadableFile(place, reason)
            rows.append(row_of(place, entry, known))
        except UnreadableFile as error:
            rows.append(rejected(error))
    if columns:
        must_fit(name, columns)
        rows.append(_columns_read(name, columns, known))
    elif rows:
        first = "; ".join(
            f"{row.name}: {row.reason}" for row in rows[:1] if isinstance(row, Rejected)
        )
        raise UnreadableFile(name, f"none of its lines can be read ({first}). {EXPECTED}")
    return rows


def _columns_read(name: str, columns: Iterable[str], known: Mapping[str, str]) -> Note:
    """Which column was read as what."""
    rest = [column.strip() for column in columns if column not in known]
    parts = [f"'{c.strip()}' ({_SINGULAR[m]})" for c, m in known.items()]
    attributes = f"; attributes: {', '.join(rest)}" if rest else ""
    return Note(f"{name}: columns {', '.join(parts)}{attributes}.")


def with_split(rows: Rows, split: str) -> Rows:
    """The rows with an attribute `split`, where they have none of their own."""
    return [
        replace(row, attributes={"split": split, **row.attributes}) if isinstance(row, Row) else row
        for row in rows
    ]


def must_fit(name: str, columns: Iterable[str]) -> None:
    """Reject a table that has neither images nor texts."""
    columns = list(columns)
    if not fits(columns):
        names = ", ".join(columns[:8]) or "none"
        reason = f"none of its columns is an image or a caption (columns: {names})"
        raise UnreadableFile(name, f"{reason}. {EXPECTED}")


def _parsed(place: str, line: bytes) -> object:
    try:
        return json.loads(line.decode().strip())
    except UnicodeDecodeError:
        return UnreadableFile(place, "it is not valid UTF-8")
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        return UnreadableFile(place, f"it is not JSON ({what} at character {error.colno})")
    except (ValueError, RecursionError):
        return UnreadableFile(place, "its JSON is too large or too deeply nested")


def as_text(data: bytes) -> str:
    """Invalid UTF-8 becomes lone surrogates, so that only its own row is rejected."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape")
