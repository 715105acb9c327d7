"""Lance tables, as of LanceDB: with ready-made vectors, or of images and texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.files import Folder, Tree
from core.ingest.readers.forms import SourceForm, Table
from core.ingest.readers.join import each_row
from core.ingest.readers.parquet import has_bytes
from core.ingest.readers.parquet_vectors import fields_of
from core.ingest.readers.records import Aside, Entry, Reading, ReadOptions, Source
from core.ingest.readers.rows import must_fit, roles
from core.ingest.readers.tables import doubtful, rows_of
from core.ingest.readers.vector_columns import vector_columns
from core.ingest.readers.vector_tables import (
    Block,
    VectorForm,
    VectorTable,
    columns_of,
    common_length,
    one_length,
)

_ROWS = 1024
_IMAGES = 64  # rows with images in memory


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
    return schema is not None and bool(options.vector_column or vector_columns(schema))


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

    lengths = {c: getattr(schema.field(c).type, "list_size", 0) for c in vectors}
    fixed = {column: length for column, length in lengths.items() if length}
    d = (
        one_length(found.name, fixed)
        if fixed
        else common_length(batch.column(c) for batch in batches(vectors) for c in vectors)
    )
    return VectorTable(
        found.name, Folder(found.parent), lance_count(found), d, columns.vectors, columns.roles,
        blocks, columns.left_aside, columns.notes,
    )  # fmt: skip


def _is_lance(tree: Tree, file: str) -> bool:
    return not file and isinstance(tree, Folder) and lance_table(tree.root) is not None


def _source(tree: Tree, file: str, options: ReadOptions) -> Source:
    """The rows of a table without vectors, one by one."""
    from core.store import lance_count, lance_schema, read_lance

    found = lance_table(tree.root) if isinstance(tree, Folder) else None
    schema = lance_schema(found) if found else None
    if found is None or schema is None:
        raise UnreadableFile(tree.name, "it has no Lance table")
    must_fit(found.name, schema.names, options)
    known = roles(schema.names, options)
    aside = [
        Aside(f.name, "it has bytes", f"--image-column {quote(f.name)}")
        for f in schema
        if has_bytes(f.type) and known[f.name] != "image"
    ]
    known = {c: role for c, role in known.items() if c not in {a.name for a in aside}}

    def entries() -> Iterator[Entry]:
        at = 0
        for table in read_lance(found, _IMAGES, list(known)):
            rows = fields_of(table, found.name)
            places = ((f"{found.name} row {at + i}", row) for i, row in enumerate(rows, 1))
            part = Table(rows_of(places, known), known)
            yield from each_row((part, ("", "images/")), Folder(found.parent))
            at += len(rows)

    reading = Reading(LANCE.name, known, (*aside, *doubtful(known)))
    return Source(found.name, lance_count(found), entries, reading)


LANCE = SourceForm(
    name="lance",
    title="Lance, as of LanceDB",
    recognized="A folder NAME.lance without vectors, or a folder that has only one.",
    taken="As of Parquet: images as paths or bytes, captions, labels; the rest are attributes.",
    example="pets.lance: image: binary, caption: string, label: string",
    recognizes=_is_lance,
    read=_source,
)
LANCE_VECTORS = VectorForm(
    name="lance-vectors",
    title="Vectors in Lance, as of LanceDB",
    recognized="A folder NAME.lance with a column of vectors, or a folder that has only one.",
    taken="As of vectors in Parquet.",
    example="photos.lance: vector: fixed_size_list<float>[512], image_uri: string, text: string",
    recognizes=_recognizes,
    table=_table,
)
