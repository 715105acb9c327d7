"""Parquet to rows. Where a table has the images themselves, they are read batch by batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import quote
from typing import Any

from core.errors import UnreadableFile
from core.ingest.budget import MAX_RATIO, check, hold, size_of, total
from core.ingest.readers.fields import about_downloads
from core.ingest.readers.files import Tree
from core.ingest.readers.forms import Table, TableForm
from core.ingest.readers.records import Aside, Note, ReadOptions
from core.ingest.readers.rows import Row, must_fit, roles
from core.ingest.readers.tables import Fields, collect, doubtful, rows_of
from core.ingest.readers.vector_columns import vector_columns
from core.types import Rejected

NOT_PARQUET = "it is not a Parquet file, or it is damaged"
_BLOCK_ROWS = 16_384
BLOCK_BYTES = 16_000_000  # of rows in memory, where images lie in the table
_REPEATED_BYTES = 128_000_000  # of rows, if each had the longest value of a dictionary
_ROW_BYTES = 1000  # in memory, of a row without any text
_NUMBER_BYTES = 8
_NESTED_BYTES = 13  # of a number in a list, while it is read; measured
_VALUE_BYTES = 60  # of a value in a list or object, once it is Python's
_BUFFER = 1 << 20  # bytes of a column in memory; without, all of it in a row group


def parquet_of(tree: Tree, file: str) -> Callable[[], Any]:
    """Opens a Parquet file of a tree: on disk in place, in a zip from its bytes."""
    from pyarrow import BufferReader

    if objection := tree.objection(file):
        raise UnreadableFile(file, objection)

    def open_() -> Any:
        return opened(file, tree.path(file) or BufferReader(tree.read(file)))

    with open_():
        return open_


@contextmanager
def opened(name: str, source: Any) -> Iterator[Any]:
    """A Parquet file from its path or an Arrow buffer, which is read piece by piece.

    Raises:
        UnreadableFile: it is none, it is damaged, or a few bytes stand for too many.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    how = {"pre_buffer": False, "buffer_size": _BUFFER}
    try:
        file = ParquetFile(source, **how)
        _must_be_honest(name, file)
        if texts := _repeated_texts(file):
            with ParquetFile(
                source, metadata=file.metadata, read_dictionary=texts, **how
            ) as numbered:
                _must_fit_decoded(name, numbered, texts)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(name, NOT_PARQUET) from error
    with file:
        yield file


def _table(name: str, open_: Callable[[], Any], options: ReadOptions) -> Table:
    from pyarrow import ArrowException

    with open_() as file:
        schema, count = file.schema_arrow, file.metadata.num_rows
    if "vector" in schema.names:
        raise UnreadableFile(name, "it has a column vector; ingest it by its own path")
    must_fit(name, schema.names, options)
    known = roles(schema.names, options)
    downloads = about_downloads(schema.names) & {c for c in known if known[c] == "attribute"}
    known = {column: role for column, role in known.items() if column not in downloads}
    binary = [f.name for f in schema if has_bytes(f.type)]
    left = [
        Aside(column, "it has bytes", f"--image-column {quote(column)}")
        for column in binary
        if known[column] != "image"
    ]
    vectors = [c for c in vector_columns(schema) if known.get(c) == "attribute"]
    reason = "it has vectors, which only the file's own path gives"
    left += [Aside(column, reason, f"--vector-column {quote(column)}") for column in vectors]
    left += [
        Aside(column, "it is about the download") for column in schema.names if column in downloads
    ]
    known = {c: role for c, role in known.items() if c not in [aside.name for aside in left]}
    rows = _Rows(name, open_, known, _class_names(schema.metadata or {}), bool(downloads))
    if any(role == "image" and column in binary for column, role in known.items()):
        return Table(rows, known, (*left, *doubtful(known)), count)
    try:
        return collect(name, rows.fields(), options, left)
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise UnreadableFile(name, NOT_PARQUET) from error


