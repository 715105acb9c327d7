"""Tables to rows: JSON lines, Parquet, and lines of captions; CSV is in `delimited.py`.

Every reader takes a name and the file's bytes, and returns rows and rejected entries in the file's
order. A bad line never stops the rest; UnreadableFile means that the whole file is no such table.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Mapping

from core.errors import UnreadableFile
from core.ingest.readers.rows import EXPECTED, Row, caption, fits, kind_of, rejected, row_of
from core.types import Rejected

Rows = list[Row | Rejected]
NOT_PARQUET = "it is not a Parquet file, or it is damaged"


def json_lines(name: str, data: bytes) -> Rows:
    """One JSON object per line."""
    data = data.removeprefix(codecs.BOM_UTF8)
    numbered = enumerate(io.BytesIO(data), 1)
    lines = ((f"{name} line {at}", line) for at, line in numbered if line.strip())
    return collect(name, ((place, _parsed(place, line)) for place, line in lines))


def json_rows(name: str, objects: Iterable[object]) -> Rows:
    """The objects of one JSON list."""
    return collect(name, ((f"{name} entry {at}", one) for at, one in enumerate(objects, 1)))


def parquet(name: str, data: bytes) -> Rows:
    """One record per row, columns typed by the file."""
    from pyarrow import ArrowException, BufferReader
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(BufferReader(data))
        if "vector" in file.schema_arrow.names:
            raise UnreadableFile(name, "it has a column vector; ingest it by its own path")
        must_fit(name, file.schema_arrow.names)
        rows = [row for batch in file.iter_batches() for row in batch.to_pylist()]
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise UnreadableFile(name, NOT_PARQUET) from error
    return collect(name, ((f"{name} row {at}", row) for at, row in enumerate(rows, 1)))


def lines(name: str, data: bytes) -> Rows:
    """One caption per line; empty lines are skipped."""
    rows: Rows = []
    for at, line in enumerate(io.StringIO(as_text(data), newline=None), 1):
        if line.strip():
            place = f"{name} line {at}"
            try:
                rows.append(Row(place, "", (caption(place, line),), (), {}))
            except UnreadableFile as error:
                rows.append(rejected(error))
    return rows


def collect(name: str, entries: Iterable[tuple[str, object]]) -> Rows:
    """Read every entry; a table without a usable column is rejected as a whole."""
    rows: Rows = []
    known = False
    columns: set[str] = set()
    for place, entry in entries:
        try:
            if isinstance(entry, UnreadableFile):
                raise entry
            if not isinstance(entry, Mapping):
                reason = f"it is {kind_of(entry)}, not an object with fields"
                raise UnreadableFile(place, reason)
            columns.update(entry)
            known = known or fits(entry)
            rows.append(row_of(place, entry))
        except UnreadableFile as error:
            rows.append(rejected(error))
    if not known and columns:
        must_fit(name, sorted(columns))
    if not known and rows:
        first = "; ".join(
            f"{row.name}: {row.reason}" for row in rows[:1] if isinstance(row, Rejected)
        )
        raise UnreadableFile(name, f"none of its lines can be read ({first}). {EXPECTED}")
    return rows


def must_fit(name: str, columns: Iterable[str]) -> None:
    """Reject a table that has neither images nor texts."""
    columns = list(columns)
    if not fits(columns):
        names = ", ".join(columns[:8]) or "none"
        reason = f"none of its columns is an image or a caption (columns: {names})"
        raise UnreadableFile(name, f"{reason}. {EXPECTED}")


def _parsed(place: str, line: bytes) -> object:
    try:
        return json.loads(line.decode().strip())
    except UnicodeDecodeError:
        return UnreadableFile(place, "it is not valid UTF-8")
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        return UnreadableFile(place, f"it is not JSON ({what} at character {error.colno})")
    except (ValueError, RecursionError):
        return UnreadableFile(place, "its JSON is too large or too deeply nested")


def as_text(data: bytes) -> str:
    """Invalid UTF-8 becomes lone surrogates, so that only its own row is rejected."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape")
