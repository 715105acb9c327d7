"""Vectors in NumPy files, with the columns of the same .npz or of a table beside them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from core.errors import UnreadableFile
from core.ingest.budget import check
from core.ingest.readers.files import Folder, hidden, suffix
from core.ingest.readers.forms import Table
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.records import Aside, Note, ReadOptions
from core.ingest.readers.rows import Row
from core.ingest.readers.table_files import table_of
from core.ingest.readers.vector_columns import names_vectors
from core.ingest.readers.vector_tables import (
    BLOCK_ROWS,
    FORMED,
    Block,
    Columns,
    Fields,
    VectorForm,
    VectorTable,
    columns_of,
    one_length,
)
from core.types import Rejected

_TABLES = (".csv", ".tsv", ".parquet", ".jsonl")
# Names of arrays in an .npz, and those of columns of the same meaning.
_SINGULAR = {
    "ids": "id",
    **dict.fromkeys(("paths", "image_paths", "images"), "image_path"),
    **dict.fromkeys(("filenames", "file_names", "files"), "file_name"),
    "texts": "text",
}

# What NumPy, its parser of headers and the archive's decompression say of a broken file.
BROKEN = (
    OSError, ValueError, EOFError, TypeError, KeyError, OverflowError, MemoryError, SyntaxError,
    TokenError, NotImplementedError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def matrix(path: Path) -> Any:
    """The (n, d) numbers of an .npy, mapped from the file.

    Raises:
        UnreadableFile: no such array.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except BROKEN as error:
        raise UnreadableFile(path.name, "it is not a NumPy array of numbers") from error
    return _checked(path.name, found)


def _checked(name: str, found: Any) -> Any:
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind not in "fiu":
        what = getattr(found, "dtype", "an archive"), getattr(found, "shape", ())
        reason = f"it is {what[0]} of shape {what[1]}; a row of numbers for each item is needed"
        raise UnreadableFile(name, reason)
    return found


def as_lists(block: Any) -> Any:
    """Rows of numbers as an Arrow array of lists."""
    import pyarrow

    flat = np.ascontiguousarray(block, block.dtype.newbyteorder("=")).ravel()
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(flat), block.shape[1])


def _recognizes(place: Path, options: ReadOptions) -> bool:
    if place.is_file():
        return suffix(place.name) in (".npy", ".npz")
    arrays, tables, images = _contents(place)
    named = all(names_vectors(file.stem) for file in arrays)
    return bool(arrays) and len(arrays) <= 2 and len(tables) == 1 and (named or not images)


def _contents(folder: Path) -> tuple[list[Path], list[Path], bool]:
    """The arrays and tables directly in a folder, and whether images are there too."""
    files = sorted(file for file in folder.iterdir() if not hidden(file.name))
    arrays = [file for file in files if suffix(file.name) in (".npy", ".npz")]
    tables = [file for file in files if suffix(file.name) in _TABLES]
    return arrays, tables, any(is_image(file.name) for file in files)


def _table(place: Path, options: ReadOptions) -> VectorTable:
    folder = place if place.is_dir() else place.parent
    files = _contents(place)[0] if place.is_dir() else [place]
    matrices: dict[str, Any] = {}
    aside: list[Aside] = []
    for file in files:
        if suffix(file.name) == ".npz":
            arrays = _arrays(file, aside)
            if any(array.ndim == 1 for array in arrays.values()):
                return _of_npz(file, arrays, aside, options)
            matrices |= arrays
        else:
            matrices[file.name] = matrix(file)
    if not matrices:
        raise UnreadableFile(place.name, "it has no array with a row of numbers for each item")
    counts = {len(array) for array in matrices.values()}
    if len(counts) > 1:
        rows = ", ".join(f"{name} has {len(array):,}" for name, array in matrices.items())
        raise UnreadableFile(place.name, f"its arrays differ in length ({rows})")
    n = counts.pop()
    table, source = _beside(files[0], folder, n, options)
    columns = _columns(source, matrices, table, options)
    by_role = {role: column.strip() for column, role in reversed(list(table.columns.items()))}

    def blocks() -> Iterator[Block]:
        entries = (entry for entry in table.rows if not isinstance(entry, Note))
        for start in range(0, n, BLOCK_ROWS):
            lists = {c: as_lists(matrices[c][start : start + BLOCK_ROWS]) for c in columns.vectors}
            count = len(next(iter(lists.values())))
            fields = [_fields(entry, by_role) for entry in islice(entries, count)]
            yield lists, fields

    return VectorTable(
        files[0].name, Folder(folder), n, _width(place.name, matrices, columns), columns.vectors,
        columns.roles,
        blocks, (*aside, *columns.left_aside, *table.left_aside),
        (f"Row by row, {source} says what the vectors are of.", *columns.notes),
    )  # fmt: skip


