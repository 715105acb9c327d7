"""What is remembered beside the items: what took long to compute, and reports of past ingests."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from core.store.lance import Database, Table
from core.store.schema import INTAKES, LAYOUTS, REPORTS
from core.types import Floats, digest

LAYOUTS_KEPT = 24
INTAKES_KEPT = 20
REPORTS_KEPT = 24


class Artifacts:
    """Layouts and reports of one collection; the oldest are forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write_layout(self, name: str, space_key: str, coords: Floats) -> None:
        """Keep the (n, 2) or (n, 3) coordinates of a space's rows under a name."""
        flat = np.ascontiguousarray(coords, np.float32)
        row = [[digest(name, space_key)], [flat.shape[1]], [flat.tobytes()], [time.time_ns()]]
        table = self._database.make("layouts", LAYOUTS)
        table.merge(pa.table(row, schema=LAYOUTS), ["layout"], replace=True)
        _forget(table, "layout", LAYOUTS_KEPT)

    def read_layout(self, name: str, space_key: str) -> Floats | None:
        """The coordinates kept for this space under this name, or None."""
        table = self._database.table("layouts")
        rows = table.read(LAYOUTS.names, {"layout": [digest(name, space_key)]}) if table else None
        if not rows:
            return None
        row = rows.slice(0, 1).to_pylist()[0]
        return np.frombuffer(row["coords"], np.float32).reshape(-1, row["columns"])

    def write_report(self, name: str, report: Mapping[str, Any]) -> None:
        """Keep a report under a name, in place of an earlier one: anything that JSON can hold."""
        row = [[name], [json.dumps(report, allow_nan=False)], [time.time_ns()]]
        table = self._database.make("reports", REPORTS)
        table.merge(pa.table(row, schema=REPORTS), ["name"], replace=True)
        _forget(table, "name", REPORTS_KEPT)

    def read_report(self, name: str) -> dict[str, Any] | None:
        """The report kept under a name, or None."""
        table = self._database.table("reports")
        if table is None:
            return None
        kept = table.read(["report"], {"name": [name]})["report"].to_pylist()
        return json.loads(kept[0]) if kept else None

    def save_query(self, query: Mapping[str, str]) -> None:
        """Keep a question by its words and settings; the same one counts once."""
        text = json.dumps(query, sort_keys=True)
        row = [[digest(text)], [text], [time.time_ns()]]
        table = self._database.make("queries", REPORTS)
        table.merge(pa.table(row, schema=REPORTS), ["name"], replace=True)

    def forget_query(self, query: Mapping[str, str]) -> None:
        """Keep a question no longer."""
        table = self._database.table("queries")
        if table:
            table.delete({"name": [digest(json.dumps(query, sort_keys=True))]})

    def queries(self) -> tuple[dict[str, str], ...]:
        """The questions that were kept, newest first."""
        return self._database.once("queries", _newest_first, ())

    def note_intake(self, report: Mapping[str, Any]) -> None:
        """Keep the report of an ingest: anything that JSON can hold."""
        row = [[uuid4().hex], [json.dumps(report)], [time.time_ns()]]
        table = self._database.make("intakes", INTAKES)
        table.merge(pa.table(row, schema=INTAKES), ["key"])
        _forget(table, "key", INTAKES_KEPT)

    def intakes(self) -> tuple[dict[str, Any], ...]:
        """Reports of the recent ingests, newest first."""
        return self._database.once("intakes", _newest_first, ())


def _newest_first(table: Table) -> tuple[dict[str, Any], ...]:
    rows = table.read(["report", "added"]).sort_by([("added", "descending")])
    return tuple(json.loads(report) for report in rows["report"].to_pylist())


def _forget(table: Table, key: str, kept: int) -> None:
    """Delete all but the newest rows."""
    rows = table.read([key, "added"]).sort_by([("added", "descending")])
    table.delete({key: rows[key].to_pylist()[kept:]})
