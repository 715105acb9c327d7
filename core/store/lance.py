"""What the disk, the object store and broken tables say, as sentences."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, Literal, TypeVar

import pyarrow as pa

from core.errors import StoreError
from core.types import Floats

R = TypeVar("R")
_REASONS = {
    "1": "permission is missing",
    "2": "a part of it is gone",
    "13": "permission is missing",
    "17": "a file lies where its folder should be",
    "20": "a file lies where its folder should be",
    "28": "the disk is full. Free some space and do it again: what was written is kept",
    "30": "the disk is read-only",
    "122": "the disk quota is used up. Free some space and do it again: what was written is kept",
}


@contextmanager
def sentences(what: str) -> Iterator[None]:
    """Turn what the disk, the object store or a broken table say into a `StoreError`.

    Args:
        what: the beginning of the sentence, such as "The collection 'pets' at /home/me cannot be".
    """
    try:
        yield
    except (OSError, RuntimeError, pa.ArrowException) as error:
        raise StoreError(f"{what}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    text = str(error)
    number = str(getattr(error, "errno", None) or "")
    found = re.search(r"os error (\d+)", text) or re.search(r"\[errno (\d+)\]", text, re.IGNORECASE)
    reason = _REASONS.get(found[1] if found else number)
    if reason:
        return reason
    if "not found" in text.lower():
        return _REASONS["2"]
    first_line = text.partition("\n")[0].partition(", /")[0].strip().rstrip(".")
    return f"a part of it is damaged ({first_line[:200]})"


_SEEN: ContextVar[dict[Hashable, int] | None] = ContextVar("seen", default=None)


@contextmanager
def read_session() -> Iterator[None]:
    """What the block reads is as new as its beginning, or newer. One inside another is the same.

    Outside of it, and in other threads, every question is asked anew.
    """
    token = _SEEN.set({}) if _SEEN.get() is None else None
    try:
        yield
    finally:
        if token:
            _SEEN.reset(token)


def once(what: Hashable, ask: Callable[[], int]) -> int:
    """The answer of this moment, asked for when there is none yet."""
    seen = _SEEN.get()
    if seen is None:
        return ask()
    if what not in seen:
        seen[what] = ask()
    return seen[what]


@contextmanager
def written() -> Iterator[None]:
    """After the block, which writes, the moment starts anew."""
    try:
        yield
    finally:
        seen = _SEEN.get()
        if seen is not None:
            seen.clear()


KEY = {"lance-schema:unenforced-primary-key": "true"}
IDS_AT_ONCE = 10_000
ATTEMPTS = 12
GRAPH_LINKS, GRAPH_WIDTH = 16, 128  # of a node, and candidates in view while they are chosen
VectorIndex = Literal["bits", "whole", "graph"]
# Versions younger than this are kept: another process may be reading them.
KEPT = timedelta(hours=1)


def key(name: str) -> pa.Field:
    """A text column that is, or is part of, the key of its table."""
    return pa.field(name, pa.string(), nullable=False, metadata=KEY)


class Table:
    """One LanceDB table. User text reaches LanceDB as data or as a typed literal only."""

    def __init__(self, handle: Any, what: str) -> None:
        self._handle = handle
        self._reading = f"{what} cannot be read"
        self._writing = f"{what} cannot be written"

    def version(self) -> int:
        """Grows with every write, by any process; asked once in a `moment`."""
        with sentences(self._reading):
            return once(self, lambda: int(self._handle.version))

    def schema(self) -> pa.Schema:
        """Columns as they are now."""
        with sentences(self._reading):
            return self._handle.schema

    def count(self) -> int:
        """Number of rows."""
        with sentences(self._reading):
            return int(self._handle.count_rows())

    def read(
        self, columns: Sequence[str], isin: Mapping[str, Sequence[str]] | None = None
    ) -> pa.Table:
        """Some columns of all rows, or of the rows where one column is one of some texts."""
        if isin is None:
            with sentences(self._reading):
                return self._query(columns).to_arrow()
        found = []
        for condition in _conditions(isin):
            with sentences(self._reading):
                found.append(self._query(columns).where(condition).to_arrow())
        if found:
            return pa.concat_tables(found)
        schema = self.schema()
        return pa.schema([schema.field(c) for c in columns]).empty_table()

    def blocks(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """Some columns of all rows, a block at a time. Only on a pinned table.

        One query a block, because a single scan reads ahead as much as it likes: two to three
        times the memory of a compacted table.
        """
        for start in range(0, self.count(), rows):
            with sentences(self._reading):
                block = self._query(columns).offset(start).limit(rows).to_arrow()
            yield block

    def add_columns(self, fields: Sequence[pa.Field]) -> None:
        """Add empty columns; those that are there already stay."""

        def add() -> None:
            there = set(self._handle.schema.names)
            new = [f for f in fields if f.name not in there]
            if not new:
                return
            try:
                self._handle.add_columns(new)
            except ValueError as error:
                if "already exists" not in str(error):
                    raise
                raise RuntimeError(f"conflict: {error}") from error

        self._again(add)

    def merge(self, rows: pa.Table, on: Sequence[str], *, replace: bool = False) -> None:
        """Insert the rows whose key is new; known keys stay as they are unless `replace`."""
        if not len(rows):
            return

        def merge() -> None:
            # With an index on the key Lance looks it up there and no longer notices that another
            # process inserts the same key at the same moment.
            builder = self._handle.merge_insert(list(on)).use_index(False)
            if replace:
                builder = builder.when_matched_update_all()
            builder.when_not_matched_insert_all().execute(rows)

        self._again(merge)

    def delete(self, isin: Mapping[str, Sequence[str]]) -> None:
        """Delete the rows where one column is one of some texts."""
        for condition in _conditions(isin):
            self._again(partial(self._handle.delete, condition))

    def optimize(self) -> None:
        """Join small files, and drop versions that nobody reads any more."""
        self._again(lambda: self._handle.optimize(cleanup_older_than=KEPT))

    def index(self, column: str) -> None:
        """Make look-ups by this column quick."""
        from lancedb.index import BTree

        if all(i.columns != [column] for i in self._handle.list_indices()):
            self._again(lambda: self._handle.create_index(column, config=BTree(), replace=True))

    def index_words(self, column: str) -> None:
        """Make the words of a text column searchable; words of one stem count as the same."""
        from lancedb.index import FTS

        if all(i.columns != [column] for i in self._handle.list_indices()):
            self._again(lambda: self._handle.create_index(column, config=FTS(), replace=True))

    def index_vectors(self, column: str, cells: int, kind: VectorIndex) -> None:
        """Index unit vectors by cosine: one bit a coordinate, whole vectors, or a graph of them."""
        from lancedb.index import HnswSq, IvfFlat, IvfRq

        made = {"bits": IvfRq, "whole": IvfFlat, "graph": HnswSq}[kind]
        size = {"m": GRAPH_LINKS, "ef_construction": GRAPH_WIDTH} if kind == "graph" else {}
        config = made(distance_type="cosine", num_partitions=cells, **size)
        self._again(lambda: self._handle.create_index(column, config=config, replace=True))

    def near(
        self, query: Floats, limit: int, probes: int, refine: int, width: int | None = None
    ) -> list[tuple[str, float]]:
        """Ids and cosines of the rows nearest to a (d,) unit vector, best first, by the index.

        It looks into `probes` cells and compares `refine` candidates exactly for each hit; a graph
        keeps `width` candidates in view.
        """
        with sentences(self._reading):
            search = self._handle.search(query, vector_column_name="vector")
            search = search.distance_type("cosine").nprobes(probes).refine_factor(refine)
            search = search if width is None else search.ef(width)
            rows = search.select(["id", "_distance"]).limit(limit).to_arrow()
        cosines = [1 - distance for distance in rows["_distance"].to_pylist()]
        return list(zip(rows["id"].to_pylist(), cosines, strict=True))

    def match(self, column: str, text: str, limit: int, ids: Sequence[str] | None) -> pa.Table:
        """Columns id and _score (BM25) of the rows that hold any word of a text, best first.

        With `ids`, a few, only these rows are looked at; scores stay the same.
        """
        from lancedb.expr import col
        from lancedb.query import MatchQuery

        with sentences(self._reading):
            # The text goes in as a value to match: nothing in it is read as query syntax.
            words: Any = partial(MatchQuery, text, column)
            query = self._handle.search(words(), query_type="fts")
            if ids is not None:
                query = query.where(col("id").isin(ids), prefilter=True)
            return query.select(["id", "_score"]).limit(limit).to_arrow()

    def _query(self, columns: Sequence[str]) -> Any:
        return self._handle.search().select(list(columns))

    def _again(self, write: Callable[[], R]) -> R:
        """Write; once more, after a moment, when another process wrote at the same time."""
        with sentences(self._writing), written():
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
        for start in range(0, len(values), IDS_AT_ONCE):
            yield col(column).isin(values[start : start + IDS_AT_ONCE])


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
