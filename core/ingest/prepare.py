"""Decoding threads: records to items, pixels and thumbnails, ahead of the encoder."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from core.encoders import Encoder
from core.errors import UnreadableFile
from core.ingest.images import decode, thumbnail
from core.ingest.readers.records import Entry, Note, items_of
from core.types import Floats, Item, Rejected

THREADS = 2
AHEAD = 96  # records decoded before the encoder needs them
AHEAD_BYTES = 128_000_000  # of their files


@dataclass(frozen=True)
class PreparedRecord:
    """A record after the decoding thread: its items, and the input of the encoder.

    `note` states what was assumed about the pixels; `report` is an entry without items; `counted`
    whether it is one of the source's `total`.
    """

    items: tuple[Item, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    pixels: Floats | None = None
    thumbnail: bytes = b""
    note: str = ""
    report: Rejected | Note | None = None
    stored: bool = False
    counted: bool = True


def prefetch(
    pool: ThreadPoolExecutor, source: Iterable[Any], prepare: Callable[[Any], PreparedRecord]
) -> Iterator[PreparedRecord]:
    """Prepared records in the source's order, up to AHEAD of them, or AHEAD_BYTES, in progress."""
    waiting: deque[Future[PreparedRecord]] = deque()
    sizes: deque[int] = deque()  # of records that a thread has prepared, until they are counted
    held = 0

    def prepared(record: Any) -> PreparedRecord:
        result = prepare(record)
        sizes.append(_bytes_of(result))
        return result

    try:
        for record in source:
            waiting.append(pool.submit(prepared, record))
            while sizes:
                held += sizes.popleft()
            while len(waiting) >= AHEAD or held > AHEAD_BYTES:
                first = waiting.popleft().result()
                held -= _bytes_of(first)
                yield first
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _bytes_of(record: PreparedRecord) -> int:
    """Bytes of its files."""
    return sum(len(item.payload) for item in record.items)


def prepare(record: Entry, encoder: Encoder, done: set[str]) -> PreparedRecord:
    """Bytes to items and pixels, in a decoding thread. Images with a vector are not decoded."""
    if isinstance(record, Rejected | Note):
        return PreparedRecord(report=record, counted=False)
    try:
        data = record.read() if record.read else None
        image, texts = items_of(record, data)
        if image is None:
            return PreparedRecord(items=texts)
        items = (image, *texts)
        pairs = tuple((image.id, text.id) for text in texts)
        if image.id in done:
            return PreparedRecord(items, pairs)
        decoded = decode(image.payload, record.name)
        pixels, note = encoder.prepare(decoded), decoded.info.get("note", "")
        return PreparedRecord(items, pairs, pixels, thumbnail(decoded), note)
    except UnreadableFile as error:
        return PreparedRecord(report=Rejected(record.name, error.reason))


def prepare_stored(item: Item | Rejected, encoder: Encoder) -> PreparedRecord:
    """The same for an item that is already stored."""
    if isinstance(item, Rejected):
        return PreparedRecord(report=item)
    if item.kind == "text":
        return PreparedRecord((item,), stored=True)
    try:
        pixels = encoder.prepare(decode(item.payload, item.name))
        return PreparedRecord((item,), pixels=pixels, stored=True)
    except UnreadableFile as error:
        return PreparedRecord(report=Rejected(item.name, error.reason))
