"""Token vectors: several per image or text, in LanceDB's multivector column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.store.database import Database
from core.store.schema import one_array, tokens_name
from core.store.table import Table, key
from core.types import Floats, Ints, Passport, StoredTokens

POOLING = pa.field("pooling", pa.string())
UNRECORDED = "ward keep 8"  # the pooling of vectors that were stored before it was recorded
SAMPLE = 1000  # items from which the size per item is estimated


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
        """Changes when any process has written token vectors of this encoder."""
        name = tokens_name(passport)
        table = self._database.table(name)
        return f"{self._database.uri} {name}:{table.version() if table else 0}"

    def stored(self, passport: Passport) -> StoredTokens:
        """Number, size and pooling of the token vectors; counted once per version of the table."""
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
        """Ids of the items that have token vectors of this encoder with this pooling."""
        table = self._database.table(tokens_name(passport))
        if table is None:
            return set()
        rows = _with_pooling(table, ["id"])
        return set(rows["id"].filter(pc.equal(rows["pooling"], pooling)).to_pylist())

    def write(
        self, passport: Passport, ids: Sequence[str], tokens: Sequence[Floats], pooling: str
    ) -> None:
        """Store the (t, d) token vectors of items, in place of existing ones.

        Args:
            passport: of the encoder.
            ids: of the items.
            tokens: of each item.
            pooling: the name of the pooling that computed them.
        """
        schema = tokens_schema(passport.d)
        flat = np.concatenate([np.empty((0, passport.d), np.float16), *tokens]).astype(np.float16)
        rows = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), passport.d)
        ends = np.cumsum([0, *map(len, tokens)], dtype=np.int32)
        column = pa.ListArray.from_arrays(pa.array(ends), rows)
        table = self._database.ensure(tokens_name(passport), schema)
        table.add_columns([POOLING])  # missing in tables of version 0.1
        names = [pooling] * len(ids)
        table.merge(pa.table([list(ids), column, names], schema=schema), ["id"], replace=True)

    def read(self, passport: Passport, ids: Sequence[str]) -> dict[str, Floats]:
        """(t, d) token vectors by id, of those items that have any."""
        table = self._database.table(tokens_name(passport))
        if table is None:
            return {}
        rows = table.read(["id", "tokens"], {"id": ids})
        flat, lengths = _flat(rows, passport.d)
        parts = np.split(flat, np.cumsum(lengths)[:-1])
        return dict(zip(rows["id"].to_pylist(), parts, strict=True)) if len(rows) else {}

    def blocks(self, passport: Passport, rows: int) -> Iterator[tuple[list[str], Floats, Ints]]:
        """All token vectors, in blocks of `rows` items: ids, (sum of t, d) vectors, and each t."""
        table = self._database.pinned(tokens_name(passport))
        for block in table.blocks(["id", "tokens"], rows) if table else ():
            yield block["id"].to_pylist(), *_flat(block, passport.d)

    def _count(self, table: Table, passport: Passport) -> StoredTokens:
        rows = _with_pooling(table, ["id"])
        if not len(rows):
            return StoredTokens()
        counts = rows["pooling"].value_counts().to_pylist()
        ids = rows["id"][:SAMPLE].to_pylist()
        vectors = sum(map(len, self.read(passport, ids).values()))
        size = 2.0 * passport.d * vectors / len(ids)
        return StoredTokens(len(rows), size, {c["values"]: c["counts"] for c in counts})


def _with_pooling(table: Table, columns: Sequence[str]) -> pa.Table:
    """Columns, and the pooling of each row."""
    if POOLING.name not in table.schema().names:
        rows = table.read(columns)
        return rows.append_column(POOLING, pa.array([UNRECORDED] * len(rows), pa.string()))
    rows = table.read([*columns, POOLING.name])
    return rows.set_column(len(columns), POOLING, rows[POOLING.name].fill_null(UNRECORDED))


def _flat(rows: pa.Table, d: int) -> tuple[Floats, Ints]:
    """All token vectors of some rows, and how many each row has."""
    column = one_array(rows["tokens"])
    values = column.flatten().flatten().to_numpy(zero_copy_only=False)
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    return values.astype(np.float32).reshape(-1, d), lengths.astype(np.int64)
