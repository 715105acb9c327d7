"""Vectors in Parquet files: one, or the parts of a table in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.files import Folder, hidden
from core.ingest.readers.parquet import (
    BLOCK_BYTES,
    NOT_PARQUET,
    batches,
    block_rows,
    opened,
    python_rows,
)
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.vector_columns import vector_columns
from core.ingest.readers.vector_tables import (
    BLOCK_ROWS,
    Block,
    VectorForm,
    VectorTable,
    columns_of,
    common_length,
    one_length,
)


def parts(place: Path) -> list[Path]:
    """The Parquet files at a path: itself, or those directly in a folder."""
    if place.is_dir():
        files = (f for f in place.iterdir() if f.suffix.lower() == ".parquet" and f.is_file())
        return sorted(f for f in files if not hidden(f.name))
    return [place] if place.suffix.lower() == ".parquet" else []


def _recognizes(place: Path, options: ReadOptions) -> bool:
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    try:
        files = parts(place)
        if options.vector_column:
            return bool(files)
        return bool(files) and all(vector_columns(read_schema(f)) for f in files)
    except (ArrowException, OSError):
        return False


def _table(place: Path, options: ReadOptions) -> VectorTable:
    files = parts(place)
    with parquet_file(files[0]) as first:
        schema = first.schema_arrow
        n, rows = first.metadata.num_rows, block_rows(first)
    columns = columns_of(place.name, schema, options)
    for file in files[1:]:
        with parquet_file(file) as part:
            if missing := [c for c in columns.roles if c not in part.schema_arrow.names]:
                reason = f"it has no column {missing[0]}, unlike {files[0].name}"
                raise UnreadableFile(file.name, f"{reason}; ingest it by its own path")
            n, rows = n + part.metadata.num_rows, min(rows, block_rows(part))
    vectors = list(columns.vectors)
    lengths = {c: getattr(schema.field(c).type, "list_size", 0) for c in vectors}
    fixed = {column: length for column, length in lengths.items() if length}
    d = (
        one_length(place.name, fixed)
        if fixed
        else common_length(
            batch.column(c) for batch in _batches(files, vectors, rows) for c in vectors
        )
    )
    fields = [c for c in columns.roles if c not in columns.vectors]

    def blocks() -> Iterator[Block]:
        for batch in _batches(files, list(columns.roles), rows):
            lists = {c: batch.column(c) for c in vectors}
            yield lists, fields_of(batch.select(fields), place.name)

    folder = Folder(place if place.is_dir() else place.parent)
    notes = list(columns.notes)
    if len(files) > 1:
        notes.append(f"{len(files):,} files were read as one table.")
    return VectorTable(
        place.name, folder, n, d, columns.vectors, columns.roles, blocks,
        columns.left_aside, tuple(notes),
    )  # fmt: skip


@contextmanager
def parquet_file(path: Path) -> Iterator[Any]:
    """An open Parquet file, which is read piece by piece.

    Raises:
        UnreadableFile: it is none, or it is damaged.
    """
    from pyarrow import ArrowException

    try:
        with opened(path.name, path) as file:
            yield file
    except (ArrowException, OSError) as error:
        raise UnreadableFile(path.name, NOT_PARQUET) from error


def _batches(files: Sequence[Path], columns: list[str], rows: int) -> Iterator[Any]:
    for path in files:
        with parquet_file(path) as file:
            yield from _joined(batches(file, rows, columns))


def _joined(parts: Iterable[Any]) -> Iterator[Any]:
    """Longer batches, of as many bytes as may be in memory.

    How few rows are safe to read is known before their bytes are: of a large column often ten,
    and each block is a write.
    """
    from pyarrow import concat_batches

    held: list[Any] = []
    rows = size = 0
    for batch in parts:
        if held and (rows + len(batch) > BLOCK_ROWS or size + batch.nbytes > BLOCK_BYTES):
            yield concat_batches(held)
            held, rows, size = [], 0, 0
        held.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
    if held:
        yield concat_batches(held)


def fields_of(batch: Any, name: str) -> list[dict[str, object]]:
    """The rows of a batch as Python values."""
    from pyarrow import ArrowException

    try:
        rows = python_rows(name, batch)
    except (ArrowException, ValueError, OverflowError) as error:
        reason = f"its fields cannot be read as text, numbers and dates ({error})"
        raise UnreadableFile(name, reason) from error
    return rows or [{}] * len(batch)


PARQUET_VECTORS = VectorForm(
    name="vectors",
    title="Vectors in Parquet",
    recognized=(
        "A .parquet file, or a folder of them, with a column vector, embedding, emb, features or "
        "the like (clip_embedding, text_emb): a list of numbers."
    ),
    taken=(
        "id, kind (image or text), pair (a key of an image and its texts), image (a path or "
        "bytes), text, label; all other columns are attributes."
    ),
    example="id: string, kind: string, vector: fixed_size_list<float16>[512], image: string",
    recognizes=_recognizes,
    table=_table,
)
