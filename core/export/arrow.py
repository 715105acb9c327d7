"""Rows as Arrow tables, and back: what Parquet, Lance and CSV share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from core.export.contents import Row
from core.export.manifest import KEY, Manifest
from core.export.records import fields, row_of
from core.types import Floats

TYPES: Mapping[str, pa.DataType] = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "list": pa.list_(pa.string()),
    "lists": pa.list_(pa.list_(pa.string())),
    "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
}


def schema(manifest: Manifest) -> pa.Schema:
    """The columns with their types, and the manifest as metadata."""
    fields = [pa.field(c.name, TYPES[c.type]) for c in manifest.plain]
    for column, passport in zip(manifest.vectors, manifest.passports, strict=True):
        fields.append(pa.field(column.name, pa.list_(pa.float32(), passport.d)))
    return pa.schema(fields, metadata={KEY: manifest.to_json()})


def manifest_of(schema: pa.Schema) -> Manifest | None:
    """The manifest in a schema, if it has one and all of its columns."""
    manifest = Manifest.from_json((schema.metadata or {}).get(KEY.encode(), b""))
    if manifest and {c.name for c in manifest.columns} <= set(schema.names):
        return manifest
    return None


def batch(rows: Sequence[Row], manifest: Manifest) -> pa.RecordBatch:
    """Rows as a batch of the manifest's columns."""
    of = schema(manifest)
    records = [fields(row, manifest) for row in rows]
    columns = [pa.array([r.get(c.name) for r in records], of.field(c.name).type)
               for c in manifest.plain]  # fmt: skip
    for at, passport in enumerate(manifest.passports):
        columns.append(_vectors([row.vectors[at] for row in rows], passport.d))
    return pa.RecordBatch.from_arrays(columns, schema=of)


def rows(table: pa.RecordBatch | pa.Table, manifest: Manifest) -> list[Row]:
    """The inverse of `batch`."""
    names = [column.name for column in manifest.plain]
    records = table.select(names).to_pylist()
    vectors = [_unpacked(table.column(column.name)) for column in manifest.vectors]
    return [
        row_of(record, manifest, vectors=tuple(v[at] for v in vectors))
        for at, record in enumerate(records)
    ]


def _vectors(rows: Sequence[Floats | None], d: int) -> pa.Array:
    known = [row for row in rows if row is not None]
    flat = np.concatenate(known) if known else np.empty(0, np.float32)
    packed = pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), d)
    places = iter(range(len(known)))
    return packed.take(
        pa.array([None if row is None else next(places) for row in rows], pa.int64())
    )


def _unpacked(column: Any) -> list[Floats | None]:
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    d = column.type.list_size
    known = column.drop_null()
    matrix = iter(known.flatten().to_numpy(zero_copy_only=False).reshape(-1, d))
    return [next(matrix) if valid else None for valid in column.is_valid().to_pylist()]
