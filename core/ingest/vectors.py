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
from core.ingest.readers.vectors import VectorIntake
from core.ingest.updates import Updates
from core.ingest.writer import IngestReport, update
from core.types import Item, Passport, Progress

if TYPE_CHECKING:
    from core.store import Collection

CHUNK_ROWS = 20_000  # written at a time
SAME = 1e-6  # largest difference of two vectors that are the same


def import_vectors(
    collection: Collection,
    intake: VectorIntake,
    passport: Passport,
    progress: Progress,
    *,
    place: str = "",
    prune: bool = False,
) -> IngestReport:
    """Store imported vectors and their items.

    Args:
        collection: where they are stored.
        intake: items and vectors of a file; see `read_vectors`.
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
    report = IngestReport(collection.name, rejected=list(intake.rejected), notes=list(intake.notes))
    known, n = collection.item_ids(), len(intake.items)
    updates = Updates(collection, known, place)
    same = _unchanged(collection, intake, passport)
    replaced: set[str] = set()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        for start in range(0, n, CHUNK_ROWS):
            progress(start, n)
            items = intake.items[start : start + CHUNK_ROWS]
            new = [item for item in items if item.id not in known]
            report.repeated += [item.name for item in items if item.id in known]
            report.images += sum(item.kind == "image" for item in new)
            report.texts += sum(item.kind == "text" for item in new)
            thumbnails = zip((i.id for i in new), pool.map(_thumbnail, new), strict=True)
            collection.add(new, [], {id_: webp for id_, webp in thumbnails if webp})
            updates.add(items)
            rows = [i for i, item in enumerate(items, start) if not same.get(item.id)]
            ids = [intake.items[i].id for i in rows]
            collection.write_vectors(passport, ids, intake.vectors[rows], replace=True)
            replaced.update(id_ for id_ in ids if id_ in same)
    collection.add([], intake.pairs, {})
    updates.add([], intake.pairs)
    update(collection, updates, report, touched=replaced, prune=prune)
    if replaced:
        vectors = "1 vector was" if len(replaced) == 1 else f"{len(replaced):,} vectors were"
        report.notes.append(f"{vectors} replaced: the file has others for the same ids.")
    collection.optimize()
    progress(n, n)
    return report


def _unchanged(collection: Collection, intake: VectorIntake, passport: Passport) -> dict[str, bool]:
    """Of the items whose vector is stored already, whether the file has the same one."""
    space = collection.space(passport)
    row_of = dict(zip(space.ids, range(space.n), strict=True))
    found = [(i, row_of[item.id]) for i, item in enumerate(intake.items) if item.id in row_of]
    same: dict[str, bool] = {}
    for start in range(0, len(found), CHUNK_ROWS):
        new, old = np.array(found[start : start + CHUNK_ROWS]).T
        equal = (np.abs(intake.vectors[new] - space.vectors[old]) <= SAME).all(axis=1)
        same |= zip((space.ids[row] for row in old), equal.tolist(), strict=True)
    return same


def _thumbnail(item: Item) -> bytes:
    """The thumbnail of an image whose file can be read, else b""."""
    if item.kind == "text" or not item.source:
        return b""
    try:
        return thumbnail(decode(Path(item.source).read_bytes(), item.name))
    except (OSError, UnreadableFile):
        return b""
