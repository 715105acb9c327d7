"""What clip-retrieval writes: img_emb, text_emb and metadata, each in numbered parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.files import Folder
from core.ingest.readers.numpy_arrays import as_lists, matrix
from core.ingest.readers.parquet import batches, block_rows
from core.ingest.readers.parquet_vectors import fields_of, parquet_file
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.vector_tables import (
    BLOCK_ROWS,
    Block,
    VectorForm,
    VectorTable,
    columns_of,
    one_length,
)

_ARRAYS = ("img_emb", "text_emb")  # folders, and names of the columns that their arrays become


def _parts(folder: Path, ending: str) -> dict[int, Path]:
    """Files by the number in their name.

    img_emb_0.npy, img_emb_10.npy
    """
    files = folder.glob(f"*{ending}") if folder.is_dir() else ()
    found = ((re.findall(r"\d+", file.stem), file) for file in files)
    return dict(sorted((int(numbers[-1]), file) for numbers, file in found if numbers))


def _table(place: Path, options: ReadOptions) -> VectorTable:
    import pyarrow

    arrays = {c: _parts(place / c, ".npy") for c in _ARRAYS}
    arrays = {c: parts for c, parts in arrays.items() if parts}
    metadata = _parts(place / "metadata", ".parquet")
    numbers = list(next(iter(arrays.values())))
    sizes = [_size(place.name, n, arrays, metadata) for n in numbers]
    fields = [(c, pyarrow.list_(pyarrow.float32())) for c in arrays]
    if metadata:
        with parquet_file(metadata[numbers[0]]) as file:
            fields += [(f.name, f.type) for f in file.schema_arrow if f.name not in arrays]
    columns = columns_of(place.name, pyarrow.schema(fields), options, vectors=list(arrays))
    others = [c for c in columns.roles if c not in columns.vectors]

    def blocks() -> Iterator[Block]:
        for number, size in zip(numbers, sizes, strict=True):
            matrices = {c: matrix(arrays[c][number]) for c in columns.vectors}
            start = 0
            for rows in _rows(metadata.get(number), others, size):
                part = slice(start, start + len(rows))
                yield {c: as_lists(m[part]) for c, m in matrices.items()}, rows
                start += len(rows)

    lengths = {c: matrix(arrays[c][numbers[0]]).shape[1] for c in columns.vectors}
    return VectorTable(
        place.name, Folder(place), sum(sizes), one_length(place.name, lengths), columns.vectors,
        columns.roles, blocks, columns.left_aside,
        (f"{len(numbers):,} parts were read.", *columns.notes),
    )  # fmt: skip


def _rows(metadata: Path | None, columns: list[str], size: int) -> Iterator[list[dict[str, Any]]]:
    """The metadata of a part in blocks of rows."""
    if metadata is None:
        for start in range(0, size, BLOCK_ROWS):
            yield [{}] * min(BLOCK_ROWS, size - start)
        return
    with parquet_file(metadata) as file:
        for batch in batches(file, min(BLOCK_ROWS, block_rows(file)), columns):
            yield fields_of(batch, metadata.name)


def _size(
    name: str, number: int, arrays: dict[str, dict[int, Path]], metadata: dict[int, Path]
) -> int:
    """The number of rows of a part, which all its files must have."""
    sizes: dict[str, int] = {}
    for column, parts in arrays.items():
        if number not in parts:
            raise UnreadableFile(name, f"part {number} is not in {column}")
        sizes[f"{column}/{parts[number].name}"] = len(matrix(parts[number]))
    if metadata:
        if number not in metadata:
            raise UnreadableFile(name, f"part {number} is not in metadata")
        with parquet_file(metadata[number]) as file:
            sizes[f"metadata/{metadata[number].name}"] = file.metadata.num_rows
    if len(set(sizes.values())) > 1:
        rows = ", ".join(f"{file} has {size:,}" for file, size in sizes.items())
        raise UnreadableFile(name, f"the files of part {number} differ in their rows ({rows})")
    return next(iter(sizes.values()))


CLIP_RETRIEVAL = VectorForm(
    name="clip-retrieval",
    title="Output of clip-retrieval inference",
    recognized="A folder with img_emb or text_emb, which have numbered .npy files.",
    taken=(
        "Row i of img_emb_0.npy and of text_emb_0.npy are the vectors of the image and the caption "
        "in row i of metadata_0.parquet, a pair; its other columns are attributes."
    ),
    example="img_emb/img_emb_0.npy\ntext_emb/text_emb_0.npy\nmetadata/metadata_0.parquet",
    recognizes=lambda place, options: any(_parts(place / c, ".npy") for c in _ARRAYS),
    table=_table,
)
