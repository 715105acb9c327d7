"""Writes an ingest: encodes prepared records in batches, stores them in chunks, and reports."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import Encoder, long_text_note
from core.ingest.prepare import PreparedRecord
from core.ingest.readers.records import Aside, Note
from core.ingest.updates import Updates
from core.types import Floats, Item, Passport, Rejected

if TYPE_CHECKING:
    from core.store import Collection

CHUNK_ROWS = 1000
CHUNK_BYTES = 256_000_000  # of images that wait to be stored
CHUNK_SECONDS = 30.0
FIRST_SECONDS = 2.0
"""To the first chunk, so that it can be searched at once; each later one takes twice as long."""
IMAGE_BATCH = 32
TEXT_BATCH = 64


@dataclass
class IngestReport:
    """The result of an ingest.

    `form`, `columns` and `left_aside`: how the source was read. `repeated`: names of items that are
    identical to others. Of the items that the collection had, `updated` got other labels,
    attributes, paths or vectors, and `unchanged` did not. `changed` and `gone`: names of those that
    the source had earlier and has no more, because the image is another one now or disappeared;
    `pruned`: how many of them were deleted. `rejected`: records.
    """

    collection: str
    images: int = 0
    texts: int = 0
    repeated: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    encoded: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    updated: int = 0
    unchanged: int = 0
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    pruned: int = 0
    form: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    left_aside: Sequence[Aside] = ()

    def to_dict(self) -> dict[str, Any]:
        """The document that `sextant ingest --json` prints."""
        return {
            "collection": self.collection,
            "form": self.form,
            "columns": dict(self.columns),
            "left_aside": [asdict(aside) for aside in self.left_aside],
            "added": {"image": self.images, "text": self.texts},
            "repeated": self.repeated,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "changed": self.changed,
            "gone": self.gone,
            "pruned": self.pruned,
            "refused": [{"name": r.name, "reason": r.reason} for r in self.rejected],
            "encoded": self.encoded,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
        }


def update(
    collection: Collection,
    updates: Updates,
    report: IngestReport,
    *,
    touched: Container[str] = (),
    prune: bool = False,
) -> bool:
    """Update existing items with what a source has now, and report it; returns whether any changed.

    Args:
        collection: where they are stored.
        updates: the items of the source.
        report: gets the counts and names.
        touched: ids whose vectors were replaced.
        prune: also delete the items that the source had earlier and has no more.
    """
    report.updated = updates.write(touched)
    report.unchanged = updates.n_known - report.updated
    replaced = updates.replace_captions()
    report.notes += updates.notes()
    if replaced:
        captions = "1 caption" if replaced == 1 else f"{replaced:,} captions"
        report.notes.append(f"Deleted {captions} that the source no longer has.")
    missing = updates.missing(r.name for r in report.rejected)
    report.changed, report.gone = list(missing.changed), list(missing.gone)
    if prune:
        collection.delete_items(missing.ids)
        report.pruned = len(missing.ids)
    updates.note_place()
    return bool(report.updated or replaced or report.pruned)


def passport_for(collection: Collection, encoder: Encoder) -> Passport:
    """The passport of the collection's vectors of this encoder, or of a new table of them.

    Raises:
        PassportMismatch: the collection has vectors of that model that this encoder cannot extend.
    """
    for stored in collection.passports():
        if stored.model == encoder.passport.model:
            stored.check(encoder.passport)
            return stored
    return encoder.passport


class Writer:
    """Encodes prepared records in batches and writes them in chunks.

    Args:
        collection: where they are stored.
        encoder: computes the vectors.
        passport: of the encoder, as the collection has it.
        done: ids of the items that have a vector of it.
        precomputed: (d,) rows of the encoder by id, for items that need not be encoded.
        listed: whether the vectors show at once; see `Collection.write_vectors`.
        place: what is ingested; see `Updates`.
    """

    def __init__(
        self,
        collection: Collection,
        encoder: Encoder,
        passport: Passport,
        done: set[str],
        precomputed: Mapping[str, Floats] = MappingProxyType({}),
        *,
        listed: bool = True,
        place: str = "",
    ) -> None:
        self.collection, self.encoder, self.passport = collection, encoder, passport
        self.listed = listed
        self.precomputed = precomputed
        self.report = IngestReport(collection.name)
        self.wrote = False
        self.waiting = 0  # records whose items are in the queue
        self._known = collection.item_ids()
        self._deleted = collection.edits.deleted()
        self._updates = Updates(collection, self._known, place)
        self._done = set(done)
        self._images: list[tuple[str, Floats]] = []
        self._texts: list[Item] = []
        self._new: dict[str, Item] = {}
        self._pairs: dict[tuple[str, str], None] = {}
        self._thumbnails: dict[str, bytes] = {}
        self._ids: list[str] = []
        self._rows: list[Floats] = []
        self._since, self._seconds = monotonic(), FIRST_SECONDS
        self._long = self._bytes = 0
        self._notes: dict[str, list[str]] = {}

    def add(self, record: PreparedRecord) -> None:
        """Queue a record's items; encode full batches and write full chunks."""
        if isinstance(record.report, Note):
            self.report.notes.append(record.report.text)
        elif record.report:
            self.report.rejected.append(record.report)
        for item in record.items:
            self._add_item(item, record)
        if record.note:
            self._notes.setdefault(record.note, []).append(record.items[0].name)
        if not record.stored:
            self._updates.add(record.items, record.pairs)
        self._pairs.update(dict.fromkeys(record.pairs))
        self.waiting += record.counted
        if not (self._images or self._texts):
            self.waiting = 0
        if len(self._images) >= IMAGE_BATCH or len(self._texts) >= TEXT_BATCH:
            self.encode()
        full = len(self._ids) >= CHUNK_ROWS or self._bytes >= CHUNK_BYTES
        if full or monotonic() - self._since > self._seconds:
            self.encode()
            self.flush()

    def _add_item(self, item: Item, record: PreparedRecord) -> None:
        if item.id in self._deleted:
            return
        if item.id in self._known:
            if not record.stored:
                self.report.repeated.append(item.name)
        else:
            self._known.add(item.id)
            self._new[item.id] = item
            self._bytes += len(item.payload)
            if item.kind == "image":
                self.report.images += 1
                self._thumbnails[item.id] = record.thumbnail
            else:
                self.report.texts += 1
        if item.id not in self._done:
            self._done.add(item.id)
            if item.id in self.precomputed:
                self._add_rows([item.id], self.precomputed[item.id][None])
            elif item.kind == "text":
                self._texts.append(item)
            elif record.pixels is not None:
                self._images.append((item.id, record.pixels))

    def encode(self) -> None:
        """Encode the queue."""
        self.waiting = 0
        if self._images:
            pixels = np.stack([p for _, p in self._images])
            self._add_rows([i for i, _ in self._images], self.encoder.encode_prepared(pixels))
            self._images.clear()
        if self._texts:
            rows = self.encoder.encode_texts([t.text for t in self._texts])
            self._long += sum(bool(long_text_note(self.encoder, t.text)) for t in self._texts)
            self._add_rows([t.id for t in self._texts], rows)
            self._texts.clear()

    def _add_rows(self, ids: list[str], rows: Floats) -> None:
        self._ids += ids
        self._rows.append(rows)
        self.report.encoded += len(ids)

    def update(self, *, prune: bool = False) -> None:
        """Update existing items with what the source has now, after the last chunk."""
        if update(self.collection, self._updates, self.report, prune=prune):
            self.wrote = True

    def note(self) -> None:
        """Report what was assumed about pixels and the encoder, and how long texts were encoded."""
        unchecked = self.passport.unchecked(self.encoder.passport)
        if unchecked:
            self.report.notes.append(unchecked)
        for note, names in self._notes.items():
            images = "1 image has" if len(names) == 1 else f"{len(names):,} images have"
            self.report.notes.append(f"{images} {note} (first: {names[0]}).")
        if self._long:
            how = {
                "": "they are truncated, like the collection's other texts",
                "windows": "they are encoded in windows, whose vectors are averaged",
            }.get(self.passport.long_text, "they are encoded with interpolated positions")
            texts = "1 text exceeds" if self._long == 1 else f"{self._long:,} texts exceed"
            self.report.notes.append(f"{texts} the encoder's token limit: {how}.")

    def flush(self) -> None:
        """Write the chunk: items before their vectors."""
        if self._new or self._pairs:
            self.collection.add(list(self._new.values()), list(self._pairs), self._thumbnails)
        if self._ids:
            rows = np.concatenate(self._rows)
            self.collection.write_vectors(self.passport, self._ids, rows, listed=self.listed)
        self.wrote = self.wrote or bool(self._new or self._ids)
        self._new, self._pairs, self._thumbnails = {}, {}, {}
        self._ids, self._rows, self._since, self._bytes = [], [], monotonic(), 0
        self._seconds = min(2 * self._seconds, CHUNK_SECONDS)
