"""The two encoding runs: a new source, or a further encoder for the items of a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core import encoders
from core.encoders import Encoder
from core.errors import Cancelled, InputError
from core.ingest.prepare import THREADS, PreparedRecord, prefetch, prepare, prepare_stored
from core.ingest.readers.records import Source
from core.ingest.writer import IngestReport, Writer, passport_for
from core.types import Floats, Passport, Progress

if TYPE_CHECKING:
    from core.store import Collection


def ingest(
    collection: Collection,
    source: Source,
    encoder: Encoder,
    progress: Progress,
    precomputed: Mapping[str, Floats] = MappingProxyType({}),
    *,
    place: str = "",
    prune: bool = False,
) -> IngestReport:
    """Add the items of a source to a collection, and encode those without a vector.

    Items that the collection has are updated; see `core.ingest.updates`.

    Args:
        collection: where items, pairs, thumbnails and vectors are stored.
        source: see `core.ingest.read`.
        encoder: computes the vectors; its passport names their table.
        progress: called with (records done, all records); may raise `Cancelled` to stop the run,
            after which everything encoded so far is stored.
        precomputed: (d,) rows of this encoder by item id, used in place of encoding.
        place: what is ingested, so that it is noticed what is gone when it comes again: its
            absolute path, or "upload" and anything; "" for none.
        prune: also delete the items that the place had earlier and has no more.

    Raises:
        PassportMismatch: the collection has vectors of that model that this encoder cannot extend.
    """
    passport = passport_for(collection, encoder)
    encoder = encoders.with_long_text(encoder, passport.long_text)
    done = collection.vector_ids(passport) | collection.edits.deleted()
    writer = Writer(collection, encoder, passport, done, precomputed, place=place)
    reading = source.reading
    writer.report.form, writer.report.columns = reading.form, reading.columns
    writer.report.left_aside = reading.left_aside
    _run(writer, source, lambda r: prepare(r, encoder, done), source.total, progress, prune=prune)
    return writer.report


def add_encoder(collection: Collection, encoder: Encoder, progress: Progress) -> IngestReport:
    """Encode the items of a collection that have no vector of this encoder."""
    passport = passport_for(collection, encoder)
    encoder = encoders.with_long_text(encoder, passport.long_text)
    done = collection.vector_ids(passport)
    total = len(collection.item_ids()) - len(done)
    writer = Writer(collection, encoder, passport, done)
    items = collection.unencoded(passport)
    _run(writer, items, lambda i: prepare_stored(i, encoder), total, progress)
    return writer.report


def encode_again(
    collection: Collection,
    old: Passport,
    encoder: Encoder,
    progress: Progress,
    precomputed: Mapping[str, Floats] = MappingProxyType({}),
) -> IngestReport:
    """Replace vectors by those of another version of their encoder.

    The old ones stay until the new ones are complete; a run that was stopped resumes.

    Args:
        collection: its items are encoded, with long texts as before.
        old: the passport of the vectors that are replaced.
        encoder: computes the new ones.
        progress: called with (items done, all items); may raise `Cancelled` to stop the run.
        precomputed: (d,) rows of this encoder by item id, used in place of encoding.

    Raises:
        InputError: an item that has an old vector cannot be read; the old ones stay.
    """
    encoder = encoders.with_long_text(encoder, old.long_text)
    new = encoder.passport
    done = collection.vector_ids(new)
    writer = Writer(collection, encoder, new, done, precomputed, listed=False)
    total = len(collection.item_ids()) - len(done)
    items = collection.unencoded(new)
    _run(writer, items, lambda i: prepare_stored(i, encoder), total, progress)
    missing = len(collection.vector_ids(old) - collection.vector_ids(new))
    if missing:
        first = writer.report.rejected[0]
        of = "1 item" if missing == 1 else f"{missing:,} items"
        raise InputError(
            f"{of} of '{collection.name}' cannot be encoded again, so that the stored vectors stay "
            f"(first: {first.name}: {first.reason}). Restore the files or delete these items, then "
            "repeat: the others are done."
        )
    collection.succeed(old, new)
    return writer.report


def _run(
    writer: Writer,
    source: Iterable[Any],
    prepare: Callable[[Any], PreparedRecord],
    total: int | None,
    progress: Progress,
    *,
    prune: bool = False,
) -> None:
    """Decode ahead in threads; encode and write in this one."""
    started = monotonic()
    progress(0, total or 0)
    try:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
            added = done = 0
            for record in prefetch(pool, source, prepare):
                writer.add(record)
                added += record.counted
                while done < added - writer.waiting:
                    done += 1
                    progress(done, max(total, done) if total else 0)
            writer.encode()
            progress(added, added)
    except (Cancelled, KeyboardInterrupt):
        writer.flush()
        raise
    writer.flush()
    writer.update(prune=prune)
    writer.note()
    writer.report.seconds = monotonic() - started
    if writer.wrote:
        writer.collection.optimize()
