"""Artifacts beside the items: matrices, findings, reports, and saved queries."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from core.errors import cleaned
from core.store.database import Database
from core.store.schema import COMPRESSED, FINDINGS, INGEST_REPORTS, LAYOUTS, RECIPES, REPORTS
from core.store.table import Table
from core.types import Floats, digest

MAX_MATRICES = 64
MATRICES_IN_MEMORY = 8
MAX_REPORTS = 24
MAX_INGEST_REPORTS = 20


class Artifacts:
    """Matrices, findings, reports and saved queries of one collection.

    The oldest matrices and reports go; findings are replaced by those of the same part.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def write_matrix(self, name: str, key: str, matrix: Floats) -> None:
        """Store a matrix, such as the coordinates of a layout, under a name and a key."""
        flat = np.ascontiguousarray(matrix, np.float32)
        row = [[digest(name, key)], [flat.shape[1]], [flat.tobytes()], [time.time_ns()]]
        table = self._database.ensure("layouts", LAYOUTS)
        table.merge(pa.table(row, schema=LAYOUTS), ["layout"], replace=True)
        _delete_oldest(table, "layout", MAX_MATRICES)

    def read_matrix(self, name: str, key: str) -> Floats | None:
        """The matrix stored under this name and key, or None; the last few stay in memory."""
        none: dict[str, Floats | None] = {}
        known, id_ = self._database.cached("layouts", _nothing_read, none), digest(name, key)
        if id_ not in known:
            known[id_] = self._matrix(id_)
            while len(known) > MATRICES_IN_MEMORY:
                known.pop(next(iter(known)), None)
        return known[id_]

    def _matrix(self, id_: str) -> Floats | None:
        table = self._database.table("layouts")
        rows = table.read(LAYOUTS.names, {"layout": [id_]}) if table else None
        if not table or not rows:
            return None
        row = rows.slice(0, 1).to_pylist()[0]
        with table.errors("read"):
            return np.frombuffer(row["coords"], np.float32).reshape(-1, row["columns"])

    def write_report(self, name: str, report: Mapping[str, Any]) -> None:
        """Store a JSON-serializable report under a name, in place of an earlier one."""
        row = [[name], [json.dumps(report, allow_nan=False)], [time.time_ns()]]
        table = self._database.ensure("reports", REPORTS)
        table.merge(pa.table(row, schema=REPORTS), ["name"], replace=True)
        _delete_oldest(table, "name", MAX_REPORTS)

    def read_report(self, name: str) -> dict[str, Any] | None:
        """The report stored under a name, or None."""
        table = self._database.table("reports")
        if table is None:
            return None
        reports = table.read(["report"], {"name": [name]})["report"].to_pylist()
        with table.errors("read"):
            return _read_json(reports[0]) if reports else None

    def write_findings(
        self, part: str, state: str, report: Mapping[str, Any], items: Floats | None = None
    ) -> None:
        """Store what was measured of one part, in place of what was measured earlier.

        Args:
            part: what was measured, with the encoder's key.
            state: what it holds for.
            report: JSON-serializable.
            items: (m, n) values of single items.
        """
        # Most values of a large collection are NaN: not measured.
        values = np.empty(0) if items is None else items
        packed = zlib.compress(np.ascontiguousarray(values, np.float32).tobytes(), 1)
        row = [[part], [state], [json.dumps(report, allow_nan=False)], [packed]]
        table = self._database.ensure("findings", FINDINGS)
        table.merge(pa.table(row, schema=FINDINGS), ["part"], replace=True)

    def read_findings(self) -> Mapping[str, tuple[str, dict[str, Any]]]:
        """State and report of every part that was measured; callers do not change them."""
        return self._database.cached("findings", _findings, {})

    def read_finding_items(self, part: str, n: int) -> Floats:
        """The (m, n) values of single items of a part."""
        table = self._database.table("findings")
        rows = table.read(["items"], {"part": [part]})["items"].to_pylist() if table else []
        if not table or not rows:
            return np.empty((0, max(n, 1)), np.float32)
        with table.errors("read"):
            try:
                data = zlib.decompress(rows[0])
            except zlib.error as error:
                raise ValueError(str(error)) from error
            return np.frombuffer(data, np.float32).reshape(-1, max(n, 1))

    def optimize_findings(self) -> None:
        """Join the files of many writes."""
        table = self._database.table("findings")
        if table:
            table.optimize()

    def write_recipe(self, name: str, file: bytes) -> None:
        """Store the file of a recipe under a name, in place of an earlier one."""
        row = [[name], [file], [time.time_ns()]]
        table = self._database.ensure("recipes", RECIPES)
        table.merge(pa.table(row, schema=RECIPES), ["name"], replace=True)

    def read_recipe(self, name: str) -> bytes | None:
        """The file of a recipe, or None."""
        table = self._database.table("recipes")
        files = table.read(["file"], {"name": [name]})["file"].to_pylist() if table else []
        return files[0] if files else None

    def recipes(self) -> tuple[str, ...]:
        """Names of the stored recipes, newest first."""
        table = self._database.table("recipes")
        if table is None:
            return ()
        rows = table.read(["name", "added"]).sort_by([("added", "descending")])
        return tuple(rows["name"].to_pylist())

    def delete_recipe(self, name: str) -> None:
        """Delete a recipe."""
        table = self._database.table("recipes")
        if table:
            table.delete({"name": [name]})

    def write_compressed(self, name: str, file: bytes, report: Mapping[str, Any]) -> None:
        """Store compressed rows under a name, and what was measured of them."""
        row = [[name], [file], [json.dumps(report, allow_nan=False)], [time.time_ns()]]
        table = self._database.ensure("compressed", COMPRESSED)
        table.merge(pa.table(row, schema=COMPRESSED), ["name"], replace=True)

    def read_compressed(self, name: str) -> bytes | None:
        """The file of compressed rows, or None."""
        table = self._database.table("compressed")
        files = table.read(["file"], {"name": [name]})["file"].to_pylist() if table else []
        return files[0] if files else None

    def compressed_report(self, name: str) -> dict[str, Any] | None:
        """What was measured of compressed rows, or None."""
        none: dict[str, str] = {}
        found = self._database.cached("compressed", _compressed_reports, none).get(name)
        return _read_json(found) if found else None

    def delete_compressed(self, name: str) -> None:
        """Delete compressed rows; the vectors stay."""
        table = self._database.table("compressed")
        if table:
            table.delete({"name": [name]})

    def save_query(self, query: Mapping[str, str]) -> None:
        """Save a query with its settings; saving the same one again moves it to the front."""
        text = json.dumps(query, sort_keys=True)
        row = [[digest(text)], [text], [time.time_ns()]]
        table = self._database.ensure("queries", REPORTS)
        table.merge(pa.table(row, schema=REPORTS), ["name"], replace=True)

    def forget_query(self, query: Mapping[str, str]) -> None:
        """Delete a saved query."""
        table = self._database.table("queries")
        if table:
            table.delete({"name": [digest(json.dumps(query, sort_keys=True))]})

    def queries(self) -> tuple[dict[str, str], ...]:
        """The saved queries, newest first."""
        return self._database.cached("queries", _newest_first, ())

    def write_ingest_report(self, report: Mapping[str, Any]) -> None:
        """Store the JSON-serializable report of an ingest."""
        row = [[uuid4().hex], [json.dumps(report)], [time.time_ns()]]
        table = self._database.ensure("intakes", INGEST_REPORTS)
        table.merge(pa.table(row, schema=INGEST_REPORTS), ["key"])
        _delete_oldest(table, "key", MAX_INGEST_REPORTS)

    def ingest_reports(self) -> tuple[dict[str, Any], ...]:
        """The reports of the recent ingests, newest first."""
        return self._database.cached("intakes", _newest_first, ())

    def last_ingest_report(self) -> dict[str, Any] | None:
        """The report of the newest ingest, or None."""
        return next(iter(self.ingest_reports()), None)


def _read_json(text: str) -> Any:
    """A stored document; earlier versions wrote any text into it."""
    return cleaned(json.loads(text))


def _findings(table: Table) -> dict[str, tuple[str, dict[str, Any]]]:
    rows = table.read(["part", "state", "report"]).to_pylist()
    return {r["part"]: (r["state"], _read_json(r["report"])) for r in rows}


def _compressed_reports(table: Table) -> dict[str, str]:
    rows = table.read(["name", "report"])
    return dict(zip(rows["name"].to_pylist(), rows["report"].to_pylist(), strict=True))


def _newest_first(table: Table) -> tuple[dict[str, Any], ...]:
    rows = table.read(["report", "added"]).sort_by([("added", "descending")])
    return tuple(_read_json(report) for report in rows["report"].to_pylist())


def _delete_oldest(table: Table, key: str, most: int) -> None:
    """Delete all but the newest rows."""
    rows = table.read([key, "added"]).sort_by([("added", "descending")])
    table.delete({key: rows[key].to_pylist()[most:]})


def _nothing_read(table: Table) -> dict[str, Floats | None]:
    return {}
