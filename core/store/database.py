"""A LanceDB database: which tables there are, and which were lost.

The first write creates it. It keeps a record of its tables, so that one that is gone is no empty
one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import pyarrow as pa

from core.errors import StoreError
from core.store.table import PRIMARY_KEY, Table, missing_once, store_errors

R = TypeVar("R")
INDEX_CACHE, METADATA_CACHE = 2**28, 2**26  # bytes; LanceDB's own limits are 6 GB and 1 GB each
CONTENTS = "contents"
CONTENTS_SCHEMA = pa.schema(
    [
        pa.field("table", pa.string(), nullable=False, metadata=PRIMARY_KEY),
        pa.field("rows", pa.int64()),  # when they were last counted
    ]
)


class Database:
    """One LanceDB database. The first write creates a local folder.

    Args:
        uri: a folder, or an address that LanceDB reads, such as "s3://bucket/sextant".
        what: its name in messages, such as "The collection 'pets'".
    """

    def __init__(self, uri: str, what: str) -> None:
        self.uri = uri
        self.what = what
        self._lock = RLock()
        self._connection: Any = None
        self._tables: dict[str, Table] = {}
        self._contents: dict[str, int | None] | None = None
        self._cache: dict[tuple[str, Callable[[Table], Any]], tuple[int, Any]] = {}

    def table(self, name: str) -> Table | None:
        """An existing table, or None.

        Raises:
            StoreError: it was created, and is no longer there.
        """
        if name in self._tables:
            return self._tables[name]
        if not is_remote(self.uri) and not Path(self.uri).exists():
            return None
        handle = self._found(name)
        if handle is None and name in self._recorded():
            rows = self._recorded()[name]
            had = "" if rows is None else f", which had {rows:,} rows"
            raise StoreError(
                f"{self.what} at {self.uri} cannot be read: its table '{name}' is missing{had}. "
                "Restore it from a copy, or see what is left: sextant doctor"
            )
        return None if handle is None else self._opened(name, handle)

    def _found(self, name: str) -> Any:
        """The handle of a table, or None; within a session what is missing is looked for once."""
        return missing_once((self, name), lambda: self._open(name))

    def lost(self) -> list[str]:
        """Tables that were created and are no longer there."""
        self._contents = None  # another process may have created or counted some
        return sorted(name for name in self._recorded() if self._open(name) is None)

    def recorded_rows(self, name: str) -> int | None:
        """The number of rows of a table when it was last counted; None where it never was."""
        return self._recorded().get(name)

    def record(self) -> None:
        """Note which tables there are, and count their rows."""
        found = {name: self.table(name) for name in self._names() if name != CONTENTS}
        rows = {name: table.count() for name, table in found.items() if table}
        new = {name: n for name, n in rows.items() if self._recorded().get(name, -1) != n}
        if new:
            values = [list(new), list(new.values())]
            self._record().merge(pa.table(values, schema=CONTENTS_SCHEMA), ["table"], replace=True)
            self._recorded().update(new)

    def forget(self, name: str) -> None:
        """Take a table as never created."""
        record = self._open(CONTENTS)
        if record is not None:
            Table(record, f"{self.what} at {self.uri}").delete({"table": [name]})
        self._recorded().pop(name, None)

    def ensure(self, name: str, schema: pa.Schema) -> Table:
        """An existing table, or a new one. Two processes may call this at once."""
        table = self.table(name) or self._opened(name, self._create(name, schema))
        # After the table: a process killed in between leaves a table that the next write records.
        if name not in self._recorded():
            self._record().merge(pa.table([[name], [None]], schema=CONTENTS_SCHEMA), ["table"])
            self._recorded()[name] = None
        return table

    def drop(self, name: str) -> None:
        """Delete a table, if there is one."""
        with self._lock, store_errors(f"{self.what} at {self.uri} cannot be written"):
            if self._tables.pop(name, None) or self._open(name):
                self.forget(name)
                self._connect().drop_table(name)

    def cached(self, name: str, compute: Callable[[Table], R], default: R) -> R:
        """The result of `compute` on a table; computed again only after a write of any process.

        Args:
            name: the table.
            compute: the same function object at every call; callers do not change its result.
            default: the result where there is no such table.
        """
        table = self.table(name)
        if table is None:
            return default
        version = table.version()  # before reading: the result is at least that new
        entry: tuple[int, R] | None = self._cache.get((name, compute))
        if entry is None or entry[0] != version:
            entry = self._cache[name, compute] = version, compute(table)
        return entry[1]

    def pinned(self, name: str) -> Table | None:
        """The present version of the table: later writes do not show."""
        handle = self._open(name) if self.table(name) is not None else None
        if handle is None:
            return None
        with store_errors(f"{self.what} at {self.uri} cannot be read"):
            handle.checkout(handle.version)
        return Table(handle, f"{self.what} at {self.uri}")

    def _recorded(self) -> dict[str, int | None]:
        """The rows of the tables that were created, read once; see `record`."""
        if self._contents is None:
            handle, found = self._open(CONTENTS), list[dict[str, Any]]()
            if handle is not None:
                record = Table(handle, f"{self.what} at {self.uri}")
                found = record.read(record.schema().names).to_pylist()
            self._contents = {row["table"]: row.get("rows") for row in found}
        return self._contents

    def _record(self) -> Table:
        record = Table(self._create(CONTENTS, CONTENTS_SCHEMA), f"{self.what} at {self.uri}")
        record.add_columns([CONTENTS_SCHEMA.field("rows")])
        return record

    def _names(self) -> list[str]:
        """The names of all tables that are there."""
        if not is_remote(self.uri) and not Path(self.uri).exists():
            return []
        with store_errors(f"{self.what} at {self.uri} cannot be read"):
            connection, names, page = self._connect(), list[str](), None
            while True:
                found = connection.list_tables(page_token=page)
                names += found.tables
                page = found.page_token
                if not page:
                    return names

    def _create(self, name: str, schema: pa.Schema) -> Any:
        with store_errors(f"{self.what} at {self.uri} cannot be written"):
            connection = self._connect()
            try:
                return connection.create_table(name, schema=schema)
            except ValueError:  # it is there, or another process was quicker
                return connection.open_table(name)

    def _open(self, name: str) -> Any:
        with store_errors(f"{self.what} at {self.uri} cannot be read"):
            connection = self._connect()
            try:
                return connection.open_table(name)
            except ValueError as error:
                if "not found" in str(error).lower():
                    return None
                raise

    def _connect(self) -> Any:
        import lancedb

        with self._lock:
            if self._connection is None:
                # Zero: every read checks for writes of other processes.
                self._connection = lancedb.connect(
                    self.uri,
                    read_consistency_interval=timedelta(0),
                    session=lancedb.Session(INDEX_CACHE, METADATA_CACHE),
                )
            return self._connection

    def _opened(self, name: str, handle: Any) -> Table:
        with self._lock:
            return self._tables.setdefault(name, Table(handle, f"{self.what} at {self.uri}"))


def is_remote(uri: str) -> bool:
    """Whether it is an object store's address rather than a folder."""
    return "://" in uri