@dataclass(frozen=True)
class _Rows:
    """The rows of a Parquet file, in batches, each time from its first.

    Args:
        name: of the file, in messages.
        open_: opens it.
        known: the role of each column that is read.
        classes: the names behind the numbers of columns of classes.
        downloads: whether they are those of img2dataset, where a row without an image is a failure.
    """

    name: str
    open_: Callable[[], Any]
    known: Mapping[str, str]
    classes: Mapping[str, list[str]]
    downloads: bool = False

    def __iter__(self) -> Iterator[Row | Rejected | Note]:
        from pyarrow import ArrowException

        failed: list[str] = []
        try:
            yield from rows_of(self._downloaded(failed), self.known)
        except (ArrowException, OSError, ValueError, OverflowError) as error:
            yield Rejected(self.name, f"the rest of it is damaged ({type(error).__name__})")

        if failed:
            many = "1 image was" if len(failed) == 1 else f"{len(failed):,} images were"
            yield Note(f"{self.name}: {many} not downloaded (first: {failed[0]}).")

    def _downloaded(self, failed: list[str]) -> Iterator[Fields]:
        """The fields of rows that have an image, where img2dataset says of each how it went."""
        images = [column for column, role in self.known.items() if role == "image"]
        for place, fields in self.fields():
            if self.downloads and not any(fields[column] for column in images):
                failed.append(place)
            else:
                yield place, fields

    def fields(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The fields of each row, a block of rows at a time."""
        at = 0
        with self.open_() as file:
            packed, decoded, count = packed_size(file), 0, file.metadata.num_rows
            for batch in batches(file, block_rows(file), list(self.known)):
                batch = _plain(batch)
                decoded += 2 * sum(map(_size, batch))  # as read, and as rows
                whole = decoded * count // (at + len(batch))
                check(self.name, decoded, packed, MAX_RATIO, whole=whole)
                for row in python_rows(self.name, batch):
                    at += 1
                    for column, names in self.classes.items():
                        row[column] = _named(row.get(column), names)
                    yield f"{self.name} row {at}", row


def batches(file: Any, rows: int, columns: list[str]) -> Iterator[Any]:
    """The rows of an open Parquet file, at most so many at a time.

    Group by group: Arrow does not join the dictionaries of several.
    """
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(rows, row_groups=[group], columns=columns)


def python_rows(name: str, batch: Any) -> list[dict[str, Any]]:
    """The rows of an Arrow batch or table as Python's, where there is memory for them.

    Raises:
        UnreadableFile: there is not.
    """
    with hold(name, sum(map(_size, batch.columns))):
        rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def _size(column: Any) -> int:
    """Bytes of an Arrow column once it is Python's, without those of the rows themselves."""
    from pyarrow import ChunkedArray, DictionaryArray, MapArray, StructArray, compute, types

    if isinstance(column, ChunkedArray):
        return sum(map(_size, column.chunks))
    if isinstance(column, DictionaryArray):
        lengths = compute.binary_length(column.dictionary.cast("large_binary"))
        return compute.sum(lengths.take(column.indices)).as_py() or 0
    if isinstance(column, StructArray):
        fields = column.flatten()
        return _VALUE_BYTES * (1 + len(fields)) * len(column) + sum(map(_size, fields))
    if isinstance(column, MapArray):
        return 4 * _VALUE_BYTES * len(column.keys) + _size(column.keys) + _size(column.items)
    if types.is_nested(column.type):
        values = column.flatten()
        return _VALUE_BYTES * len(values) + _size(values)
    return int(column.nbytes)


def _must_be_honest(name: str, file: Any) -> None:
    """Reject an open Parquet file whose rows would take far more memory than it has bytes.

    Raises:
        UnreadableFile: a few bytes stand for too many rows or numbers.
    """
    rows = _ROW_BYTES * file.metadata.num_rows
    numbers = {_column(c): c.num_values for c in _nested(file) if not _is_text(c)}
    most = max(rows, _NESTED_BYTES * sum(numbers.values()), sum(map(_decoded, _chunks(file))))
    vectors = vector_columns(file.schema_arrow)
    values = sum(n for column, n in numbers.items() if column not in vectors)
    as_rows = 2 * (_VALUE_BYTES + _NUMBER_BYTES) * values
    check(name, most, packed_size(file), whole=as_rows)
    for chunk in _nested(file):
        # Each text may begin with all of the one before.
        if _is_delta(chunk) and chunk.num_values * chunk.total_uncompressed_size > total():
            what = f"the texts in the lists of {_column(chunk)} are stored as differences (DELTA)"
            much = f"may decode to more than the {size_of(total())} that are allowed"
            raise UnreadableFile(name, f"{what} and {much}; write it again with a dictionary")


def packed_size(file: Any) -> int:
    """Bytes of the columns of an open Parquet file, as they are stored."""
    return sum(chunk.total_compressed_size for chunk in _chunks(file))


def block_rows(file: Any) -> int:
    """How many rows of an open Parquet file may be in memory."""
    n, chunks = file.metadata.num_rows, _chunks(file)
    rows = min(_BLOCK_ROWS, BLOCK_BYTES * n // max(sum(map(_decoded, chunks)), 1))
    # A value of a dictionary may come back in every row.
    longest = max((c.total_uncompressed_size for c in chunks if _repeats(c)), default=0)
    return max(1, min(rows, _REPEATED_BYTES // longest) if longest else rows)


def _plain(batch: Any) -> Any:
    """Rows with every text in full, as they are in memory once they are Python's."""
    from pyarrow import DictionaryArray, RecordBatch

    columns = [c.dictionary_decode() if isinstance(c, DictionaryArray) else c for c in batch]
    return RecordBatch.from_arrays(columns, batch.schema.names)


def _chunks(file: Any) -> list[Any]:
    """The columns of each group of rows."""
    groups = (file.metadata.row_group(at) for at in range(file.metadata.num_row_groups))
    return [group.column(at) for group in groups for at in range(group.num_columns)]


def _nested(file: Any) -> list[Any]:
    """The columns of each group of rows that have several values in a row."""
    schema = file.schema
    several = {c.path for c in map(schema.column, range(len(schema))) if c.max_repetition_level}
    return [chunk for chunk in _chunks(file) if chunk.path_in_schema in several]


def _repeated_texts(file: Any) -> list[str]:
    """The paths of texts in lists, where a row might repeat one of them beyond the memory."""
    return sorted(
        {
            chunk.path_in_schema
            for chunk in _nested(file)
            if _is_text(chunk) and not _is_delta(chunk)
            if chunk.num_values * chunk.total_uncompressed_size > total()
        }
    )


def _must_fit_decoded(name: str, file: Any, texts: list[str]) -> None:
    """Reject a Parquet file with too much text in the lists of some rows.

    Args:
        name: of the file, in messages.
        file: open, with these texts as numbers of a dictionary, which take little memory.
        texts: their paths.
    """
    for batch in batches(file, _BLOCK_ROWS, texts):
        check(name, 2 * sum(map(_size, batch.columns)), packed_size(file), 0)


def _column(chunk: Any) -> str:
    """The name of the column whose lists or objects have these values."""
    return str(chunk.path_in_schema.partition(".")[0])


def _is_text(chunk: Any) -> bool:
    return bool(chunk.physical_type == "BYTE_ARRAY")


def _is_delta(chunk: Any) -> bool:
    return _is_text(chunk) and any("DELTA" in how for how in chunk.encodings)


def _repeats(chunk: Any) -> bool:
    """Whether texts or bytes of a column may be stored once and have many rows."""
    return _is_text(chunk) and any("DICTIONARY" in how or "DELTA" in how for how in chunk.encodings)


def _decoded(chunk: Any) -> int:
    """Bytes of a column in memory, repeated texts left out; only their rows tell those."""
    numbers = 0 if _is_text(chunk) else _NUMBER_BYTES * chunk.num_values
    return max(int(chunk.total_uncompressed_size), numbers)


def _named(value: object, names: list[str]) -> object:
    """The name of a class, or those of a list of classes; None for -1, which is no class.

    >>> _named(1, ["cat", "dog"]), _named([0, 1], ["cat", "dog"]), _named(-1, ["cat", "dog"])
    ('dog', ['cat', 'dog'], None)
    """
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return value


def has_bytes(kind: Any) -> bool:
    """Whether values of an Arrow type are bytes, or contain some."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return has_bytes(kind.value_type)
    if types.is_struct(kind):
        return any(has_bytes(field.type) for field in kind)
    if types.is_list(kind) or types.is_large_list(kind):
        return has_bytes(kind.value_type)
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names behind the integers of each column of classes, as Hugging Face stores them."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        found = {c: feature.get("feature", feature) for c, feature in features.items()}
        return {
            column: list(map(str, feature["names"]))
            for column, feature in found.items()
            if feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


PARQUET = TableForm(
    name="parquet",
    title="Parquet, as of Hugging Face or img2dataset",
    recognized="A .parquet file; several in one folder are parts of one table.",
    taken=(
        "image (a path, bytes, or bytes with a path; also jpg, png, webp), caption or captions, "
        "label or labels with their class names; all other columns are attributes."
    ),
    example="image: struct<bytes, path>, caption: string, label: ClassLabel",
    suffixes=(".parquet",),
    load=parquet_of,
    recognizes=lambda name, open_: True,
    table=_table,
)
