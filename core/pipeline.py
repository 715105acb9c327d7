"""From a source to stored vectors: threads decode, the encoder encodes, chunks are written.

Every write is a merge by id, so a run that was killed is simply run again: what has a vector is not
even decoded, and at most one chunk is encoded twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import Encoder
from core.errors import PassportMismatch, UnreadableFile
from core.ingest import Record, Source, VectorIntake, decode, items_of, thumbnail
from core.jobs import Cancelled
from core.types import Floats, Item, Passport, Progress, Refusal

if TYPE_CHECKING:
    from core.store import Collection

CHUNK_ROWS = 1000
CHUNK_SECONDS = 30.0
BROUGHT_ROWS = 20_000  # written at a time when the vectors are there already
IMAGE_BATCH = 32
TEXT_BATCH = 64
THREADS = 2
AHEAD = 3 * IMAGE_BATCH  # records decoded before the encoder asks for them


@dataclass
class Report:
    """What a run did. `repeated` names what was already there, `refused` what was not taken."""

    collection: str
    images: int = 0
    texts: int = 0
    repeated: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    encoded: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The document that `sextant ingest --json` prints."""
        return {
            "collection": self.collection,
            "added": {"image": self.images, "text": self.texts},
            "repeated": self.repeated,
            "refused": [{"name": r.name, "reason": r.reason} for r in self.refused],
            "encoded": self.encoded,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
        }


