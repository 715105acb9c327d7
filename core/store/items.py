"""Rows that were read of a table, by id: the last of them stay in memory until somebody writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import UnknownName
from core.store import schema
from core.store.lance import Database, Table
from core.store.schema import PASSPORTS, vectors_name
from core.store.snapshot import Snapshot
from core.types import Ints, Passport

Rows: TypeAlias = dict[str, dict[str, Any]]
Told: TypeAlias = dict[str, dict[str, Any] | None]
MOST = 2048  # rows


class RowCache:
    """Rows of one table that has an `id`; read-only and shared.

    Args:
        database: where the table is.
        name: the table.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._lock = Lock()

    def rows(self, ids: Sequence[str]) -> Rows:
        """All that is stored under those of the ids that are there; one read for what is new."""
        table = self._database.table(self._name)
        if table is None:
            return {}
        known: Told = self._database.once(self._name, self._nothing, {})
        with self._lock:
            found: Told = {id_: known[id_] for id_ in ids if id_ in known}
        missing = list({id_: None for id_ in ids if id_ not in found})
        if missing:
            read = table.read(table.schema().names, {"id": missing}).to_pylist()
            # That there is no row is kept too: texts have no thumbnail, and are asked for as often.
            found |= dict.fromkeys(missing)
            found |= {row["id"]: row for row in read}
        with self._lock:
            for id_, row in found.items():
                known.pop(id_, None)
                known[id_] = row  # last in line to be let go
            while len(known) > MOST:
                known.pop(next(iter(known)))
        return {id_: row for id_, row in found.items() if row is not None}

    def _nothing(self, table: Table) -> Told:
        """A new version of the table begins with nothing read."""
        return {}


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a collection holds."""

    images: int
    texts: int
    pairs: int


class ItemsTable:
    """Items, passports and rows of ids of one collection.

    Args:
        database: where the tables are.
        what: what an item is called in sentences, such as "item of 'pets'".
    """

    def __init__(self, database: Database, what: str) -> None:
        self._database = database
        self._what = what
        self._empty = Snapshot(None)
        self._kept = RowCache(database, "items")
        self._first: tuple[Snapshot, int, pa.ChunkedArray] | None = None
        self._aligned: tuple[Sequence[str], Snapshot, Ints] | None = None

    def passports(self) -> tuple[Passport, ...]:
        """How the vectors came to be, in the order the encoders were added."""
        return self._database.once("passports", _passports, ())

    def items(self) -> Snapshot:
        """The items as they are now, loaded again only when something was written."""
        return self._database.once("items", self._pinned, self._empty)

    def counts(self) -> Counts:
        """Number of images, texts and pairs."""
        kinds = self.items().kind_counts
        pairs = self._database.once("pairs", Table.count, 0)
        return Counts(kinds.get("image", 0), kinds.get("text", 0), pairs)

    def with_vector(self, passport: Passport) -> pa.Array:
        """Ids of the items that have a vector of this encoder."""
        items = self.items()
        return items.ids.filter(self._has_vector(items, passport))

    def without_vector(self, passport: Passport) -> pa.ChunkedArray:
        """Ids of the items that lack a vector of this encoder, first added first."""
        items = self.items()
        rows = pa.table({"id": items.ids, "added": items.column("added")})
        rows = rows.filter(pc.invert(self._has_vector(items, passport)))
        return rows.sort_by([("added", "ascending"), ("id", "ascending")])["id"]

    def first_images(self, n: int) -> pa.ChunkedArray:
        """Ids of the n pictures that were added first."""
        items, kept = self.items(), self._first
        if kept is None or kept[0] is not items or kept[1] != n:
            rows = pa.table({"id": items.ids, "added": items.column("added")})
            images = rows.filter(pc.equal(items.column("kind"), "image"))
            at = pc.select_k_unstable(images, n, [("added", "ascending"), ("id", "ascending")])
            kept = self._first = (items, n, images["id"].take(at))
        return kept[2]

    def rows(self, ids: Sequence[str], *, skip_unknown: bool = False) -> list[dict[str, Any]]:
        """All that is stored of some items, in the order of the ids.

        Raises:
            UnknownName: there is no such item, unless unknown ids are skipped.
        """
        by_id = self._kept.rows(ids)
        for id_ in ids:
            if id_ not in by_id and not skip_unknown:
                known = self.items().ids[:13].to_pylist()
                raise UnknownName(self._what, id_, known)
        return [by_id[i] for i in ids if i in by_id]

    def rows_of(self, items: Snapshot, ids: Sequence[str]) -> Ints:
        """Row of each id in the snapshot, -1 for none; remembered, as a space asks again."""
        kept = self._aligned
        if kept is not None and kept[0] is ids and kept[1] is items:
            return kept[2]
        rows = schema.positions(pa.array(ids, pa.string()), items.ids)
        # A tuple that is the same object is the same ids; a list may have changed.
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
    return tuple(Passport.from_json(p) for p in rows["passport"].to_pylist())
