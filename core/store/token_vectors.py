"""Several vectors for an item: the parts of a picture or text, in LanceDB's multivector column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from core.store.lance import Database, Table, key
from core.store.schema import one_array, tokens_name
from core.types import Floats, Ints, Passport, StoredTokens

POOLING = pa.field("pooling", pa.string())
UNTOLD = "ward keep 8"  # the pooling of vectors that were kept before it was noted
SAMPLE = 1000  # items whose size stands for all


def tokens_schema(d: int) -> pa.Schema:
    """The columns of a token table. Half precision: a cosine changes by less than 0.001."""
    vectors = pa.field("tokens", pa.list_(pa.list_(pa.float16(), d)))
    return pa.schema([key("id"), vectors, POOLING])


class TokenStore:
    """Token vectors of one collection, a table for each encoder."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stored: dict[str, tuple[int, StoredTokens]] = {}

    def any(self, passport: Passport) -> bool:
        """Whether there are token vectors of this encoder."""
        table = self._database.table(tokens_name(passport))
        return table is not None and table.count() > 0

    def version(self, passport: Passport) -> str:
        """Changes when any process has written token vectors of this encoder; see `Collection`."""
        name = tokens_name(passport)
        table = self._database.table(name)
        return f"{self._database.uri} {name}:{table.version() if table else 0}"

    def stored(self, passport: Passport) -> StoredTokens:
        """What there is; counted once for each version of the table."""
        table = self._database.table(tokens_name(passport))
        if table is None:
            return StoredTokens()
        version = table.version()
        known = self._stored.get(passport.key)
        if known is None or known[0] != version:
            known = version, self._count(table, passport)
            self._stored[passport.key] = known
        return known[1]

    def ids(self, passport: Passport, pooling: str) -> set[str]:
        """Items that have token vectors of this encoder, pooled in this way."""
        table = self._database.table(tokens_name(passport))
        if table is None:
            return set()
        found = _with_pooling(table, ["id"])
        rows = zip(found["id"].to_pylist(), found["pooling"].to_pylist(), strict=True)
        return {id_ for id_, way in rows if way == pooling}

    def write(
        self, passport: Passport, ids: Sequence[str], tokens: Sequence[Floats], pooling: str
    ) -> None:
        """Keep the (t, d) token vectors of items, in place of those that they have.

        Args:
            passport: of the encoder.
            ids: of the items.
            tokens: of each item.
            pooling: how they were made fewer, by name.
        """
        schema = tokens_schema(passport.d)
        flat = np.concatenate([np.empty((0, passport.d), np.float16), *tokens]).astype(np.float16)
        rows = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), passport.d)
        ends = np.cumsum([0, *map(len, tokens)], dtype=np.int32)
        column = pa.ListArray.from_arrays(pa.array(ends), rows)
        table = self._database.make(tokens_name(passport), schema)
        table.add_columns([POOLING])  # tables of the first version had none
        told = [pooling] * len(ids)
        table.merge(pa.table([list(ids), column, told], schema=schema), ["id"], replace=True)

    def read(self, passport: Passport, ids: Sequence[str]) -> dict[str, Floats]:
        """(t, d) token vectors by id, of those items that have some."""
        table = self._database.table(tokens_name(passport))
        if table is None:
            return {}
        found = table.read(["id", "tokens"], {"id": ids})
        flat, lengths = _flat(found, passport.d)
        parts = np.split(flat, np.cumsum(lengths)[:-1])
        return dict(zip(found["id"].to_pylist(), parts, strict=True)) if len(found) else {}

    def blocks(self, passport: Passport, rows: int) -> Iterator[tuple[list[str], Floats, Ints]]:
        """All token vectors, so many items at a time: ids, (sum of t, d) rows, and each t."""
        table = self._database.pinned(tokens_name(passport))
        for block in table.blocks(["id", "tokens"], rows) if table else ():
            yield block["id"].to_pylist(), *_flat(block, passport.d)

    def _count(self, table: Table, passport: Passport) -> StoredTokens:
        found = _with_pooling(table, ["id"])
        if not len(found):
            return StoredTokens()
        ways = found["pooling"].value_counts().to_pylist()
        ids = found["id"][:SAMPLE].to_pylist()
        vectors = sum(map(len, self.read(passport, ids).values()))
        size = 2.0 * passport.d * vectors / len(ids)
        return StoredTokens(len(found), size, {way["values"]: way["counts"] for way in ways})


def _with_pooling(table: Table, columns: Sequence[str]) -> pa.Table:
    """Columns and the pooling of each row."""
    if POOLING.name not in table.schema().names:
        found = table.read(columns)
        return found.append_column(POOLING, pa.array([UNTOLD] * len(found), pa.string()))
    found = table.read([*columns, POOLING.name])
    return found.set_column(len(columns), POOLING, found[POOLING.name].fill_null(UNTOLD))


def _flat(found: pa.Table, d: int) -> tuple[Floats, Ints]:
    """All token vectors below each other, and how many are of each row."""
    column = one_array(found["tokens"])
    values = column.flatten().flatten().to_numpy(zero_copy_only=False)
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    return values.astype(np.float32).reshape(-1, d), lengths.astype(np.int64)
