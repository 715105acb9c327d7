"""Whether the tables of a collection fit together, and mending of what does not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from core.store.database import Database
from core.store.items import ItemsTable
from core.store.originals import Originals
from core.store.schema import tokens_name, vectors_name

_COLUMNS = {
    "pairs": ("image", "text"),
    "thumbnails": ("id",),
    "provenance": ("id",),
    "tags": ("item", "text"),
}


_COUNTED = ("items", "pairs", "thumbnails")  # and vectors: counted again whenever rows are deleted
_WITHOUT_WHICH_NOTHING = ("items", "passports")


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not fit.

    Args:
        sentence: what, and of how many.
        mended: whether it was repaired.
    """

    sentence: str
    mended: bool = False


def problems(
    database: Database, items: ItemsTable, originals: Originals, *, repair: bool = False
) -> Iterator[Problem]:
    """Everything in a collection that refers to what is not there.

    Args:
        database: its tables.
        items: its items.
        originals: its copies of images.
        repair: delete rows and copies of items that are gone, and go on without lost tables whose
            content can be computed or set again.
    """
    yield from _lost(database, repair)
    if database.lost():
        return  # the others would be read as if its rows had been deleted
    passports = items.passports()
    yield from _fewer(database, [*_COUNTED, *map(vectors_name, passports)], repair)
    ids = items.items().ids
    columns: dict[str, Sequence[str]] = dict(_COLUMNS)
    for passport in passports:
        columns |= {vectors_name(passport): ("id",), tokens_name(passport): ("id",)}
        table = database.table(vectors_name(passport))
        if table is None:
            yield Problem(f"The vectors of {passport.model} are missing.")
        elif (d := table.schema().field("vector").type.list_size) != passport.d:
            yield Problem(
                f"The vectors of {passport.model} have {d} dimensions; its passport says "
                f"{passport.d}."
            )
    if database.table("items") is None and any(map(database.table, columns)):
        yield Problem("The table of the items is missing, so that nothing can be found.")
        return  # its rows are all that is left: nothing is deleted
    yield from _orphans(database, columns, ids, repair)
    yield from _half_encoded(items)
    yield from _originals(items, originals, repair)
    if repair:
        database.record()


def _lost(database: Database, repair: bool) -> Iterator[Problem]:
    for name in database.lost():
        mended = repair and name not in _WITHOUT_WHICH_NOTHING
        rows = database.recorded_rows(name)
        if mended:
            database.forget(name)
        had = "" if rows is None else f" It had {rows:,} rows."
        yield Problem(f"The table '{name}' is missing.{had}", mended)


def _fewer(database: Database, names: Sequence[str], repair: bool) -> Iterator[Problem]:
    """Tables that have lost rows which nobody deleted."""
    for name in names:
        table, recorded = database.table(name), database.recorded_rows(name) or 0
        rows = table.count() if table else 0
        if rows < recorded:
            yield Problem(
                f"The table '{name}' has {rows:,} rows; it had {recorded:,} when they were last "
                "counted.",
                repair,
            )


def _orphans(
    database: Database, columns: Mapping[str, Sequence[str]], ids: pa.Array, repair: bool
) -> Iterator[Problem]:
    """Rows of items that are gone, by table and column."""
    for name, keys in columns.items():
        table = database.table(name)
        for key in keys if table else ():
            found = pc.unique(table.read([key])[key]) if table else pa.array([])
            gone = found.filter(pc.invert(pc.is_in(found, value_set=ids)))
            gone = [id_ for id_ in gone.to_pylist() if id_]
            if gone and table:
                if repair:
                    table.delete({key: gone})
                what = name.partition("_")[0]
                yield Problem(f"{len(gone):,} items of its {what} are gone.", repair)


def _half_encoded(items: ItemsTable) -> Iterator[Problem]:
    """Items that a killed ingest stored and did not encode."""
    for passport in items.passports():
        n = len(items.without_vector(passport)) if passport.weights else 0
        if n:
            yield Problem(
                f"{n:,} items have no vector of {passport.model}. The same ingest again adds them."
            )


def _originals(items: ItemsTable, originals: Originals, repair: bool) -> Iterator[Problem]:
    """Images whose file or copy is gone, and copies of images that are gone."""
    snapshot = items.items()
    columns = {name: snapshot.column(name) for name in ("source", "content")}
    images = pa.table(columns).filter(pc.equal(snapshot.column("kind"), "image"))
    files = images["source"].filter(pc.greater(pc.binary_length(images["source"]), 0)).to_pylist()
    gone = sum(not os.path.exists(path) for path in files)
    if gone:
        yield Problem(f"{gone:,} images have a file that is no longer there.")
    copied = images.filter(pc.equal(pc.binary_length(images["source"]), 0))["content"]
    needed, stored = {*copied.to_pylist()} - {"", None}, originals.digests()
    if needed - stored:
        yield Problem(f"The copies of {len(needed - stored):,} images are missing.")
    unneeded = stored - {*images["content"].to_pylist()}
    if unneeded:
        for digest in unneeded if repair else ():
            originals.delete(digest)
        yield Problem(f"{len(unneeded):,} copies belong to images that are gone.", repair)
