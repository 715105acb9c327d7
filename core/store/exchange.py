"""Lance tables outside of any collection: those of LanceDB or of an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.store.table import store_errors


def write_lance(place: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches as a new table, `NAME.lance` in a folder, as they come.

    Raises:
        StoreError: it cannot be written.
    """
    import lancedb

    with store_errors(f"{place} cannot be written"):
        table = lancedb.connect(place.parent).create_table(place.stem, schema=schema)
    for batch in batches:  # not as one stream: what stops it would come out as another error
        with store_errors(f"{place} cannot be written"):
            table.add(batch, on_bad_vectors="null")  # missing vectors stay missing
    with store_errors(f"{place} cannot be written"):
        table.optimize()


def lance_schema(place: Path) -> pa.Schema | None:
    """The columns of a table; None where there is none."""
    with store_errors(f"{place} cannot be read"):
        table = _open(place)
        return None if table is None else table.schema


def lance_count(place: Path) -> int:
    """The number of rows of a table."""
    with store_errors(f"{place} cannot be read"):
        table = _open(place)
        return table.count_rows() if table else 0


def read_lance(place: Path, rows: int, columns: Sequence[str] = ()) -> Iterator[pa.Table]:
    """The rows of a table in their order, so many at a time; all columns or some.

    Raises:
        StoreError: it cannot be read.
    """
    with store_errors(f"{place} cannot be read"):
        table = _open(place)
        for start in range(0, table.count_rows() if table else 0, rows):
            query = table.search().offset(start).limit(rows)
            yield (query.select(list(columns)) if columns else query).to_arrow()


def _open(place: Path) -> Any:
    import lancedb

    try:
        return lancedb.connect(place.parent).open_table(place.stem)
    except ValueError:  # there is no such table
        return None
