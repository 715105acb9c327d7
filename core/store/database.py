"""A LanceDB database: which tables there are, and which were lost.

The first write creates it. It keeps a record of its tables, so that one that is gone is no empty
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import pyarrow as pa

from core.errors import Damaged
from core.store.reasons import count
from core.store.table import PRIMARY_KEY, Table, missing_once, store_errors

R = TypeVar("R")
INDEX_CACHE, METADATA_CACHE = 2**28, 2**26  # bytes; LanceDB's own limits are 6 GB and 1 GB each
ROWS_READ = 4096  # at a time, where only their being readable matters
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
        remedy: what to do where a part of it is damaged.
    """

    def __init__(self, uri: str, what: str, remedy: str = "") -> None:
        self.uri = uri
        self.what = what
        self._remedy = remedy
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
            self._contents = None  # another process may have repaired it
        if handle is None and name in self._recorded():
            rows = self._recorded()[name]
            state = "missing" if rows is None else f"missing (it had {count(rows, 'row')})"
            part = f"its table '{name}'"
            raise Damaged(f"{self.what} cannot be read", part, state, self._remedy)
        return None if handle is None else self._opened(name, handle)

    def _found(self, name: str) -> Any:
        """The handle of a table, or None; within a session what is missing is looked for once."""
        return missing_once((self, name), lambda: self._open(name))

    def recorded(self) -> list[str]:
        """The names of the tables that were created.

        Raises:
            Damaged: the record of them cannot be read.
        """
        self._contents = None  # another process may have created or counted some
        return sorted(self._recorded())

    def note(self, names: Sequence[str]) -> None:
        """Record tables as created; see `record`."""
        rows = pa.table([names, [None] * len(names)], schema=CONTENTS_SCHEMA)
        self._record().merge(rows, ["table"])
        self._recorded().update(dict.fromkeys(names))

    def read_through(self, name: str) -> Table | None:
        """A table of which every row could be read, or None.

        Raises:
            Damaged: it was created and is gone, or one cannot be read.
        """
        self._close(name)  # a handle outlives its table
        table = self.pinned(name)
        for _ in table.blocks(table.schema().names, ROWS_READ) if table else ():
            pass
        return table

    def recorded_rows(self, name: str) -> int | None:
        """The number of rows of a table when it was last counted; None where it never was."""
        return self._recorded().get(name)

    def record(self) -> None:
        """Note which tables there are, and count their rows."""
        found = {name: self.table(name) for name in self.present()}
        rows = {name: table.count() for name, table in found.items() if table}
        new = {name: n for name, n in rows.items() if self._recorded().get(name, -1) != n}
        if new:
            values = [list(new), list(new.values())]
            self._record().merge(pa.table(values, schema=CONTENTS_SCHEMA), ["table"], replace=True)
            self._recorded().update(new)

    def drop_record(self) -> None:
        """Delete the record of the tables; see `record`."""
        self._contents = None
        self._drop(CONTENTS)

    def ensure(self, name: str, schema: pa.Schema) -> Table:
        """An existing table, or a new one. Two processes may call this at once."""
        table = self.table(name) or self._opened(name, self._create(name, schema))
        # After the table: a process killed in between leaves a table that the next write records.
        if name not in self._recorded():
            self.note([name])
        return table

    def drop(self, name: str) -> None:
        """Delete a table, if there is one, whatever its state, and take it as never created."""
        record = self._open(CONTENTS)
        if record is not None:
            self._wrapped(CONTENTS, record).delete({"table": [name]})
        self._recorded().pop(name, None)
        self._close(name)
        self._drop(name)

    def _close(self, name: str) -> None:
        """Open the table anew at its next use."""
        with self._lock:
            self._tables.pop(name, None)
            self._cache = {key: entry for key, entry in self._cache.items() if key[0] != name}

    def _drop(self, name: str) -> None:
        if name == CONTENTS or name in self.present():
            with self._lock, self.errors(name, "written"):
                self._connect().drop_table(name)

    @contextmanager
    def errors(self, name: str, done: str) -> Iterator[None]:
        """Raise what fails while a table is "read" or "written" as a `StoreError`."""
        part = f"its table '{name}'"
        try:
            with store_errors(f"{self.what} cannot be {done}", part, self._remedy):
                yield
        except Damaged:
            self._close(name)  # once it is repaired, also by another process, it is another table
            raise

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
            with table.errors("read"):  # a document in it may be damaged
                entry = self._cache[name, compute] = version, compute(table)
        return entry[1]

    def pinned(self, name: str) -> Table | None:
        """The present version of the table: later writes do not show."""
        handle = self._open(name) if self.table(name) is not None else None
        if handle is None:
            return None
        with self.errors(name, "read"):
            handle.checkout(handle.version)
        return self._wrapped(name, handle)

    def _recorded(self) -> dict[str, int | None]:
        """The rows of the tables that were created, read once; see `record`."""
        if self._contents is None:
            handle, found = self._open(CONTENTS), list[dict[str, Any]]()
            if handle is not None:
                record = self._wrapped(CONTENTS, handle)
                found = record.read(record.schema().names).to_pylist()
            self._contents = {row["table"]: row.get("rows") for row in found}
        return self._contents

    def _record(self) -> Table:
        record = self._wrapped(CONTENTS, self._create(CONTENTS, CONTENTS_SCHEMA))
        record.add_columns([CONTENTS_SCHEMA.field("rows")])
        return record

    def present(self) -> list[str]:
        """The names of all tables that are there, whatever their state."""
        if not is_remote(self.uri) and not Path(self.uri).exists():
            return []
        with store_errors(f"{self.what} cannot be read", remedy=self._remedy):
            connection, names, page = self._connect(), list[str](), None
            while True:
                found = connection.list_tables(page_token=page)
                names += found.tables
                page = found.page_token
                if not page:
                    return sorted({*names} - {CONTENTS})

    def _create(self, name: str, schema: pa.Schema) -> Any:
        with self.errors(name, "written"):
            connection = self._connect()
            try:
                return connection.create_table(name, schema=schema)
            except ValueError:  # it is there, or another process was quicker
                return connection.open_table(name)

    def _open(self, name: str) -> Any:
        with self.errors(name, "read"):
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
            return self._tables.setdefault(name, self._wrapped(name, handle))

    def _wrapped(self, name: str, handle: Any) -> Table:
        return Table(handle, partial(self.errors, name))


def is_remote(uri: str) -> bool:
    """Whether it is an object store's address rather than a folder."""
    return "://" in uri
