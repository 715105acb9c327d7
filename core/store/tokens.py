"""Several vectors for an item: the parts of a picture or text, in LanceDB's multivector column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from core.store.database import Database
from core.store.snapshot import one_array
from core.store.table import key
from core.types import Floats, Passport


def tokens_name(passport: Passport) -> str:
    """The table of an encoder's token vectors."""
    return f"tokens_{passport.key}"


def tokens_schema(d: int) -> pa.Schema:
    """The columns of a token table. Half precision: a cosine changes by less than 0.001."""
    return pa.schema([key("id"), pa.field("tokens", pa.list_(pa.list_(pa.float16(), d)))])


class TokenStore:
    """Token vectors of one collection, a table for each encoder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self, passport: Passport) -> bool:
        """Whether there are token vectors of this encoder."""
        table = self._database.table(tokens_name(passport))
        return table is not None and table.count() > 0

    def ids(self, passport: Passport) -> set[str]:
        """Items that have token vectors of this encoder."""
        table = self._database.table(tokens_name(passport))
        return set(table.read(["id"])["id"].to_pylist()) if table else set()

    def write(self, passport: Passport, ids: Sequence[str], tokens: Sequence[Floats]) -> None:
        """Keep the (t, d) token vectors of items; an item that has some keeps them."""
        schema = tokens_schema(passport.d)
        flat = np.concatenate([np.empty((0, passport.d), np.float16), *tokens]).astype(np.float16)
        rows = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), passport.d)
        ends = np.cumsum([0, *map(len, tokens)], dtype=np.int32)
        column = pa.ListArray.from_arrays(pa.array(ends), rows)
        table = self._database.make(tokens_name(passport), schema)
        table.merge(pa.table([list(ids), column], schema=schema), ["id"])

    def read(self, passport: Passport, ids: Sequence[str]) -> dict[str, Floats]:
        """(t, d) token vectors by id, of those items that have some."""
        table = self._database.table(tokens_name(passport))
        if table is None:
            return {}
        found = table.read(["id", "tokens"], {"id": ids})
        column = one_array(found["tokens"])
        values = column.flatten().flatten().to_numpy(zero_copy_only=False)
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        parts = np.split(values.reshape(-1, passport.d), np.cumsum(lengths)[:-1])
        named = zip(found["id"].to_pylist(), parts, strict=True) if len(found) else ()
        return {id_: part.astype(np.float32) for id_, part in named}

    def bytes_per_item(self, passport: Passport) -> float:
        """Mean size of an item's token vectors; 0 where there are none."""
        table = self._database.table(tokens_name(passport))
        if table is None or not table.count():
            return 0.0
        ids = table.read(["id"])["id"][:1000].to_pylist()
        vectors = sum(len(part) for part in self.read(passport, ids).values())
        return 2.0 * passport.d * vectors / len(ids)
