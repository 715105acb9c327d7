"""Rows that were read of a table, by id: the last of them stay in memory until somebody writes."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeAlias

from core.store.database import Database
from core.store.table import Table

Rows: TypeAlias = dict[str, dict[str, Any]]
Told: TypeAlias = dict[str, dict[str, Any] | None]
MOST = 2048  # rows


class Kept:
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
