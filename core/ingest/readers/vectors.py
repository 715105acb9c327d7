"""Parquet tables with vectors to items and unit rows, with the reason for each bad row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UnreadableFile
from core.ingest.readers.detect import allowed
from core.ingest.readers.files import Folder
from core.ingest.readers.parquet import NOT_PARQUET, has_bytes
from core.ingest.readers.records import shorten
from core.ingest.readers.rows import attribute, clean, labels_of, rejected, unique
from core.types import Floats, Ints, Item, Kind, Rejected, Value

NEEDED = ("id", "kind", "vector")
COLUMNS = frozenset({"id", "kind", "vector", "pair", "text", "image", "label", "labels"})
MAX_PAIRS_PER_KEY = 10_000
TOLERANCE = 1e-3  # of unit length: more than rounding explains
_BATCH = 8192


@dataclass(frozen=True)
class VectorIntake:
    """Items with vectors. Row i of `vectors` belongs to item i.

    `pairs` are ids of an image and a text. The payload of an image is empty; its file, if any, is
    its `source`.
    """

    items: tuple[Item, ...]
    vectors: Floats
    pairs: tuple[tuple[str, str], ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def is_vectors(path: str | Path) -> bool:
    """Whether a path is a Parquet file with a column `vector`."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    place = Path(path).expanduser()
    if place.suffix.lower() != ".parquet" or not place.is_file():
        return False
    try:
        return "vector" in read_schema(place).names
    except (ArrowException, OSError):
        return False


def read_vectors(path: str | Path, root: Path | None = None) -> VectorIntake:
    """Read a table of items with their vectors.

    Columns: `id`, `kind` (image or text), `vector` (a list of numbers); optional `pair` (a key that
    an image shares with its texts), `text`, `image` (path from the file's folder), `label` or
    `labels`; all others are attributes.

    Args:
        path: the Parquet file.
        root: when given, nothing outside this folder is read.

    Raises:
        InputError: no such table, or none of its rows can be used.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    place = allowed(path, root)
    try:
        file = ParquetFile(place)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(place.name, NOT_PARQUET) from error
    with file:
        return _read(file, place)


def _read(file: Any, place: Path) -> VectorIntake:
    schema, name = file.schema_arrow, place.name
    notes = _check_columns(name, schema)
    length = getattr(schema.field("vector").type, "list_size", 0) or _common_length(
        batch.column(0) for batch in _batches(file, name, ["vector"])
    )
    if not (length and file.metadata.num_rows):
        raise UnreadableFile(name, "none of its rows has a vector")
    table = _VectorRows(name, Folder(place.parent))
    vectors = np.empty((file.metadata.num_rows, length), np.float32)
    fields = [n for n in schema.names if n != "vector" and not has_bytes(schema.field(n).type)]
    start = filled = scaled = 0
    for batch in _batches(file, name):
        units, rows, wrong, off = _unit_rows(batch.column("vector"), length)
        added = table.add(start, _pylist(batch.select(fields), name), wrong)
        chosen = np.isin(rows, added, assume_unique=True)
        vectors[filled : filled + len(added)] = units if chosen.all() else units[chosen]
        start, filled, scaled = start + len(batch), filled + len(added), scaled + off
    if not filled:
        first = table.rejected[0]
        raise UnreadableFile(name, f"none of its rows can be used ({first.name}: {first.reason})")
    if scaled:
        notes.append(
            f"{scaled:,} of {start:,} vectors were not of unit length and were normalized."
        )
    notes += table.notes()
    pairs = table.pairs()
    items, rejected_rows = tuple(table.items), tuple(table.rejected)
    return VectorIntake(items, vectors[:filled], pairs, rejected_rows, tuple(notes))


def _batches(file: Any, name: str, columns: list[str] | None = None) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        yield from file.iter_batches(_BATCH, columns=columns)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(name, NOT_PARQUET) from error


def _pylist(batch: Any, name: str) -> list[dict[str, Any]]:
    from pyarrow import ArrowException

    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ArrowException, ValueError, OverflowError) as error:
        reason = f"its fields cannot be read as text, numbers and dates ({error})"
        raise UnreadableFile(name, reason) from error
    return rows


def _check_columns(name: str, schema: Any) -> list[str]:
    """Reject a table that cannot be read; returns notes about the ignored columns."""
    from pyarrow import types

    useful = [column.name for column in schema if not has_bytes(column.type)]
    if missing := [column for column in NEEDED if column not in useful]:
        reason = f"it has no column {' and no '.join(missing)}"
        raise UnreadableFile(name, f"{reason}; needed: id, kind (image or text) and vector")
    kind = schema.field("vector").type
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not lists or not (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)):
        raise UnreadableFile(name, f"its column vector is {kind}; a list of numbers is needed")
    return [
        f"The column '{column.name}' was ignored: it contains bytes."
        for column in schema
        if has_bytes(column.type)
    ]


@dataclass
class _VectorRows:
    """Items so far, and their pairs.

    Args:
        name: the table's name in messages.
        folder: must contain its images.
    """

    name: str
    folder: Folder
    items: list[Item] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    _row_of: dict[str, int] = field(default_factory=dict)
    _ids_of_key: dict[Value, dict[str, list[str]]] = field(default_factory=dict)
    _unreadable: list[str] = field(default_factory=list)
    _images: int = 0

    def add(self, start: int, rows: list[dict[str, Any]], wrong: Mapping[int, str]) -> list[int]:
        """Add a block of rows; returns those that became items."""
        added = []
        for at, row in enumerate(rows):
            try:
                item = self._item(f"{self.name} row {start + at + 1}", row, wrong.get(at, ""))
            except UnreadableFile as error:
                self.rejected.append(rejected(error))
                continue
            self._row_of[item.id] = start + at + 1
            self.items.append(item)
            added.append(at)
        return added

    def _item(self, place: str, row: Mapping[str, Any], wrong: str) -> Item:
        """The item of one row; UnreadableFile with the reason when there is none."""
        id_ = "" if row["id"] is None else clean(place, str(row["id"])).strip()
        if not id_:
            raise UnreadableFile(place, "it has no id")
        if id_ in self._row_of:
            raise UnreadableFile(place, f"its id '{id_}' repeats that of row {self._row_of[id_]}")
        kind: Kind = row["kind"]
        if kind not in ("image", "text"):
            raise UnreadableFile(place, f"its kind is '{kind}'; allowed: image, text")
        if wrong:
            raise UnreadableFile(place, f"{wrong} (id '{id_}')")
        labels = [*labels_of(place, row.get("label")), *labels_of(place, row.get("labels"))]
        typed = {c: attribute(place, v) for c, v in row.items() if c not in COLUMNS}
        attributes = {c: v for c, v in typed.items() if v is not None}
        payload, name, source = self._content(place, row, kind)
        key = attribute(place, row.get("pair"))
        if key is not None:
            self._ids_of_key.setdefault(key, {"image": [], "text": []})[kind].append(id_)
        return Item(kind, payload, name or id_, source, unique(labels), attributes, id_)

    def _content(self, place: str, row: Mapping[str, Any], kind: Kind) -> tuple[bytes, str, str]:
        """Payload, name and source."""
        if kind == "text":
            text = clean(place, str(row.get("text") or "")).strip()
            return text.encode(), shorten(text), ""
        path = str(row.get("image") or "").strip()
        return b"", path, self._source(path)

    def _source(self, path: str) -> str:
        """Absolute path of an image; "" when it has no readable file."""
        if not path:
            return ""
        self._images += 1
        try:
            name = self.folder.within(path)
            objection = self.folder.objection(name)
        except UnreadableFile as error:
            objection = error.reason
        if objection:
            self._unreadable.append(f"{path}: {objection}")
            return ""
        return self.folder.path(name)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every image with every text of the same key."""
        pairs: list[tuple[str, str]] = []
        for key, ids in self._ids_of_key.items():
            images, texts = ids["image"], ids["text"]
            if len(images) * len(texts) > MAX_PAIRS_PER_KEY:
                reason = f"it pairs {len(images)} images with {len(texts)} texts"
                limit = f"allowed: {MAX_PAIRS_PER_KEY:,} pairs per key"
                self.rejected.append(Rejected(f"{self.name} pair '{key}'", f"{reason}; {limit}"))
            else:
                pairs += [(image, text) for image in images for text in texts]
        return tuple(pairs)

    def notes(self) -> list[str]:
        """How many images cannot be read."""
        if not self._unreadable:
            return []
        many = f"{len(self._unreadable):,} of {self._images:,} images cannot be read"
        return [f"{many} (first: {self._unreadable[0]}); only their vectors are stored."]


