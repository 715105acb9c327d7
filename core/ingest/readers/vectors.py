"""Ready-made vectors to items and unit rows, with the reason for each bad row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UnreadableFile
from core.ingest.readers.clip_retrieval import CLIP_RETRIEVAL
from core.ingest.readers.files import allowed
from core.ingest.readers.join import Finder
from core.ingest.readers.lance_tables import LANCE_VECTORS
from core.ingest.readers.numpy_arrays import NUMPY
from core.ingest.readers.parquet_vectors import PARQUET_VECTORS
from core.ingest.readers.records import Reading, ReadOptions, shorten
from core.ingest.readers.rows import DETECT, attribute, clean, labels_of, rejected, unique
from core.ingest.readers.vector_columns import Of
from core.ingest.readers.vector_tables import Fields, VectorForm, VectorTable
from core.types import Floats, Ints, Item, Kind, Rejected, Value, digest

VECTOR_FORMS: tuple[VectorForm, ...] = (PARQUET_VECTORS, LANCE_VECTORS, CLIP_RETRIEVAL, NUMPY)
MAX_PAIRS_PER_KEY = 10_000
_GIVE_UP = 1000  # images that are not found, before any that is
TOLERANCE = 1e-3  # of unit length: more than rounding explains


@dataclass(frozen=True)
class VectorBlock:
    """Some items with their vectors: row i of `vectors` belongs to item i.

    `pairs` are ids of an image and a text, of this block or earlier ones. The payload of an image
    is empty where it has a file, its `source`.
    """

    items: tuple[Item, ...]
    vectors: Floats
    pairs: tuple[tuple[str, str], ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VectorSource:
    """Items with vectors in blocks, which may be iterated repeatedly.

    Args:
        table: has them.
        reading: how it is read.
    """

    table: VectorTable
    reading: Reading

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def d(self) -> int:
        """Dimension of the vectors."""
        return self.table.d

    @property
    def total(self) -> int:
        """How many vectors it has at most."""
        return self.table.n * len(self.table.vectors)

    def __iter__(self) -> Iterator[VectorBlock]:
        rows = _VectorRows(self.table)
        read = scaled = 0
        for lists, fields in self.table.blocks():
            for column, kind in self.table.vectors.items():
                units, valid, wrong, off = _unit_rows(lists[column], self.d)
                items, added = rows.add(read, fields, kind, wrong)
                chosen = np.isin(valid, added, assume_unique=True)
                scaled += off
                vectors = units if chosen.all() else units[chosen]
                yield VectorBlock(tuple(items), vectors, (), rows.taken_rejected())
            yield VectorBlock((), self._none, rows.taken_pairs())
            read += len(fields)
        notes = [*self.table.notes, *rows.notes()]
        if scaled:
            of = f"{scaled:,} of {read * len(self.table.vectors):,} vectors"
            notes.append(f"{of} were not of unit length and were normalized.")
        pairs = rows.pairs_of_keys()
        yield VectorBlock((), self._none, pairs, rows.taken_rejected(), tuple(notes))

    @property
    def _none(self) -> Floats:
        return np.empty((0, self.d), np.float32)


def is_vectors(path: str | Path, options: ReadOptions = DETECT) -> bool:
    """Whether a file or folder has ready-made vectors; see `VECTOR_FORMS`."""
    place = Path(path).expanduser()
    return place.exists() and _form_of(place, options) is not None


def read_vectors(
    path: str | Path, root: Path | None = None, options: ReadOptions = DETECT
) -> VectorSource:
    """Read items with their vectors.

    Columns: `id`, `kind` (image or text), one of vectors (a list of numbers: `vector`, or named
    like `clip_embedding`), or one of images and one of texts; `pair` (a key that an image shares
    with its texts), images (paths or bytes), captions, labels; all others are attributes. Only
    the vectors are needed, and something that says what they are of.

    Args:
        path: see `VECTOR_FORMS`.
        root: when given, nothing outside this folder is read.
        options: the columns to read.

    Raises:
        InputError: no such table, or it has no vectors.
    """
    place = allowed(path, root)
    form = _form_of(place, options)
    if form is None:
        raise UnreadableFile(place.name, "it has no vectors")
    table = form.table(place, options)
    if not (table.n and table.d):
        raise UnreadableFile(table.name, "none of its rows has a vector")
    return VectorSource(table, Reading(form.name, table.roles, table.left_aside))


def _form_of(place: Path, options: ReadOptions) -> VectorForm | None:
    forms = [f for f in VECTOR_FORMS if options.form in ("", f.name)]
    return next((form for form in forms if form.recognizes(place, options)), None)


class _VectorRows:
    """Rows that become items, and their pairs.

    Args:
        table: its columns.
    """

    def __init__(self, table: VectorTable) -> None:
        self._table = table
        self._of_role: dict[str, list[str]] = {}
        for column, role in table.roles.items():
            self._of_role.setdefault(role, []).append(column)
        self._several = len(table.vectors) > 1
        self._row_of: dict[str, int] = {}
        self._in_block: dict[Kind, dict[int, str]] = {"image": {}, "text": {}}
        self._ids_of_key: dict[Value, dict[Kind, list[str]]] = {}
        self._rejected: list[Rejected] = []
        self._finder = Finder(table.folder, ("", "images/"))
        self._unreadable: list[str] = []
        self._images = self._readable = self._repeated = 0

    def add(
        self, start: int, rows: Sequence[Fields | Rejected], kind: Of, wrong: Mapping[int, str]
    ) -> tuple[list[Item], list[int]]:
        """The items of a block of rows, and which rows they are of.

        Args:
            start: number of rows before them.
            rows: their fields.
            kind: of the items; "" when their column `kind` says it.
            wrong: what is wrong with their vectors.
        """
        items, added = [], []
        for at, row in enumerate(rows):
            if isinstance(row, Rejected):
                if row not in self._rejected[-1:]:
                    self._rejected.append(row)
                continue
            try:
                item = self._item(start + at + 1, row, kind, wrong.get(at, ""))
            except UnreadableFile as error:
                self._rejected.append(rejected(error))
                continue
            self._in_block[item.kind][at] = item.id
            if item.id in self._row_of:
                self._repeated += 1
            else:
                self._row_of[item.id] = start + at + 1
                items.append(item)
                added.append(at)
        return items, added

    def _item(self, number: int, row: Fields, of: Of, wrong: str) -> Item:
        """The item of one row; UnreadableFile with the reason when there is none."""
        place = f"{self._table.name} row {number}"
        given = self._given_id(place, row)
        kind = of or self._kind(place, row)
        id_ = f"{given}/text" if given and self._several and kind == "text" else given
        if id_ in self._row_of:
            raise UnreadableFile(place, f"its id '{id_}' repeats that of row {self._row_of[id_]}")
        if wrong:
            of_id = f" (id '{id_}')" if id_ else ""
            raise UnreadableFile(place, f"{wrong}{of_id}")
        payload, name, source = self._content(place, row, kind)
        if not id_ and kind == "text" and payload:
            id_ = digest("text", payload)
        elif not id_:
            id_ = name if kind == "image" and name else place
        labels, attributes = self._about(place, row, kind)
        for column in self._of_role.get("pair", ()):
            if (key := attribute(place, row.get(column))) is not None:
                self._ids_of_key.setdefault(key, {"image": [], "text": []})[kind].append(id_)
        return Item(kind, payload, name or id_, source, labels, attributes, id_)

    def _given_id(self, place: str, row: Fields) -> str:
        """The id in the table; "" where it has no such column."""
        for column in self._of_role.get("id", ()):
            value = row.get(column)
            id_ = "" if value is None else clean(place, str(value)).strip()
            if not id_:
                raise UnreadableFile(place, "it has no id")
            return id_
        return ""

    def _kind(self, place: str, row: Fields) -> Kind:
        kind = next(row.get(column) for column in self._of_role["kind"])
        if kind == "image" or kind == "text":
            return kind
        raise UnreadableFile(place, f"its kind is '{kind}'; allowed: image, text")

    def _content(self, place: str, row: Fields, kind: Kind) -> tuple[bytes, str, str]:
        """Payload, name and source."""
        if kind == "text":
            text = clean(place, str(self._first("caption", row) or "")).strip()
            return text.encode(), shorten(text), ""
        image = self._first("image", row)
        data = None
        if isinstance(image, Mapping):
            data, image = image.get("bytes"), image.get("path")
        elif isinstance(image, bytes):
            data, image = image, None
        path = clean(place, str(image or "")).strip()
        return (data, path, "") if isinstance(data, bytes) else (b"", path, self._source(path))

    def _first(self, role: str, row: Fields) -> object:
        """The first value of this role."""
        values = (row.get(column) for column in self._of_role.get(role, ()))
        value = next((value for value in values if value), None)
        return value[0] if isinstance(value, list) and value else value

    def _about(
        self, place: str, row: Fields, kind: Kind
    ) -> tuple[tuple[str, ...], dict[str, Value]]:
        """Labels and attributes; where a row has an image and a text, they are the image's."""
        rest = {c: row.get(c) for c in self._of_role.get("attribute", ())}
        if self._several and kind == "text":
            rest = {c: value for c, value in rest.items() if c == "split"}
            labels: list[str] = []
        else:
            labels = [
                label
                for column in self._of_role.get("label", ())
                for label in labels_of(place, row.get(column))
            ]
        if kind == "image" and not self._several:  # of a text, the caption is its payload
            rest |= {c: row.get(c) or None for c in self._of_role.get("caption", ())}
        typed = {c.strip(): attribute(place, value) for c, value in rest.items()}
        return unique(labels), {c: value for c, value in typed.items() if value is not None}

    def _source(self, path: str) -> str:
        """Absolute path of an image; "" when it has no readable file."""
        if not path:
            return ""
        self._images += 1
        if len(self._unreadable) == _GIVE_UP and not self._readable:
            return ""
        name, objection = self._finder.find(path)
        if objection:
            self._unreadable.append(f"{path}: {objection}")
            return ""
        self._readable += 1
        return self._table.folder.path(name)

    def taken_pairs(self) -> tuple[tuple[str, str], ...]:
        """Those of the rows of the block that have an image and a text; they are given once."""
        images, texts = self._in_block["image"], self._in_block["text"]
        self._in_block = {"image": {}, "text": {}}
        return tuple((id_, texts[at]) for at, id_ in images.items() if at in texts)

    def taken_rejected(self) -> tuple[Rejected, ...]:
        """What was rejected since the last time."""
        taken = tuple(self._rejected)
        self._rejected.clear()
        return taken

    def pairs_of_keys(self) -> tuple[tuple[str, str], ...]:
        """Every image with every text of the same key."""
        pairs: list[tuple[str, str]] = []
        for key, ids in self._ids_of_key.items():
            images, texts = ids["image"], ids["text"]
            if len(images) * len(texts) > MAX_PAIRS_PER_KEY:
                reason = f"it pairs {len(images)} images with {len(texts)} texts"
                limit = f"allowed: {MAX_PAIRS_PER_KEY:,} pairs per key"
                place = f"{self._table.name} pair '{key}'"
                self._rejected.append(Rejected(place, f"{reason}; {limit}"))
            else:
                pairs += [(image, text) for image in images for text in texts]
        return tuple(pairs)

    def notes(self) -> list[str]:
        """How many rows repeat an item, and how many images cannot be read."""
        notes = []
        if self._repeated:
            notes.append(
                f"{self._repeated:,} vectors were not read: an earlier row has the same image or "
                "text."
            )
        if self._unreadable:
            many = f"{len(self._unreadable):,} of {self._images:,} images cannot be read"
            if self._images > self._readable + len(self._unreadable):
                many = f"The first {_GIVE_UP:,} images cannot be read, the others were not tried"
            first = self._unreadable[0]
            notes.append(f"{many} (first: {first}); only their vectors are stored.")
        return notes + [note.text for note in self._finder.notes()]


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
