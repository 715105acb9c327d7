"""Vectors of an Arrow column to unit rows, block by block, and what is wrong with the others."""

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
from core.ingest.readers.records import short
from core.ingest.readers.rows import attribute, clean, labels_of, refusal, unique
from core.types import Floats, Ints, Item, Kind, Rejected, Value

NEAR_ONE = 1e-3  # further from length 1 than rounding explains


def common_length(columns: Iterable[Any]) -> int:
    """The most frequent length of the vectors, on a tie the one that came first; 0 if none."""
    from pyarrow import compute

    lengths: Counter[int] = Counter()
    for column in columns:
        for entry in compute.value_counts(compute.list_value_length(column)).to_pylist():
            if entry["values"]:
                lengths[entry["values"]] += entry["counts"]
    return lengths.most_common(1)[0][0] if lengths else 0


def unit_rows(column: Any, d: int) -> tuple[Floats, Ints, dict[int, str], int]:
    """Unit vectors of a block of rows.

    Args:
        column: an Arrow list array of numbers, one vector a row.
        d: the length that a vector must have.

    Returns:
        The (m, d) unit vectors of the rows that are sound, the (m,) rows they came from, what is
        wrong with each of the other rows, and how many sound ones were not of length 1.
    """
    from pyarrow import array, compute

    counts = compute.fill_null(compute.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    wrong = {int(r): _length_sentence(int(counts[r]), d) for r in np.flatnonzero(counts != d)}
    rows = np.flatnonzero(counts == d)
    whole = column.filter(array(counts == d)) if wrong else column
    values = whole.flatten().to_numpy(zero_copy_only=False).reshape(-1, d)
    block = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32, copy=False)
    lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
    for at in np.flatnonzero(~((lengths > 1e-10) & (lengths < 1e15))):
        if sentence := _unsound(block[at]):
            wrong[int(rows[at])] = sentence
            lengths[at] = 0
        else:  # its squares leave the range of the type: take the powers out first
            block = _own(block, values)
            block[at] /= np.abs(block[at]).max()
            block[at] /= np.linalg.norm(block[at])
            lengths[at] = np.inf
    sound = lengths > 0
    off = sound & np.isfinite(lengths) & (np.abs(lengths - 1) > 1e-6)
    many = int((sound & ~(np.abs(lengths - 1) <= NEAR_ONE)).sum())
    if off.any():
        block = _own(block, values)
        block[off] /= lengths[off, None]
    kept = block if sound.all() else block[sound]
    return kept.astype(np.float32, copy=False), rows[sound], wrong, many


def _own(block: Any, values: Any) -> Any:
    """A block that may be written to: Arrow's own memory may not."""
    return block.copy() if np.shares_memory(block, values) else block


def _length_sentence(count: int, d: int) -> str:
    if count < 0:
        return "it has no vector"
    return f"its vector has {count} values; most in this file have {d}"


def _unsound(vector: Any) -> str:
    if not np.isfinite(vector).all():
        return "its vector holds values that are not numbers (NaN, infinite or missing)"
    return "" if vector.any() else "its vector is zero everywhere and has no direction"


COLUMNS = frozenset({"id", "kind", "vector", "pair", "text", "image", "label", "labels"})
MAX_PAIRS_A_KEY = 10_000