def _common_length(columns: Iterable[Any]) -> int:
    """The most frequent length of the vectors, of equally frequent ones the first; 0 if none."""
    from pyarrow import compute

    lengths: Counter[int] = Counter()
    for column in columns:
        for entry in compute.value_counts(compute.list_value_length(column)).to_pylist():
            if entry["values"]:
                lengths[entry["values"]] += entry["counts"]
    return lengths.most_common(1)[0][0] if lengths else 0


def _unit_rows(column: Any, d: int) -> tuple[Floats, Ints, dict[int, str], int]:
    """Unit vectors of a block of rows.

    Args:
        column: an Arrow list array of numbers, one vector per row.
        d: the dimension that a vector must have.

    Returns:
        The (m, d) unit vectors of the valid rows, their (m,) row numbers, the reason for each
        invalid row, and how many valid vectors did not have unit length.
    """
    from pyarrow import array, compute

    counts = compute.fill_null(compute.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    wrong = {int(r): _length_reason(int(counts[r]), d) for r in np.flatnonzero(counts != d)}
    rows = np.flatnonzero(counts == d)
    complete = column.filter(array(counts == d)) if wrong else column
    values = complete.flatten().to_numpy(zero_copy_only=False).reshape(-1, d)
    block = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32, copy=False)
    lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
    for at in np.flatnonzero(~((lengths > 1e-10) & (lengths < 1e15))):
        if reason := _invalid(block[at]):
            wrong[int(rows[at])] = reason
            lengths[at] = 0
        else:  # its squares overflow or underflow: scale it first
            block = _writable(block, values)
            block[at] /= np.abs(block[at]).max()
            block[at] /= np.linalg.norm(block[at])
            lengths[at] = np.inf
    valid = lengths > 0
    off = valid & np.isfinite(lengths) & (np.abs(lengths - 1) > 1e-6)
    scaled = int((valid & ~(np.abs(lengths - 1) <= TOLERANCE)).sum())
    if off.any():
        block = _writable(block, values)
        block[off] /= lengths[off, None]
    units = block if valid.all() else block[valid]
    return units.astype(np.float32, copy=False), rows[valid], wrong, scaled


def _writable(block: Any, values: Any) -> Any:
    """A block outside Arrow's memory, which is read-only."""
    return block.copy() if np.shares_memory(block, values) else block


def _length_reason(count: int, d: int) -> str:
    if count < 0:
        return "it has no vector"
    return f"its vector has {count} values; most in this file have {d}"


def _invalid(vector: Any) -> str:
    if not np.isfinite(vector).all():
        return "its vector has values that are not finite numbers (NaN, infinite or missing)"
    return "" if vector.any() else "its vector is all zeros and has no direction"
