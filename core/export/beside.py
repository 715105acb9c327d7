"""What a table of text cannot hold lies beside it: the manifest, vectors and images.

    pets.csv                  the table
    pets.csv.sextant.json     what its columns mean
    pets.csv.vectors.npy      (n, d) float32, a row for each of its rows; NaN where there is none
    pets.csv.vectors-2.npy    those of a second encoder
    pets.csv-images/          copies of images without a file of their own

The images of a table `items` lie in `images`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BufferedWriter
from pathlib import Path
from types import TracebackType

import numpy as np

from core.errors import UnreadableFile
from core.export.contents import Contents, Row
from core.export.manifest import KEY, Manifest
from core.export.names import FileNames
from core.types import Floats


def manifest_file(table: Path) -> Path:
    """Where the manifest of a table lies."""
    return table.with_name(f"{table.name}.{KEY}.json")


def vectors_file(table: Path, at: int) -> Path:
    """Where the vectors of its encoder number `at` lie."""
    number = f"-{at + 1}" if at else ""
    return table.with_name(f"{table.name}.vectors{number}.npy")


def images_folder(table: Path) -> Path:
    """Where its images lie."""
    return table.with_name("images" if table.stem == "items" else f"{table.name}-images")


def manifest_of(table: Path) -> Manifest | None:
    """The manifest of a table, if it has one."""
    file = manifest_file(table)
    try:
        return Manifest.from_json(file.read_bytes()) if file.is_file() else None
    except OSError:
        return None


class Beside:
    """Writes the files beside a table, batch by batch.

    Args:
        contents: what is exported.
        table: the table's file.
    """

    def __init__(self, contents: Contents, table: Path) -> None:
        self._table, self._folder = table, images_folder(table)
        self._names = FileNames()
        self._vectors: list[tuple[BufferedWriter, int]] = []
        manifest_file(table).write_text(contents.manifest.to_json(), "utf-8")
        for at, passport in enumerate(contents.manifest.passports):
            file = vectors_file(table, at).open("wb")
            self._vectors.append((file, passport.d))
            shape = (len(contents.ids), passport.d)
            about = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, about)

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for file, _d in self._vectors:
            file.close()

    def add(self, rows: Sequence[Row]) -> list[Row]:
        """Write vectors and images; returns the rows with the paths of their images."""
        for at, (file, d) in enumerate(self._vectors):
            block = np.full((len(rows), d), np.nan, "<f4")
            for i, row in enumerate(rows):
                if (vector := row.vectors[at]) is not None:
                    block[i] = vector
            file.write(block.tobytes())
        return [self._image(row) for row in rows]

    def _image(self, row: Row) -> Row:
        item = row.item
        if item.kind == "text" or not item.payload:
            return row
        name = self._names.of(item)
        place = self._folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(item.payload)
        path = f"{self._folder.name}/{name}"
        return replace(row, item=replace(item, source=path, payload=b""))


def vectors_of(table: Path, manifest: Manifest) -> list[Floats]:
    """The vectors of each encoder, mapped from their files.

    Raises:
        UnreadableFile: a file is missing or damaged, or has another shape.
    """
    found = []
    for at, passport in enumerate(manifest.passports):
        file = vectors_file(table, at)
        try:
            matrix = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UnreadableFile(file.name, "it is missing, or no NumPy array") from error
        if matrix.ndim != 2 or matrix.shape[1] != passport.d:
            raise UnreadableFile(file.name, f"its shape is {matrix.shape}, not (n, {passport.d})")
        found.append(matrix)
    return found


def with_vectors(rows: Iterator[Row], vectors: Sequence[Floats]) -> Iterator[Row]:
    """Rows with the vectors that lie beside their table, row by row."""
    for at, row in enumerate(rows):
        mine = tuple(np.asarray(v[at]) if at < len(v) else None for v in vectors)
        yield replace(row, vectors=tuple(v if v is not None and v[0] == v[0] else None
                                         for v in mine))  # fmt: skip
