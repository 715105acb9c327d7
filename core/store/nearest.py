"""The vector indexes of a collection: made, kept with what was measured of them, and asked."""

from __future__ import annotations

import json
import time
from collections.abc import Collection as Ids
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InputError
from core.store.assemble import blocks
from core.store.changes import vectors_name
from core.store.contents import Contents
from core.store.database import Database
from core.store.index import IndexReport, found, indexed, sample
from core.store.schema import INDEXES, vectors_schema
from core.store.table import Table
from core.types import Floats, Kind, Passport

KINDS: tuple[Kind, ...] = ("image", "text")


class Nearest:
    """Vector indexes of one collection, one for each encoder and kind."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents

    def build(self, passport: Passport) -> tuple[IndexReport, ...]:
        """Index all vectors of an encoder, and measure what the index finds."""
        vectors = self._database.pinned(vectors_name(passport))
        if vectors is None:
            return ()
        tables = {kind: self._copied(vectors, passport, kind) for kind in KINDS}
        queries = np.concatenate([sample(table, passport.d) for table in tables.values()])
        reports = []
        for kind, table in tables.items():
            if table.count():
                report = indexed(table, kind, queries, vectors.version())
                row = [[_name(passport, kind)], [json.dumps(asdict(report))], [time.time_ns()]]
                kept = self._database.make("indexes", INDEXES)
                kept.merge(pa.table(row, schema=INDEXES), ["index"], replace=True)
                reports.append(report)
        return tuple(reports)

    def report(self, passport: Passport, kind: Kind) -> IndexReport | None:
        """What was measured of an index; None when there is none, or not of today's vectors."""
        kept = self._database.table("indexes")
        vectors = self._database.table(vectors_name(passport))
        rows = kept.read(["report"], {"index": [_name(passport, kind)]}) if kept else None
        if not rows or vectors is None:
            return None
        report = IndexReport(**json.loads(rows["report"][0].as_py()))
        return report if report.version == vectors.version() else None

    def find(
        self, passport: Passport, kind: Kind, query: Floats, k: int, among: Ids[str] | None
    ) -> list[tuple[str, float]]:
        """Ids and cosines of the nearest items of a kind, best first; see `found`.

        Raises:
            InputError: there is no index of the vectors as they are now.
        """
        report, table = self.report(passport, kind), self._database.table(_name(passport, kind))
        if report is None or table is None:
            raise InputError(f"There is no index of {kind}s as they are now. Build it first.")
        return found(table, report, query, k, among)

    def _copied(self, vectors: Table, passport: Passport, kind: Kind) -> Table:
        """The table of one kind's vectors, after it was brought up to date."""
        items = self._contents.items()
        own = items.ids.filter(pc.equal(items.column("kind"), kind))
        schema = vectors_schema(passport.d)
        table = self._database.make(_name(passport, kind), schema)
        stored = table.read(["id"])["id"]
        gone = stored.filter(pc.invert(pc.is_in(stored, value_set=own)))
        table.delete({"id": gone.to_pylist()})
        for ids, block in blocks(vectors, passport.d):
            new = pc.and_not(pc.is_in(ids, value_set=own), pc.is_in(ids, value_set=stored))
            kept = block[new.to_numpy(zero_copy_only=False)]
            column = pa.FixedSizeListArray.from_arrays(kept.ravel(), passport.d)
            table.merge(pa.table([ids.filter(new), column], schema=schema), ["id"])
        table.index("id")
        return table


def _name(passport: Passport, kind: Kind) -> str:
    """The table of one kind's vectors with their index."""
    return f"nearest_{passport.key}_{kind}"
