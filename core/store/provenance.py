"""Where items came from, and under which names: what is new and gone when a place comes again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import clean
from core.store.database import Database
from core.store.schema import PROVENANCE
from core.store.table import IDS_PER_CONDITION, Table


class Provenance:
    """Rows of a place, an item's name in it and the item's id; they go with their items.

    A place is what was ingested: the path of a folder, a zip or a table. A text has no name.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, place: str) -> dict[str, set[str]]:
        """Ids of the items that a place has had, each with its names there."""
        names: dict[str, set[str]] = {}
        for _, name, id_ in self._rows(place):
            names.setdefault(id_, set()).add(name)
        return names

    def write(self, place: str, names: Mapping[str, Iterable[str]]) -> None:
        """Record what a place has now. Names of other ids stay: they may still be deleted."""
        place = clean(place)
        now = {(place, clean(name), id_) for id_, of in names.items() for name in of}
        before = set(self._rows(place))
        renamed = {id_ for _, _, id_ in before - now if id_ in names}
        if renamed and (table := self._database.table("provenance")):
            ids = sorted(renamed)
            for start in range(0, len(ids), IDS_PER_CONDITION):
                part = ids[start : start + IDS_PER_CONDITION]
                table.delete_both({"place": [place], "id": part})
        kept = {row for row in before if row[2] not in renamed}
        if new := sorted(now - kept):
            columns = [list(column) for column in zip(*new, strict=True)]
            rows = pa.table(columns, schema=PROVENANCE)
            self._database.ensure("provenance", PROVENANCE).merge(rows, PROVENANCE.names)

    def places(self, ids: Sequence[str]) -> dict[str, set[str]]:
        """The places of some items."""
        table = self._database.table("provenance")
        rows = table.read(["id", "place"], {"id": ids}).to_pylist() if table else []
        places: dict[str, set[str]] = {}
        for row in rows:
            places.setdefault(row["id"], set()).add(row["place"])
        return places

    def copies(self) -> Mapping[str, int]:
        """How many further files with the same bytes a place has had, for ids with any."""
        return self._database.cached("provenance", _copies, {})

    def _rows(self, place: str) -> Iterable[tuple[Any, ...]]:
        table = self._database.table("provenance")
        if table is None:
            return ()
        rows = table.read(PROVENANCE.names, {"place": [clean(place)]})
        return zip(*(rows[name].to_pylist() for name in PROVENANCE.names), strict=True)


def _copies(table: Table) -> dict[str, int]:
    rows = table.read(["place", "id"])
    counts = pc.value_counts(rows["id"])
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    rows = rows.filter(pc.is_in(rows["id"], value_set=repeated))  # few: grouping all takes seconds
    rows = rows.group_by(["place", "id"]).aggregate([([], "count_all")])
    most = rows.group_by("id").aggregate([("count_all", "max")])
    most = most.filter(pc.greater(most["count_all_max"], 1))
    further = pc.subtract(most["count_all_max"], 1)
    return dict(zip(most["id"].to_pylist(), further.to_pylist(), strict=True))