def _beside(array: Path, folder: Path, n: int, options: ReadOptions) -> tuple[Table, str]:
    """The table beside an array, which must have as many rows, and its name."""
    tables = _contents(folder)[1]
    tables = [t for t in tables if t.stem == array.stem] or tables
    if len(tables) != 1:
        have = f"several ({', '.join(t.name for t in tables[:4])})" if tables else "none"
        reason = f"one table beside it must say what its {n:,} rows are of; there are {have}"
        name = f"{array.stem}.csv"
        raise UnreadableFile(array.name, f"{reason}. Call it {name}")
    _, table = table_of(Folder(folder), tables[0].name, options)
    rows = sum(not isinstance(entry, Note) for entry in table.rows)
    if rows != n:
        reason = f"it has {rows:,} rows and {array.name} has {n:,}: they cannot be joined"
        raise UnreadableFile(tables[0].name, reason)
    return table, tables[0].name


def _columns(
    source: str, matrices: Mapping[str, Any], table: Table, options: ReadOptions
) -> Columns:
    """The arrays and the columns of the table beside them as columns of one table."""
    import pyarrow

    numbers = pyarrow.list_(pyarrow.float32())
    schema = pyarrow.schema([(name, numbers) for name in matrices])
    known = {
        c.strip(): c if c in FORMED and role == "attribute" else role
        for c, role in table.columns.items()
    }
    return columns_of(source, schema, options, known, list(matrices))


def _fields(entry: Row | Rejected | Note, columns: Mapping[str, str]) -> Fields | Rejected:
    """A row of a table as fields, its texts and labels under the first column of their role."""
    if not isinstance(entry, Row):
        return entry if isinstance(entry, Rejected) else {}
    fields: dict[str, object] = dict(entry.attributes)
    if "image" in columns:
        image = entry.image
        fields[columns["image"]] = (
            image if entry.data is None else {"bytes": entry.data, "path": image}
        )
    if "caption" in columns:
        fields[columns["caption"]] = list(entry.captions)
    if "label" in columns:
        fields[columns["label"]] = list(entry.labels)
    return fields


def _width(name: str, matrices: Mapping[str, Any], columns: Columns) -> int:
    return one_length(name, {c: matrices[c].shape[1] for c in columns.vectors})


def _arrays(path: Path, aside: list[Aside]) -> dict[str, Any]:
    """The arrays of an .npz: rows of numbers, and columns by the names that columns have."""
    arrays: dict[str, Any] = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for info in archive.zip.infolist():
                check(f"{path.name}: {info.filename}", info.file_size, info.compress_size)
            for name in archive.files:
                try:
                    array = archive[name]
                except ValueError:
                    aside.append(Aside(name, "it is pickled, which may run any program"))
                    continue
                if array.ndim == 1 and array.dtype.kind in "fiubUS":
                    arrays[_SINGULAR.get(name.lower(), name)] = array
                elif array.ndim == 2 and array.dtype.kind in "fiu":
                    arrays[name] = array
                else:
                    aside.append(Aside(name, f"it is {array.dtype} of shape {array.shape}"))
    except BROKEN as error:
        raise UnreadableFile(path.name, "it is not an archive of NumPy arrays") from error
    return arrays


def _of_npz(
    path: Path, arrays: Mapping[str, Any], aside: list[Aside], options: ReadOptions
) -> VectorTable:
    """An .npz that has the columns too."""
    import pyarrow

    matrices = {name: array for name, array in arrays.items() if array.ndim == 2}
    if len(matrices) > 1:
        matrices = {n: a for n, a in matrices.items() if names_vectors(n)} or matrices
    if not matrices:
        raise UnreadableFile(path.name, "it has no array with a row of numbers for each item")
    n = len(next(iter(matrices.values())))
    of_rows = {name: array for name, array in arrays.items() if len(array) == n}
    for name, array in arrays.items():
        if len(array) != n:
            aside.append(Aside(name, f"it has {len(array):,} entries, the vectors {n:,}"))
    plain = {name: _plain(array) for name, array in of_rows.items() if array.ndim == 1}
    numbers = pyarrow.list_(pyarrow.float32())
    fields = [(name, numbers) for name in matrices if name in of_rows]
    texts = [(name, pyarrow.array(values[:1]).type) for name, values in plain.items()]
    columns = columns_of(
        path.name, pyarrow.schema([*fields, *texts]), options, vectors=list(matrices)
    )

    def blocks() -> Iterator[Block]:
        for start in range(0, n, BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            lists = {c: as_lists(matrices[c][part]) for c in columns.vectors}
            cut = [values[part] for values in plain.values()]
            yield lists, [dict(zip(plain, row, strict=True)) for row in zip(*cut, strict=True)]

    return VectorTable(
        path.name, Folder(path.parent), n, _width(path.name, matrices, columns), columns.vectors,
        columns.roles, blocks, (*aside, *columns.left_aside), columns.notes,
    )  # fmt: skip


def _plain(array: Any) -> Sequence[object]:
    values: list[object] = array.tolist()
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]


NUMPY = VectorForm(
    name="numpy",
    title="NumPy arrays and a table",
    recognized=(
        "An .npy or .npz, or a folder with one (or one of images and one of texts, named so) and "
        "one table of as many rows: a.npy and a.csv."
    ),
    taken=(
        "Row i of the array is the vector of row i of the table, or of the other arrays in the "
        ".npz: image, text, label; all others are attributes."
    ),
    example="embeddings.npy: float16 (1000, 512)\nembeddings.csv: image,label",
    recognizes=_recognizes,
    table=_table,
)
