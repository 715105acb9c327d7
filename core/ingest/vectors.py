"""Imported vectors, which another program computed, with the items they belong to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UnreadableFile
from core.ingest.images import decode, thumbnail
from core.ingest.prepare import THREADS
from core.ingest.readers.vectors import VectorBlock, VectorSource
from core.ingest.updates import Updates
from core.ingest.writer import IngestReport, update
from core.types import Item, Passport, Progress, Space

if TYPE_CHECKING:
    from core.store import Collection

SAME = 1e-6  # largest difference of two vectors that are the same


def import_vectors(
    collection: Collection,
    source: VectorSource,
    passport: Passport,
    progress: Progress,
    *,
    place: str = "",
    prune: bool = False,
) -> IngestReport:
    """Store imported vectors and their items.

    Args:
        collection: where they are stored.
        source: items with vectors; see `read_vectors`.
        passport: names the encoder that computed them.
        progress: called with (items done, all items).
        place: see `core.ingest.ingest`.
        prune: also delete the items that the place had earlier and has no more.

    Raises:
        PassportMismatch: the collection has vectors of that model with another dimension.
    """
    for stored in collection.passports():
        if stored.model == passport.model:
            replace(stored, weights="").check(passport)
            passport = stored
    reading = source.reading
    report = IngestReport(
        collection.name,
        form=reading.form,
        columns=reading.columns,
        left_aside=reading.left_aside,
    )
    known, total, done = collection.item_ids(), source.total, 0
    updates, deleted = Updates(collection, known, place), collection.edits.deleted()
    stored_space = collection.space(passport)
    replaced: set[str] = set()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        for block in source:
            progress(min(done, total), total)
            report.rejected += block.rejected
            report.notes += block.notes
            if block.items:
                new = [i for i in block.items if i.id not in known and i.id not in deleted]
                report.repeated += [item.name for item in block.items if item.id in known]
                report.images += sum(item.kind == "image" for item in new)
                report.texts += sum(item.kind == "text" for item in new)
                prepared = list(pool.map(_prepared, new))
                thumbnails = {item.id: webp for item, webp in prepared if webp}
                collection.add([item for item, _ in prepared], [], thumbnails)
                updates.add(block.items)
                same = _unchanged(stored_space, block)
                rows = [i for i, item in enumerate(block.items) if not same.get(item.id)]
                ids = [block.items[i].id for i in rows]
                collection.write_vectors(passport, ids, block.vectors[rows], replace=True)
                replaced.update(id_ for id_ in ids if id_ in same)
            collection.add([], block.pairs, {})
            updates.add([], block.pairs)
            done += len(block.items)
    update(collection, updates, report, touched=replaced, prune=prune)
    if replaced:
        vectors = "1 vector was" if len(replaced) == 1 else f"{len(replaced):,} vectors were"
        report.notes.append(f"{vectors} replaced: the file has others for the same ids.")
    collection.optimize()
    progress(total, total)
    return report


def _unchanged(stored: Space, block: VectorBlock) -> dict[str, bool]:
    """Of the items whose vector is stored already, whether the source has the same one."""
    found = [(i, item.id) for i, item in enumerate(block.items) if item.id in stored.row]
    new = block.vectors[[i for i, _ in found]]
    old = stored.vectors[[stored.row[id_] for _, id_ in found]]
    equal = (np.abs(new - old) <= SAME).all(axis=1)
    return dict(zip((id_ for _, id_ in found), equal.tolist(), strict=True))


def _prepared(item: Item) -> tuple[Item, bytes]:
    """The item with its thumbnail, b"" where its image cannot be read; bytes that are none go."""
    if item.kind == "text" or not (item.source or item.payload):
        return item, b""
    try:
        data = item.payload or Path(item.source).read_bytes()
        return item, thumbnail(decode(data, item.name))
    except (OSError, UnreadableFile):
        return replace(item, payload=b""), b""
