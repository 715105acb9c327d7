"""The border to LanceDB, first half: connecting, and tables opened or made when needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import pyarrow as pa

from core.store.failures import sentences
from core.store.table import Table

R = TypeVar("R")


class Database:
    """One LanceDB. A local folder is made by the first write.

    Args:
        uri: a folder, or what LanceDB takes, such as "s3://bucket/sextant".
        what: what it is called in sentences, such as "The collection 'pets'".
    """

    def __init__(self, uri: str, what: str) -> None:
        self.uri = uri
        self.what = what
        self._lock = RLock()
        self._connection: Any = None
        self._tables: dict[str, Table] = {}
        self._made: dict[tuple[str, Callable[[Table], Any]], tuple[int, Any]] = {}

    def table(self, name: str) -> Table | None:
        """An existing table, or None."""
        if name in self._tables:
            return self._tables[name]
        if not is_remote(self.uri) and not Path(self.uri).exists():
            return None
        handle = self._open(name)
        return None if handle is None else self._keep(name, handle)

    def make(self, name: str, schema: pa.Schema) -> Table:
        """An existing table, or a new one. Two processes may ask at once."""
        table = self.table(name)
        if table is not None:
            return table
        with sentences(f"{self.what} at {self.uri} cannot be written"):
            try:
                handle = self._connect().create_table(name, schema=schema)
            except ValueError:  # another process was quicker
                handle = self._connect().open_table(name)
        return self._keep(name, handle)

    def once(self, name: str, make: Callable[[Table], R], absent: R) -> R:
        """What `make` makes of a table; made again only after some process has written to it.

        Args:
            name: the table.
            make: a function that is the same at every call; nobody changes what it gives.
            absent: given where there is no such table.
        """
        table = self.table(name)
        if table is None:
            return absent
        version = table.version()  # before reading: what is read is at least that new
        kept: tuple[int, R] | None = self._made.get((name, make))
        if kept is None or kept[0] != version:
            kept = self._made[name, make] = version, make(table)
        return kept[1]

    def pinned(self, name: str) -> Table | None:
        """The table as it is now: later writes do not show."""
        handle = self._open(name) if self.table(name) is not None else None
        if handle is None:
            return None
        with sentences(f"{self.what} at {self.uri} cannot be read"):
            handle.checkout(handle.version)
        return Table(handle, f"{self.what} at {self.uri}")

    def _open(self, name: str) -> Any:
        with sentences(f"{self.what} at {self.uri} cannot be read"):
            try:
                return self._connect().open_table(name)
            except ValueError:  # LanceDB's word for "no such table"
                return None

    def _connect(self) -> Any:
        import lancedb

        with self._lock:
            if self._connection is None:
                # Zero: every read looks for what other processes have written.
                self._connection = lancedb.connect(self.uri, read_consistency_interval=timedelta(0))
            return self._connection

    def _keep(self, name: str, handle: Any) -> Table:
        with self._lock:
            return self._tables.setdefault(name, Table(handle, f"{self.what} at {self.uri}"))


def is_remote(uri: str) -> bool:
    """Whether it is an object store's address rather than a folder."""
    return "://" in uri
