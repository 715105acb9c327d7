"""The border to LanceDB, second half: reading, keyed merges and deleting."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Literal, TypeVar

import pyarrow as pa

from core.store.failures import sentences
from core.store.moment import once, written
from core.types import Floats

R = TypeVar("R")
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
