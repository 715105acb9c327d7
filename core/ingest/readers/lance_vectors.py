"""Vectors in Lance tables, as of LanceDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.files import Folder
from core.ingest.readers.parquet_vectors import fields_of
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.vector_tables import (
    Block,
    VectorForm,
    VectorTable,
    columns_of,
    common_length,
    vector_columns,
)

_ROWS = 1024


def lance_table(place: Path) -> Path | None:
    """The Lance table at a path: NAME.lance, or the only one in a folder, as LanceDB's are."""
    tables = [place] if place.suffix == ".lance" else sorted(place.glob("*.lance"))
    tables = [table for table in tables if (table / "_versions").is_dir()]
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise UnreadableFile(place.name, f"it has several tables ({names}). Ingest one by its path")
    return tables[0] if tables else None


def _recognizes(place: Path, options: ReadOptions) -> bool:
    from core.store import lance_schema

    found = lance_table(place) if place.is_dir() else None
    schema = lance_schema(found) if found else None
    return schema is not None and bool(vector_columns(schema, options))


def _table(place: Path, options: ReadOptions) -> VectorTable:
    from core.store import lance_count, lance_schema, read_lance

    found = lance_table(place)
    schema = lance_schema(found) if found else None
    if found is None or schema is None:
        raise UnreadableFile(place.name, "it has no Lance table")
    columns = columns_of(found.name, schema, options)
    vectors = list(columns.vectors)
    fields = [c for c in columns.roles if c not in columns.vectors]

    def batches(names: list[str]) -> Iterator[Any]:
        for table in read_lance(found, _ROWS, names):
            yield from table.combine_chunks().to_batches()

    def blocks() -> Iterator[Block]:
        for batch in batches(list(columns.roles)):
            lists = {c: batch.column(c) for c in vectors}
            yield lists, fields_of(batch.select(fields), found.name)

    d = getattr(schema.field(vectors[0]).type, "list_size", 0) or common_length(
        batch.column(c) for batch in batches(vectors) for c in vectors
    )
    return VectorTable(
        found.name, Folder(found.parent), lance_count(found), d, columns.vectors, columns.roles,
        blocks, columns.left_aside, columns.notes,
    )  # fmt: skip


LANCE_VECTORS = VectorForm(
    name="lance-vectors",
    title="Vectors in Lance, as of LanceDB",
    recognized="A folder NAME.lance, or one that has a single such folder.",
    taken="As of vectors in Parquet.",
    example="photos.lance: vector: fixed_size_list<float>[512], image_uri: string, text: string",
    recognizes=_recognizes,
    table=_table,
)
