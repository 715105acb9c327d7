"""The items table: rows by id, counts, passports, and which items have vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import UnknownName
from core.store import schema
from core.store.database import Database
from core.store.schema import PASSPORTS, vectors_name
from core.store.snapshot import Snapshot
from core.store.table import Table
from core.types import Ints, Passport

Row: TypeAlias = dict[str, Any]
CACHED_ROWS = 2048


@dataclass(frozen=True, slots=True)
class Counts:
    """Size of a collection."""

    images: int
    texts: int
    pairs: int


class RowCache:
    """Rows by id: the most recently read stay in memory until the table changes. Shared, read-only.

    Args:
        database: where the table is.
        name: the table; it has a column `id`.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._lock = Lock()

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those ids that exist; one read for all that are not in memory."""
        table = self._database.table(self._name)
        if table is None:
            return {}
        cache: dict[str, Row | None] = self._database.cached(self._name, self._empty, {})
        with self._lock:
            rows = {id_: cache[id_] for id_ in ids if id_ in cache}
        missing = list({id_: None for id_ in ids if id_ not in rows})
        if missing:
            read = table.read(table.schema().names, {"id": missing}).to_pylist()
            # Absent rows are cached too: texts have no thumbnail, and are looked up as often.
            rows |= dict.fromkeys(missing)
            rows |= {row["id"]: row for row in read}
        with self._lock:
            for id_, row in rows.items():
                cache.pop(id_, None)
                cache[id_] = row  # the last to be evicted
            while len(cache) > CACHED_ROWS:
                cache.pop(next(iter(cache)))
        return {id_: row for id_, row in rows.items() if row is not None}

    def _empty(self, table: Table) -> dict[str, Row | None]:
        """The cache of a new version of the table."""
        return {}


class ItemsTable:
    """Items, counts and passports of one collection.

    Args:
        database: where the tables are.
        what: the name of an item in messages, such as "item of 'pets'".
    """

    def __init__(self, database: Database, what: str) -> None:
        self._database = database
        self._what = what
        self._empty = Snapshot(None)
        self._rows = RowCache(database, "items")
        self._first: tuple[Snapshot, int, pa.ChunkedArray] | None = None
        self._aligned: tuple[Sequence[str], Snapshot, Ints] | None = None

    def passports(self) -> tuple[Passport, ...]:
        """Passports of the encoders, in the order in which they were added."""
        return self._database.cached("passports", _passports, ())

    def items(self) -> Snapshot:
        """The present items; loaded again only after a write."""
        return self._database.cached("items", self._pinned, self._empty)

    def counts(self) -> Counts:
        """Number of images, texts and pairs."""
        kinds = self.items().kind_counts
        pairs = self._database.cached("pairs", Table.count, 0)
        return Counts(kinds.get("image", 0), kinds.get("text", 0), pairs)

    def with_vector(self, passport: Passport) -> pa.Array:
        """Ids of the items that have a vector of this encoder."""
        items = self.items()
        return items.ids.filter(self._has_vector(items, passport))

    def without_vector(self, passport: Passport) -> pa.ChunkedArray:
        """Ids of the items without a vector of this encoder, oldest first."""
        items = self.items()
        rows = pa.table({"id": items.ids, "added": items.column("added")})
        rows = rows.filter(pc.invert(self._has_vector(items, passport)))
        return rows.sort_by([("added", "ascending"), ("id", "ascending")])["id"]

    def first_images(self, n: int) -> pa.ChunkedArray:
        """Ids of the n images that were added first."""
        items, first = self.items(), self._first
        if first is None or first[0] is not items or first[1] != n:
            rows = pa.table({"id": items.ids, "added": items.column("added")})
            images = rows.filter(pc.equal(items.column("kind"), "image"))
            if images.num_rows:  # pyarrow before 25 cannot select from an empty table
                order = [("added", "ascending"), ("id", "ascending")]
                images = images.take(pc.select_k_unstable(images, n, order))
            first = self._first = (items, n, images["id"])
        return first[2]

    def rows(self, ids: Sequence[str], *, skip_unknown: bool = False) -> list[Row]:
        """The rows of some items, in the order of the ids.

        Raises:
            UnknownName: there is no such item, unless unknown ids are skipped.
        """
        by_id = self._rows.rows(ids)
        for id_ in ids:
            if id_ not in by_id and not skip_unknown:
                raise UnknownName(self._what, id_, self.items().ids[:13].to_pylist())
        return [by_id[i] for i in ids if i in by_id]

    def positions(self, items: Snapshot, ids: Sequence[str]) -> Ints:
        """Position of each id in the snapshot, -1 for none; cached: a space repeats its ids."""
        aligned = self._aligned
        if aligned is not None and aligned[0] is ids and aligned[1] is items:
            return aligned[2]
        rows = schema.positions(pa.array(ids, pa.string()), items.ids)
        # A tuple that is the same object holds the same ids; a list may have changed.
        if isinstance(ids, tuple):
            self._aligned = (ids, items, rows)
        return rows

    def _pinned(self, table: Table) -> Snapshot:
        return Snapshot(self._database.pinned("items"))

    def _has_vector(self, items: Snapshot, passport: Passport) -> pa.Array:
        table = self._database.table(vectors_name(passport))
        stored = table.read(["id"])["id"] if table else pa.array([], pa.string())
        return pc.is_in(items.ids, value_set=stored)


def _passports(table: Table) -> tuple[Passport, ...]:
    rows = table.read(PASSPORTS.names).sort_by([("added", "ascending")])
    try:
        return tuple(Passport.from_json(p) for p in rows["passport"].to_pylist())
    except TypeError as error:  # a name that no passport has
        raise ValueError(str(error)) from error
