"""One collection: the verbs, each a few lines; the work is in the files beside this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import UnknownName
from core.store import filters, writes
from core.store.artifacts import Artifacts
from core.store.filters import Field
from core.store.full_text import FullTextIndex
from core.store.items import Counts, ItemsTable, RowCache
from core.store.lance import Database
from core.store.originals import Originals
from core.store.schema import PAIRS, item_of, vectors_name
from core.store.space import space as assemble_space
from core.store.token_vectors import TokenStore
from core.types import Bools, Filter, Floats, Item, Passport, Rejected, Space

ITEMS_AT_ONCE = 256


class Collection:
    """Items, pairs, thumbnails and vectors under one name; threads and processes may share one.

    Args:
        uri: its own folder or address.
        name: what the user calls it.
        created: when, as ISO 8601 in UTC.
    """

    def __init__(self, uri: str, name: str, created: str = "") -> None:
        self.name = name
        self.created = created
        self._database = Database(uri, f"The collection '{name}'")
        self._originals = Originals(uri, f"The collection '{name}'")
        self._notes = Artifacts(self._database)
        self._contents = ItemsTable(self._database, f"item of '{name}'")
        self._thumbnails = RowCache(self._database, "thumbnails")
        self._words = FullTextIndex(self._database, self._contents)
        self.tokens = TokenStore(self._database)

    def version(self) -> str:
        """Changes when any process has written items, pairs, thumbnails or vectors.

        No two collections share one, not even in turn under one name.
        """
        names = "items", "pairs", "thumbnails", *map(vectors_name, self.passports())
        tables = [(name, self._database.table(name)) for name in names]
        told = (f"{name}:{t.version() if t else 0}" for name, t in tables)
        return " ".join([self._database.uri, *told])

    def counts(self) -> Counts:
        """Number of images, texts and pairs."""
        return self._contents.counts()

    def item_ids(self) -> set[str]:
        """Ids of all items."""
        return set(self._contents.items().ids.to_pylist())

    def vector_ids(self, passport: Passport) -> set[str]:
        """Ids of the items that have a vector of this encoder."""
        return set(self._contents.with_vector(passport).to_pylist())

    def passports(self) -> tuple[Passport, ...]:
        """How the vectors came to be, one for each encoder, in the order they were added."""
        return self._contents.passports()

    def passport(self, encoder: str | None = None) -> Passport:
        """The passport of an encoder, by its name or its passport's key; the first added if None.

        Raises:
            UnknownName: the collection has no vectors of that encoder.
        """
        kept = self.passports()
        for passport in kept:
            if encoder in (None, passport.model, passport.key):
                return passport
        what = f"encoder of '{self.name}'"
        raise UnknownName(what, encoder or "default", [p.model for p in kept])

    def space(self, passport: Passport) -> Space:
        """All items with a vector of this encoder: images, then texts, each sorted by id."""
        pairs = self._database.table("pairs")
        return assemble_space(
            self._contents.items(),
            self._database.pinned(vectors_name(passport)),
            pairs.read(PAIRS.names) if pairs else PAIRS.empty_table(),
            passport,
        )

    def items(self, ids: Sequence[str]) -> list[Item]:
        """The items of some ids, in that order; pictures come without their bytes.

        Raises:
            UnknownName: there is no such item.
        """
        return [item_of(row) for row in self._contents.rows(ids)]

    def first_images(self, n: int) -> tuple[str, ...]:
        """Ids of the n pictures that were added first."""
        return tuple(self._contents.first_images(n).to_pylist())

    def thumbnails(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Small WebP pictures of those ids that have one."""
        return {id_: row["webp"] for id_, row in self._thumbnails.rows(ids).items()}

    def pairs_of(self, id: str) -> tuple[str, ...]:
        """Ids that belong with an item: a picture's texts, or a text's pictures; sorted."""
        table = self._database.table("pairs")
        if table is None:
            return ()
        rows = table.read(PAIRS.names, {"image": [id], "text": [id]}).to_pylist()
        return tuple(sorted({r["text"] if r["image"] == id else r["image"] for r in rows}))

    def payload(self, id: str) -> bytes:
        """A picture's original file bytes, or a text as UTF-8.

        Raises:
            UnreadableFile: the picture's file is gone or is now another picture.
        """
        row = self._contents.rows([id])[0]
        return self._originals.payload(item_of(row), row["content"])

    def missing(self, passport: Passport) -> Iterator[Item | Rejected]:
        """Items without a vector of this encoder, first added first, with payload or why not."""
        return self.filled(self._contents.without_vector(passport).to_pylist())

    def filled(self, ids: Sequence[str]) -> Iterator[Item | Rejected]:
        """Items with their payload; ids that are not there are passed over. See `missing`."""
        for start in range(0, len(ids), ITEMS_AT_ONCE):
            for row in self._contents.rows(ids[start : start + ITEMS_AT_ONCE], skip_unknown=True):
                yield self._originals.filled(item_of(row), row["content"])

    def find_words(
        self, text: str, limit: int = 1000, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """Items that hold any word of a text, as (id, BM25 score), best first; see `words`."""
        return self._words.find(text, limit, among)

    def fields(self) -> tuple[Field, ...]:
        """What the items can be filtered by."""
        return filters.fields(self._contents.items())

    def mask(self, conditions: Sequence[Filter], ids: Sequence[str]) -> Bools:
        """Which of these ids satisfy every condition; ids that are not there do not."""
        items = self._contents.items()
        rows = self._contents.rows_of(items, ids)
        hit = np.append(filters.mask(items, conditions), False)
        return hit[rows]

    @property
    def notes(self) -> Artifacts:
        """What is remembered beside the items."""
        return self._notes

    def read_layout(self, name: str, space_key: str) -> Floats | None:
        """Projection coordinates kept for a space, or None."""
        return self._notes.read_layout(name, space_key)

    def last_intake(self) -> dict[str, Any] | None:
        """The report of the newest ingest."""
        return next(iter(self._notes.intakes()), None)

    def intakes(self) -> tuple[dict[str, Any], ...]:
        """The reports of the recent ingests, newest first."""
        return self._notes.intakes()

    # Written to it; doing the same again changes nothing.
    def add(
        self,
        items: Sequence[Item],
        pairs: Sequence[tuple[str, str]] = (),
        thumbnails: Mapping[str, bytes] | None = None,
    ) -> None:
        """Add items, (image id, text id) pairs and WebP thumbnails. What is there stays as it is.

        The bytes of a picture without a source are kept; those of a picture with one are not.
        """
        writes.add(self._database, self._originals, items, pairs, thumbnails or {})

    def write_vectors(self, passport: Passport, ids: Sequence[str], vectors: Floats) -> None:
        """Keep (n, d) vectors of n items; an item that has one of this encoder keeps it."""
        writes.write_vectors(self._database, passport, ids, vectors)

    def delete_items(self, ids: Sequence[str]) -> None:
        """Delete items with their pairs, thumbnails, vectors and copies of pictures."""
        writes.delete(self._database, self._originals, self.passports(), list(ids))

    def optimize(self) -> None:
        """Tidy up after many writes."""
        writes.optimize(self._database, self._originals, self.passports())

    def write_layout(self, name: str, space_key: str, coords: Floats) -> None:
        """Keep projection coordinates, aligned with the rows of a space."""
        self._notes.write_layout(name, space_key, coords)

    def note_intake(self, report: Mapping[str, Any]) -> None:
        """Keep the report of an ingest."""
        self._notes.note_intake(report)
