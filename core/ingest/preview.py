"""What an ingest would read: how, and the first records with their images. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from core.errors import UnreadableFile, clean, cleaned
from core.ingest.images import decode, thumbnail
from core.ingest.readers.detect import read
from core.ingest.readers.files import Tree
from core.ingest.readers.records import Aside, Note, ReadOptions, Record
from core.ingest.readers.vectors import VectorSource, is_vectors, read_vectors
from core.types import Item, Rejected, Value


@dataclass(frozen=True)
class PreviewRow:
    """One record: an image with its texts, or a text.

    `thumbnail` is WebP, or b"" without an image; `problem` is why the image cannot be read.
    """

    name: str
    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    thumbnail: bytes = b""
    problem: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean(self.name))
        for texts in ("captions", "labels"):
            object.__setattr__(self, texts, tuple(map(clean, getattr(self, texts))))
        object.__setattr__(self, "attributes", cleaned(dict(self.attributes)))


@dataclass(frozen=True)
class Preview:
    """How a source would be read.

    `total` counts its records, None when unknown; `seen` how many of them were looked at for
    `rejected` and `notes`; `rows` are the first.
    """

    name: str
    total: int | None
    seen: int
    rows: tuple[PreviewRow, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    form: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    left_aside: tuple[Aside, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The document that `sextant ingest --dry-run --json` prints; no images."""
        return {
            "source": self.name,
            "form": self.form,
            "columns": dict(self.columns),
            "left_aside": [asdict(aside) for aside in self.left_aside],
            "records": self.total,
            "seen": self.seen,
            "refused": [{"name": r.name, "reason": r.reason} for r in self.rejected],
            "notes": list(self.notes),
            "rows": [
                {
                    "name": row.name,
                    "captions": list(row.captions),
                    "labels": list(row.labels),
                    "attributes": dict(row.attributes),
                    "problem": row.problem,
                }
                for row in self.rows
            ],
        }


def preview(
    path: str | Path,
    root: Path | None,
    options: ReadOptions,
    stored: Tree | None = None,
    *,
    rows: int,
    seconds: float,
) -> Preview:
    """Read the start of a source; see `core.ingest.read`.

    Args:
        path: a folder or a file.
        root: when given, nothing outside this folder is read.
        options: how it is to be read where that shall not be detected.
        stored: images that a table may name where they do not lie beside it.
        rows: how many records are shown.
        seconds: after which no more records are looked at.

    Raises:
        InputError: nothing in it can be read.
    """
    if is_vectors(path, options):
        return _vectors(read_vectors(path, root, options), rows, seconds)
    source, end = read(path, root, options, stored), monotonic() + seconds
    shown: list[PreviewRow] = []
    rejected: list[Rejected] = []
    notes: list[str] = []
    seen = 0
    for entry in source:
        if isinstance(entry, Rejected):
            rejected.append(entry)
        elif isinstance(entry, Note):
            notes.append(entry.text)
        else:
            seen += 1
            if len(shown) < rows:
                shown.append(_row(entry))
        if monotonic() > end:
            break
    else:
        if (not seen and rejected) or 0 < seen == len(shown) == sum(bool(r.problem) for r in shown):
            raise UnreadableFile(source.name, _nothing(shown, rejected))
    reading = source.reading
    return Preview(
        source.name,
        source.total,
        seen,
        tuple(shown),
        tuple(rejected),
        tuple(notes),
        reading.form,
        reading.columns,
        reading.left_aside,
    )


def _row(record: Record) -> PreviewRow:
    image, problem = b"", ""
    try:
        if record.read:
            image = thumbnail(decode(record.read(), record.name))
    except UnreadableFile as error:
        problem = error.reason
    return PreviewRow(
        record.name, record.captions, record.labels, record.attributes, image, problem
    )


def _nothing(shown: Iterable[PreviewRow], rejected: Iterable[Rejected]) -> str:
    bad = [(row.name, row.problem) for row in shown] + [(r.name, r.reason) for r in rejected]
    which = "" if len(bad) == 1 else f"{len(bad):,} rejected, first: "
    return f"nothing in it can be read ({which}{bad[0][0]}: {bad[0][1]})"


def _vectors(source: VectorSource, rows: int, seconds: float) -> Preview:
    items: list[Item] = []
    texts: dict[str, str] = {}
    captions: dict[str, list[str]] = {}
    rejected: list[Rejected] = []
    notes: list[str] = []
    seen, end = 0, monotonic() + seconds
    for block in source:
        seen += len(block.items)
        items += block.items[: rows - len(items)]
        texts |= {item.id: item.text for item in block.items if item.kind == "text"}
        for image, text in block.pairs:
            captions.setdefault(image, []).append(texts.get(text, ""))
            if len(captions) >= rows:
                break
        rejected += block.rejected
        notes += block.notes
        if monotonic() > end:
            break
    else:
        if not items:
            raise UnreadableFile(source.name, _nothing([], rejected))
    reading = source.reading
    return Preview(
        source.name,
        source.total,
        seen,
        tuple(preview_row(item, tuple(captions.get(item.id, ()))) for item in items),
        tuple(rejected),
        tuple(notes),
        reading.form,
        reading.columns,
        reading.left_aside,
    )


def preview_row(item: Item | Rejected, captions: tuple[str, ...] = ()) -> PreviewRow:
    """An item, with the bytes of an image or its file, and its captions."""
    if isinstance(item, Rejected):
        return PreviewRow(item.name, captions, problem=item.reason)
    image = b""
    try:
        if item.kind == "image" and (item.payload or item.source):
            data = item.payload or Path(item.source).read_bytes()
            image = thumbnail(decode(data, item.name))
    except (OSError, UnreadableFile):
        pass
    if item.kind == "text" and item.text:
        captions = (item.text,)
    return PreviewRow(item.name or item.id, captions, item.labels, item.attributes, image)