@dataclass(frozen=True)
class _Ready:
    """One record after the decoding thread: its items, and the pixels the encoder takes."""

    items: tuple[Item, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    pixels: Floats | None = None
    thumbnail: bytes = b""
    refused: Refusal | None = None
    stored: bool = False


def ingest(collection: Collection, source: Source, encoder: Encoder, progress: Progress) -> Report:
    """Read a source into a collection and encode what has no vector yet.

    Args:
        collection: where items, pairs, thumbnails and vectors go.
        source: what to read; see `core.ingest.read`.
        encoder: makes the vectors; its passport names the vector table.
        progress: called with (records done, records in all); may raise to stop the run, after
            which everything encoded so far is kept.

    Raises:
        PassportMismatch: the collection has vectors of that model that this encoder cannot extend.
    """
    passport = passport_for(collection, encoder)
    done = collection.vector_ids(passport)
    writer = _Writer(collection, encoder, passport, done)
    _run(writer, source, lambda r: _prepare(r, encoder, done), source.total, progress)
    return writer.report


def add_encoder(collection: Collection, encoder: Encoder, progress: Progress) -> Report:
    """Encode everything in a collection that this encoder has not encoded yet."""
    passport = passport_for(collection, encoder)
    done = collection.vector_ids(passport)
    total = len(collection.item_ids()) - len(done)
    writer = _Writer(collection, encoder, passport, done)
    missing = collection.missing(passport)
    _run(writer, missing, lambda i: _prepare_item(i, encoder), total, progress)
    return writer.report


def bring(
    collection: Collection, intake: VectorIntake, passport: Passport, progress: Progress
) -> Report:
    """Take in vectors that a person made elsewhere, with the items they belong to.

    Raises:
        PassportMismatch: the collection has vectors of that model with another dimension.
    """
    for stored in collection.passports():
        if stored.model == passport.model:
            check_passport(replace(stored, weights=""), passport)
            passport = stored
    report = Report(collection.name, refused=list(intake.refused), notes=list(intake.notes))
    known, done, n = collection.item_ids(), collection.vector_ids(passport), len(intake.items)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        for start in range(0, n, BROUGHT_ROWS):
            progress(start, n)
            items = intake.items[start : start + BROUGHT_ROWS]
            new = [item for item in items if item.id not in known]
            report.repeated += [item.name for item in items if item.id in known]
            report.images += sum(item.kind == "image" for item in new)
            report.texts += sum(item.kind == "text" for item in new)
            shown = zip((item.id for item in new), pool.map(_brought_thumbnail, new), strict=True)
            collection.add(new, [], {id_: webp for id_, webp in shown if webp})
            rows = [i for i, item in enumerate(items, start) if item.id not in done]
            ids = [intake.items[i].id for i in rows]
            collection.write_vectors(passport, ids, intake.vectors[rows])
    collection.add([], intake.pairs, {})
    collection.optimize()
    progress(n, n)
    return report


def _brought_thumbnail(item: Item) -> bytes:
    """A small picture of an item that came with its vector, where its file can be read."""
    if item.kind == "text" or not item.source:
        return b""
    try:
        return thumbnail(decode(Path(item.source).read_bytes(), item.name))
    except (OSError, UnreadableFile):
        return b""


def passport_for(collection: Collection, encoder: Encoder) -> Passport:
    """The passport of the collection's vectors that this encoder makes, or would begin.

    Raises:
        PassportMismatch: vectors of that model are there, but this encoder would make others.
    """
    for stored in collection.passports():
        if stored.model == encoder.passport.model:
            check_passport(stored, encoder.passport)
            return stored
    return encoder.passport


def check_passport(stored: Passport, found: Passport) -> None:
    """Refuse an encoder that would make other vectors under the same name.

    Vectors that a person brought carry no digest of weights: there only the dimension can be held
    against the encoder.

    Raises:
        PassportMismatch: the first field in which they differ.
    """
    for name in ("d", "weights", "preprocessing") if stored.weights else ("d",):
        old, new = getattr(stored, name), getattr(found, name)
        if old != new:
            raise PassportMismatch(stored.model, name, old, new)


def _run(
    writer: _Writer,
    source: Iterable[Any],
    prepare: Callable[[Any], _Ready],
    total: int | None,
    progress: Progress,
) -> None:
    """Decode ahead in threads, encode and write here."""
    started = monotonic()
    progress(0, total or 0)
    try:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
            for n, ready in enumerate(_ahead(pool, source, prepare), 1):
                writer.take(ready)
                progress(n, max(total or 0, n))
            writer.encode()
    except (Cancelled, KeyboardInterrupt):
        writer.flush()
        raise
    writer.flush()
    writer.report.seconds = monotonic() - started
    if writer.wrote:
        writer.collection.optimize()


def _ahead(
    pool: ThreadPoolExecutor, source: Iterable[Any], prepare: Callable[[Any], _Ready]
) -> Iterator[_Ready]:
    """Results in the source's order, with up to AHEAD records in work."""
    waiting: deque[Future[_Ready]] = deque()
    try:
        for record in source:
            waiting.append(pool.submit(prepare, record))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _prepare(record: Record | Refusal, encoder: Encoder, done: set[str]) -> _Ready:
    """In a decoding thread: bytes to items and pixels. What has a vector is not decoded."""
    if isinstance(record, Refusal):
        return _Ready(refused=record)
    try:
        data = record.read() if record.read else None
        image, texts = items_of(record, data)
        if image is None:
            return _Ready(items=texts)
        items = (image, *texts)
        pairs = tuple((image.id, text.id) for text in texts)
        if image.id in done:
            return _Ready(items, pairs)
        picture = decode(image.payload, record.name)
        return _Ready(items, pairs, encoder.prepare(picture), thumbnail(picture))
    except UnreadableFile as error:
        return _Ready(refused=Refusal(record.name, error.reason))


def _prepare_item(item: Item | Refusal, encoder: Encoder) -> _Ready:
    """The same for an item that is already stored."""
    if isinstance(item, Refusal):
        return _Ready(refused=item)
    if item.kind == "text":
        return _Ready((item,), stored=True)
    try:
        pixels = encoder.prepare(decode(item.payload, item.name))
        return _Ready((item,), pixels=pixels, stored=True)
    except UnreadableFile as error:
        return _Ready(refused=Refusal(item.name, error.reason))


class _Writer:
    """Collects what is ready, encodes it in batches and writes it in chunks."""

    def __init__(
        self, collection: Collection, encoder: Encoder, passport: Passport, done: set[str]
    ) -> None:
        self.collection, self.encoder, self.passport = collection, encoder, passport
        self.report = Report(collection.name)
        self.wrote = False
        self._known = collection.item_ids()
        self._done = set(done)
        self._images: list[tuple[str, Floats]] = []
        self._texts: list[Item] = []
        self._new: dict[str, Item] = {}
        self._pairs: dict[tuple[str, str], None] = {}
        self._thumbnails: dict[str, bytes] = {}
        self._ids: list[str] = []
        self._rows: list[Floats] = []
        self._since = monotonic()

    def take(self, ready: _Ready) -> None:
        """Queue one record's items; encode and write when there is enough."""
        if ready.refused:
            self.report.refused.append(ready.refused)
            return
        for item in ready.items:
            self._take_item(item, ready)
        self._pairs.update(dict.fromkeys(ready.pairs))
        if len(self._images) >= IMAGE_BATCH or len(self._texts) >= TEXT_BATCH:
            self.encode()
        if len(self._ids) >= CHUNK_ROWS or monotonic() - self._since > CHUNK_SECONDS:
            self.encode()
            self.flush()

    def _take_item(self, item: Item, ready: _Ready) -> None:
        if item.id in self._known:
            if not ready.stored:
                self.report.repeated.append(item.name)
        else:
            self._known.add(item.id)
            self._new[item.id] = item
            if item.kind == "image":
                self.report.images += 1
                self._thumbnails[item.id] = ready.thumbnail
            else:
                self.report.texts += 1
        if item.id not in self._done:
            self._done.add(item.id)
            if item.kind == "text":
                self._texts.append(item)
            elif ready.pixels is not None:
                self._images.append((item.id, ready.pixels))

    def encode(self) -> None:
        """Encode what is queued."""
        if self._images:
            pixels = np.stack([p for _, p in self._images])
            self._keep([i for i, _ in self._images], self.encoder.encode_prepared(pixels))
            self._images.clear()
        if self._texts:
            rows = self.encoder.encode_texts([t.text for t in self._texts])
            self._keep([t.id for t in self._texts], rows)
            self._texts.clear()

    def _keep(self, ids: list[str], rows: Floats) -> None:
        self._ids += ids
        self._rows.append(rows)
        self.report.encoded += len(ids)

    def flush(self) -> None:
        """Write the chunk: items before the vectors that refer to them."""
        if self._new or self._pairs:
            self.collection.add(list(self._new.values()), list(self._pairs), self._thumbnails)
        if self._ids:
            rows = np.concatenate(self._rows)
            self.collection.write_vectors(self.passport, self._ids, rows)
        self.wrote = self.wrote or bool(self._new or self._ids)
        self._new, self._pairs, self._thumbnails = {}, {}, {}
        self._ids, self._rows, self._since = [], [], monotonic()
