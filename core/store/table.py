"""A LanceDB table: reads, writes with retries, and LanceDB's errors as messages.

LanceDB is imported at its first use. Every read looks for what other processes have written; within
a `read_session` a table's version is looked up once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial, reduce
from operator import and_
from typing import Any, TypeVar

import pyarrow as pa

from core.errors import Damaged, StoreError
from core.store.reasons import missing, reason

R = TypeVar("R")
PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true"}
IDS_PER_CONDITION = 10_000
READ_ROWS = 65_536  # at a time: Lance's own 1,024 take five times as long
ATTEMPTS = 12
FAILURES = (OSError, RuntimeError, ValueError, pa.ArrowException)
# Raised, from modules that cannot be imported, where Lance trips over what it has not foreseen.
PANICS = ("RustPanic", "PanicException")
# Younger versions are not deleted: another process may be reading them.
RETENTION = timedelta(hours=1)
_SESSION: ContextVar[dict[Hashable, int] | None] = ContextVar("session", default=None)


@contextmanager
def store_errors(what: str, part: str = "a part of it", remedy: str = "") -> Iterator[None]:
    """Raise errors of the disk, the object store or a broken table as a `StoreError`.

    Args:
        what: the start of the message, such as "The collection 'pets' cannot be read".
        part: what is damaged where nothing else is the reason, such as "its table 'items'".
        remedy: what to do then.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, FAILURES) and type(error).__name__ not in PANICS:
            raise
        if known := reason(error):
            raise StoreError(f"{what}: {known}.") from error
        state = "incomplete" if missing(error) else "damaged"
        raise Damaged(what, part, state, remedy) from error


@contextmanager
def read_session() -> Iterator[None]:
    """Every read in the block is as new as the start of the block, or newer. May be nested.

    Outside of a session, and in other threads, every read looks up the table's version again.
    """
    token = _SESSION.set({}) if _SESSION.get() is None else None
    try:
        yield
    finally:
        if token:
            _SESSION.reset(token)


def _once_per_session(what: Hashable, read: Callable[[], int]) -> int:
    session = _SESSION.get()
    if session is None:
        return read()
    if what not in session:
        session[what] = read()
    return session[what]


@contextmanager
def _session_renewed() -> Iterator[None]:
    """After the block, which writes, the session knows no versions any more."""
    try:
        yield
    finally:
        session = _SESSION.get()
        if session is not None:
            session.clear()


def missing_once(what: Hashable, look: Callable[[], R | None]) -> R | None:
    """What `look` finds, or None; within a session what is missing is looked for once."""
    session = _SESSION.get()
    if session is not None and what in session:
        return None
    found = look()
    if found is None and session is not None:
        session[what] = 0
    return found


def key(name: str) -> pa.Field:
    """A text column that is, or is part of, the key of its table."""
    return pa.field(name, pa.string(), nullable=False, metadata=PRIMARY_KEY)


