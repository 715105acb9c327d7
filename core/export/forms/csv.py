"""CSV: one row per item; vectors and images that have no file lie beside it.

Lists are JSON in a cell. A text or a column's name that a spreadsheet would run as a formula gets
an apostrophe; what is empty and quoted is an empty text, unquoted nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from core.errors import UnreadableFile
from core.export import arrow
from core.export.beside import Beside, manifest_of, vectors_of, with_vectors
from core.export.contents import Contents, Row
from core.export.manifest import Column, Manifest
from core.export.records import fields, row_of

SUFFIX = ".csv"
ABOUT = "One row per item, for spreadsheets; vectors in a .npy file beside it"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_LISTS = ("list", "lists")


def write(contents: Contents, place: Path) -> None:
    """Write batch by batch."""
    manifest = contents.manifest
    schema = _schema(manifest)
    with Beside(contents, place) as beside, csv.CSVWriter(place, schema) as writer:
        for rows in contents.batches("copies"):
            records = [fields(row, manifest) for row in beside.add(rows)]
            columns = [
                pa.array([_cell(r.get(c.name), c) for r in records], schema.field(at).type)
                for at, c in enumerate(manifest.plain)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def manifest(place: Path) -> Manifest | None:
    """From the file beside it."""
    return manifest_of(place) if place.suffix.lower() == SUFFIX and place.is_file() else None


def read(place: Path, manifest: Manifest) -> Iterator[list[Row]]:
    """Read block by block."""
    rows = with_vectors(_rows(place, manifest), vectors_of(place, manifest))
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == 512:
            yield batch
            batch = []
    yield batch


def safe(text: str) -> str:
    """A text that no spreadsheet runs as a formula; `unsafe` is the inverse.

    >>> [safe(text) for text in ("=1+1", "a=1", "'tis")], unsafe(safe("-2"))
    (["'=1+1", 'a=1', "'tis"], '-2')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unsafe(text: str) -> str:
    """The inverse of `safe`."""
    return text[1:] if _ESCAPED.match(text) else text


def _rows(place: Path, manifest: Manifest) -> Iterator[Row]:
    schema = _schema(manifest)
    options = csv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False,
        null_values=[""], include_columns=schema.names, true_values=["true"],
        false_values=["false"],
    )  # fmt: skip
    lines = csv.ParseOptions(newlines_in_values=True)
    # One thread and one block at a time: a row must fit into a block.
    blocks = csv.ReadOptions(use_threads=False, block_size=2**25)
    at = 0
    try:
        with csv.open_csv(place, blocks, lines, options) as reader:
            for block in reader:
                for record in block.to_pylist():
                    at += 1
                    values = {c.name: _value(record[safe(c.name)], c) for c in manifest.plain}
                    yield row_of(values, manifest)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        name = f"{place.name}, after row {at}"
        raise UnreadableFile(name, "it is not as Sextant exports it") from error


def _schema(manifest: Manifest) -> pa.Schema:
    text = (*_LISTS, "image", "str")
    return pa.schema(
        [
            (safe(c.name), pa.string() if c.type in text else arrow.TYPES[c.type])
            for c in manifest.plain
        ]
    )


def _cell(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.type in _LISTS:
        return json.dumps(value, ensure_ascii=False) if value else None
    if column.type == "image":
        value = value["path"]
    return safe(value) if isinstance(value, str) else value


def _value(value: Any, column: Column) -> Any:
    if isinstance(value, str):
        return json.loads(value) if column.type in _LISTS else unsafe(value)
    return value