@dataclass
class VectorRows:
    """Items so far, and what belongs to which.

    Args:
        name: the table's, for sentences.
        folder: where its pictures must be.
    """

    name: str
    folder: Folder
    items: list[Item] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)
    _sets: dict[Value, dict[str, list[str]]] = field(default_factory=dict)
    _lost: list[str] = field(default_factory=list)
    _pictures: int = 0

    def add(self, start: int, rows: list[dict[str, Any]], wrong: Mapping[int, str]) -> list[int]:
        """Take in a block of rows; gives the rows that were taken."""
        taken = []
        for at, row in enumerate(rows):
            try:
                item = self._item(f"{self.name} row {start + at + 1}", row, wrong.get(at, ""))
            except UnreadableFile as error:
                self.refused.append(refusal(error))
                continue
            self._seen[item.id] = start + at + 1
            self.items.append(item)
            taken.append(at)
        return taken

    def _item(self, place: str, row: Mapping[str, Any], wrong: str) -> Item:
        """One row's item; UnreadableFile says why there is none."""
        id_ = "" if row["id"] is None else clean(place, str(row["id"])).strip()
        if not id_:
            raise UnreadableFile(place, "it has no id")
        if id_ in self._seen:
            reason = f"its id '{id_}' is already that of row {self._seen[id_]}"
            raise UnreadableFile(place, reason)
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
            self._sets.setdefault(key, {"image": [], "text": []})[kind].append(id_)
        return Item(kind, payload, name or id_, source, unique(labels), attributes, id_)

    def _content(self, place: str, row: Mapping[str, Any], kind: Kind) -> tuple[bytes, str, str]:
        """Payload, name and source."""
        if kind == "text":
            text = clean(place, str(row.get("text") or "")).strip()
            return text.encode(), short(text), ""
        picture = str(row.get("image") or "").strip()
        return b"", picture, self._picture(picture)

    def _picture(self, reference: str) -> str:
        """Absolute path of an item's picture; "" when there is none to be had."""
        if not reference:
            return ""
        self._pictures += 1
        try:
            name = self.folder.within(reference)
            objection = self.folder.objection(name)
        except UnreadableFile as error:
            objection = error.reason
        if objection:
            self._lost.append(f"{reference}: {objection}")
            return ""
        return self.folder.path(name)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every image with every text of the same key."""
        found: list[tuple[str, str]] = []
        for key, ends in self._sets.items():
            count = len(ends["image"]) * len(ends["text"])
            if count > MAX_PAIRS_A_KEY:
                reason = f"it joins {len(ends['image'])} images with {len(ends['text'])} texts"
                limit = f"at most {MAX_PAIRS_A_KEY:,} pairs a key"
                self.refused.append(Rejected(f"{self.name} pair '{key}'", f"{reason}; {limit}"))
            else:
                found += [(image, text) for image in ends["image"] for text in ends["text"]]
        return tuple(found)

    def notes(self) -> list[str]:
        """What happened to pictures."""
        if not self._lost:
            return []
        many = f"{len(self._lost):,} of {self._pictures:,} pictures cannot be read"
        return [f"{many} (first: {self._lost[0]}); their items are kept without a picture."]


NEEDED = ("id", "kind", "vector")
_BATCH = 8192
_DAMAGED = "it is not a Parquet file, or it is damaged"


@dataclass(frozen=True)
class VectorIntake:
    """Items that came with vectors. Row i of `vectors` belongs to item i.

    `pairs` are ids of an image and a text. An image's payload is empty; its picture, when there is
    one, lies at its `source`.
    """

    items: tuple[Item, ...]
    vectors: Floats
    pairs: tuple[tuple[str, str], ...]
    refused: tuple[Rejected, ...]
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
    a picture shares with its texts), `text`, `image` (path from the file's folder), `label` or
    `labels`; all others are attributes.

    Args:
        path: the Parquet file.
        root: when given, nothing outside this folder is read.

    Raises:
        InputError: no such table, or no row of it can be used.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    place = allowed(path, root)
    try:
        file = ParquetFile(place)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(place.name, _DAMAGED) from error
    with file:
        return _read(file, place)


def _read(file: Any, place: Path) -> VectorIntake:
    schema, name = file.schema_arrow, place.name
    notes = _check_columns(name, schema)
    length = getattr(schema.field("vector").type, "list_size", 0) or common_length(
        batch.column(0) for batch in _batches(file, name, ["vector"])
    )
    if not (length and file.metadata.num_rows):
        raise UnreadableFile(name, "no row of it has a vector")
    brought = VectorRows(name, Folder(place.parent))
    vectors = np.empty((file.metadata.num_rows, length), np.float32)
    fields = [n for n in schema.names if n != "vector" and not _is_bytes(schema.field(n).type)]
    start = filled = scaled = 0
    for batch in _batches(file, name):
        units, rows, wrong, off = unit_rows(batch.column("vector"), length)
        taken = brought.add(start, _pylist(batch.select(fields), name), wrong)
        kept = np.isin(rows, taken, assume_unique=True)
        vectors[filled : filled + len(taken)] = units if kept.all() else units[kept]
        start, filled, scaled = start + len(batch), filled + len(taken), scaled + off
    if not filled:
        first = brought.refused[0]
        raise UnreadableFile(name, f"no row of it can be used ({first.name}: {first.reason})")
    if scaled:
        notes.append(f"{scaled:,} of {start:,} vectors were not of length 1 and were normalised.")
    notes += brought.notes()
    pairs = brought.pairs()
    items, refused = tuple(brought.items), tuple(brought.refused)
    return VectorIntake(items, vectors[:filled], pairs, refused, tuple(notes))


def _batches(file: Any, name: str, columns: list[str] | None = None) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        yield from file.iter_batches(_BATCH, columns=columns)
    except (ArrowException, OSError) as error:
        raise UnreadableFile(name, _DAMAGED) from error


def _pylist(batch: Any, name: str) -> list[dict[str, Any]]:
    from pyarrow import ArrowException

    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ArrowException, ValueError, OverflowError) as error:
        reason = f"its fields cannot be read as text, numbers and dates ({error})"
        raise UnreadableFile(name, reason) from error
    return rows


def _check_columns(name: str, schema: Any) -> list[str]:
    """Refuse a table that cannot be read; note the columns that have no use."""
    from pyarrow import types

    useful = [column.name for column in schema if not _is_bytes(column.type)]
    if missing := [column for column in NEEDED if column not in useful]:
        reason = f"it has no column {' and no '.join(missing)}"
        raise UnreadableFile(name, f"{reason}; needed: id, kind (image or text) and vector")
    kind = schema.field("vector").type
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not lists or not (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)):
        raise UnreadableFile(name, f"its column vector is {kind}; a list of numbers is needed")
    return [
        f"The column '{column.name}' was left out: it holds bytes."
        for column in schema
        if _is_bytes(column.type)
    ]


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