class Table:
    """One LanceDB table. Text of users reaches LanceDB only as data or as a typed literal.

    Args:
        handle: LanceDB's own.
        errors: raises what fails while it is "read" or "written" as a `StoreError`.
    """

    def __init__(self, handle: Any, errors: Callable[[str], AbstractContextManager[None]]) -> None:
        self._handle = handle
        self.errors = errors

    def version(self) -> int:
        """Grows with every write of any process; read once per `read_session`."""
        with self.errors("read"):
            return _once_per_session(self, lambda: int(self._handle.version))

    def schema(self) -> pa.Schema:
        """The present columns."""
        with self.errors("read"):
            return self._handle.schema

    def count(self) -> int:
        """Number of rows."""
        with self.errors("read"):
            return int(self._handle.count_rows())

    def read(
        self, columns: Sequence[str], isin: Mapping[str, Sequence[str]] | None = None
    ) -> pa.Table:
        """Some columns of all rows, or of the rows where a column has one of some values."""
        if isin is None:
            with self.errors("read"):
                return self._query(columns).to_batches(READ_ROWS).read_all()
        parts = []
        for condition in _conditions(isin):
            with self.errors("read"):
                parts.append(self._query(columns).where(condition).to_arrow())
        if parts:
            return pa.concat_tables(parts)
        schema = self.schema()
        return pa.schema([schema.field(c) for c in columns]).empty_table()

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """Some columns of all rows, block by block. Only on a pinned table.

        One query per block, because a single scan reads ahead without a limit: two to three
        times the memory of a compacted table.
        """
        for start in range(0, self.count(), rows):
            with self.errors("read"):
                block = self._query(columns).offset(start).limit(rows).to_arrow()
            yield block

    def add_columns(self, fields: Sequence[pa.Field]) -> None:
        """Add empty columns; existing ones stay."""

        def add() -> None:
            existing = set(self._handle.schema.names)
            new = [f for f in fields if f.name not in existing]
            if not new:
                return
            try:
                self._handle.add_columns(new)
            except ValueError as error:
                if "already exists" not in str(error):
                    raise
                raise RuntimeError(f"conflict: {error}") from error

        self._retry(add)

    def merge(self, rows: pa.Table, on: Sequence[str], *, replace: bool = False) -> None:
        """Insert the rows whose key is new; known keys stay as they are unless `replace`."""
        if not len(rows):
            return

        def merge() -> None:
            # With an index on the key, Lance looks the key up there and no longer notices that
            # another process inserts the same key at the same time.
            builder = self._handle.merge_insert(list(on)).use_index(False)
            if replace:
                builder = builder.when_matched_update_all()
            builder.when_not_matched_insert_all().execute(rows)

        self._retry(merge)

    def delete(self, isin: Mapping[str, Sequence[str]]) -> None:
        """Delete the rows where a column has one of some values."""
        for condition in _conditions(isin):
            self._retry(partial(self._handle.delete, condition))

    def delete_both(self, isin: Mapping[str, Sequence[str]]) -> None:
        """Delete the rows where every column has one of its values; of one column, many values."""
        many = max(isin, key=lambda column: len(isin[column]))
        others = list(_conditions({column: isin[column] for column in isin if column != many}))
        for condition in _conditions({many: isin[many]}):
            both = reduce(and_, others, condition)
            self._retry(partial(self._handle.delete, both))

    def optimize(self) -> None:
        """Join small files, and delete old versions."""
        self._retry(lambda: self._handle.optimize(cleanup_older_than=RETENTION))

    def index(self, column: str) -> None:
        """Speed up look-ups by this column."""
        from lancedb.index import BTree

        self._index(column, BTree())

    def index_text(self, column: str) -> None:
        """Build the full-text index of a column; words of one stem count as the same."""
        from lancedb.index import FTS

        self._index(column, FTS())

    def has_text_index(self) -> bool:
        """Whether `match` can be called."""
        with self.errors("read"):
            return any(index.index_type == "FTS" for index in self._handle.list_indices())

    def _index(self, column: str, config: Any) -> None:
        if all(i.columns != [column] for i in self._handle.list_indices()):
            self._retry(lambda: self._handle.create_index(column, config=config, replace=True))

    def match(self, column: str, text: str, limit: int, ids: Sequence[str] | None) -> pa.Table:
        """Columns id and _score (BM25) of the rows that contain any word of a text, best first.

        With `ids`, a few, only these rows are searched; scores stay the same.
        """
        from lancedb.expr import col
        from lancedb.query import MatchQuery

        with self.errors("read"):
            # The text is passed as a value to match: nothing in it is parsed as query syntax.
            match: Any = partial(MatchQuery, text, column)
            query = self._handle.search(match(), query_type="fts")
            if ids is not None:
                query = query.where(col("id").isin(ids), prefilter=True)
            return query.select(["id", "_score"]).limit(limit).to_arrow()

    def _query(self, columns: Sequence[str]) -> Any:
        return self._handle.search().select(list(columns))

    def _retry(self, write: Callable[[], R]) -> R:
        """Write; retry after a short wait when another process wrote at the same time."""
        with self.errors("written"), _session_renewed():
            for attempt in range(1, ATTEMPTS):
                try:
                    return write()
                except (OSError, RuntimeError) as error:
                    if "conflict" not in str(error).lower():
                        raise
                    time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))
            return write()


def _conditions(isin: Mapping[str, Sequence[str]]) -> Iterator[Any]:
    from lancedb.expr import col

    for column, values in isin.items():
        for start in range(0, len(values), IDS_PER_CONDITION):
            yield col(column).isin(values[start : start + IDS_PER_CONDITION])
