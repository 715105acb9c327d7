"""Whether the tables of a collection fit together, and mending of what does not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Damaged
from core.store.database import CONTENTS, Database
from core.store.items import ItemsTable
from core.store.originals import Originals
from core.store.reasons import count
from core.store.schema import tokens_name, vectors_name

_COLUMNS = {
    "pairs": ("image", "text"),
    "thumbnails": ("id",),
    "provenance": ("id",),
    "tags": ("item", "text"),
}
_COUNTED = ("items", "pairs", "thumbnails")  # and vectors: counted again whenever rows are deleted
_WITHOUT_WHICH_NOTHING = ("items", "passports")
# What to do about a table that is gone or cannot be read, by its name up to the first "_".
_FROM_A_COPY = "Restore it from a copy; a repair goes on without it."
_INGEST_AGAIN = "After a repair, the same ingest again adds its rows."
_REMEDIES = {
    **dict.fromkeys(
        _WITHOUT_WHICH_NOTHING, "Restore it from a copy, or delete the collection and ingest again."
    ),
    **dict.fromkeys(("tags", "edits", "undo", "queries", "recipes"), _FROM_A_COPY),
    **dict.fromkeys(("pairs", "provenance"), _INGEST_AGAIN),
    "vectors": "After a repair, encode the collection again.",
    "tokens": "After a repair, add the token vectors again.",
    "thumbnails": "A repair makes its images again.",
}
_DERIVED = "A repair goes on without it."
_RECORD = "It is how a lost table is noticed; a repair completes it."


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not fit.

    Args:
        sentence: what, and of how many.
        mendable: whether a repair changes anything about it.
        mended: whether it was repaired.
        table: the table that is gone or cannot be read, if it is that.
    """

    sentence: str
    mendable: bool = False
    mended: bool = False
    table: str = ""


def problems(
    database: Database,
    items: ItemsTable,
    originals: Originals,
    documents: Mapping[str, Callable[[], object]],
    *,
    repair: bool = False,
) -> Iterator[Problem]:
    """Every table that cannot be read, and everything that refers to what is not there.

    Args:
        database: its tables.
        items: its items.
        originals: its copies of images.
        documents: what reads the documents in the rows of a table, by the table's name.
        repair: delete rows and copies of items that are gone, and go on without lost and damaged
            tables whose content can be computed or set again.
    """
    whole = True
    for problem in _tables(database, documents, repair):
        yield problem
        whole &= problem.mended or not problem.table
    if not whole:
        return  # the others would be read as if its rows had been deleted
    if database.table("items") is None:
        if database.present():
            yield Problem(
                "No item is stored, as after an ingest that was stopped. Repeat the ingest, or "
                "delete the collection."
            )
        return  # what other tables have is all that is left: nothing is deleted
    yield from _unlisted(database, items, repair)
    passports = items.passports()
    yield from _fewer(database, [*_COUNTED, *map(vectors_name, passports)], repair)
    ids = items.items().ids
    columns: dict[str, Sequence[str]] = dict(_COLUMNS)
    for passport in passports:
        columns |= {vectors_name(passport): ("id",), tokens_name(passport): ("id",)}
        table = database.table(vectors_name(passport))
        if table and (d := table.schema().field("vector").type.list_size) != passport.d:
            yield Problem(
                f"The vectors of {passport.model} have {d} dimensions; its passport says "
                f"{passport.d}."
            )
    yield from _orphans(database, columns, ids, repair)
    yield from _half_encoded(items)
    yield from _originals(items, originals, repair)
    if repair:
        database.record()


def _tables(
    database: Database, documents: Mapping[str, Callable[[], object]], repair: bool
) -> Iterator[Problem]:
    """Tables that are gone or cannot be read."""
    present, recorded, record = database.present(), list[str](), ""
    try:
        recorded = database.recorded()
    except Damaged as error:
        record = f"is {error.state}"
        if repair:
            database.drop_record()
    states = {name: _state(database, name, documents) for name in sorted({*present, *recorded})}
    new = [n for n in present if n not in recorded and not states[n] and database.table(n)]
    if new:
        record = record or f"lacks {count(len(new), 'table')}"
        if repair:
            database.note(new)
    if record:
        table = CONTENTS if record.startswith("is") else ""
        yield Problem(f"The record of the tables {record}. {_RECORD}", True, repair, table)
    for name, state in states.items():
        if not state:
            continue
        mendable = name not in _WITHOUT_WHICH_NOTHING
        if mendable and repair:
            database.drop(name)
        remedy = _REMEDIES.get(name.partition("_")[0], _DERIVED)
        sentence = f"The table '{name}' is {state}. {remedy}"
        yield Problem(sentence, mendable, mendable and repair, name)


def _state(database: Database, name: str, documents: Mapping[str, Callable[[], object]]) -> str:
    """What is wrong with a table; "" for nothing."""
    try:
        table = database.read_through(name)
        if table and table.has_text_index():
            table.match("words", "image", 1, None)
        if name in documents:
            documents[name]()
    except Damaged as error:
        return error.state
    return ""


def _unlisted(database: Database, items: ItemsTable, repair: bool) -> Iterator[Problem]:
    """Encoders whose vectors are gone: a search with them would find nothing."""
    for passport in items.passports():
        if database.table(vectors_name(passport)) is None:
            table = database.table("passports")
            if repair and table:
                table.delete({"key": [passport.key]})
            yield Problem(
                f"The encoder {passport.model} has no vectors. A repair takes it from the list: "
                "encode the collection with it again.",
                True,
                repair,
            )


def _fewer(database: Database, names: Sequence[str], repair: bool) -> Iterator[Problem]:
    """Tables that have lost rows which nobody deleted."""
    for name in names:
        table, recorded = database.table(name), database.recorded_rows(name) or 0
        rows = table.count() if table else 0
        if rows < recorded:
            yield Problem(
                f"The table '{name}' has {count(rows, 'row')}; it had {recorded:,} when they were "
                "last counted.",
                True,
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
                are = "is" if len(gone) == 1 else "are"
                sentence = f"{count(len(gone), 'item')} of its {what} {are} gone."
                yield Problem(sentence, True, repair)


def _half_encoded(items: ItemsTable) -> Iterator[Problem]:
    """Items that a killed ingest stored and did not encode."""
    for passport in items.passports():
        n = len(items.without_vector(passport)) if passport.weights else 0
        if n:
            have = "has" if n == 1 else "have"
            yield Problem(
                f"{count(n, 'item')} {have} no vector of {passport.model}. The same ingest again "
                "adds what is missing."
            )


def _originals(items: ItemsTable, originals: Originals, repair: bool) -> Iterator[Problem]:
    """Images whose file or copy is gone, and copies of images that are gone."""
    snapshot = items.items()
    columns = {name: snapshot.column(name) for name in ("source", "content")}
    images = pa.table(columns).filter(pc.equal(snapshot.column("kind"), "image"))
    files = images["source"].filter(pc.greater(pc.binary_length(images["source"]), 0)).to_pylist()
    gone = sum(not os.path.exists(path) for path in files)
    if gone:
        have = "has" if gone == 1 else "have"
        yield Problem(f"{count(gone, 'image')} {have} a file that is no longer there.")
    copied = images.filter(pc.equal(pc.binary_length(images["source"]), 0))["content"]
    needed, stored = {*copied.to_pylist()} - {"", None}, originals.digests()
    if lost := len(needed - stored):
        copies = "copy" if lost == 1 else "copies"
        are = "is" if lost == 1 else "are"
        yield Problem(f"The {copies} of {count(lost, 'image')} {are} missing.")
    unneeded = stored - {*images["content"].to_pylist()}
    if unneeded:
        for digest in unneeded if repair else ():
            originals.delete(digest)
        n = len(unneeded)
        sentence = "1 copy belongs to an image that is gone." if n == 1 else (
            f"{n:,} copies belong to images that are gone."
        )  # fmt: skip
        yield Problem(sentence, True, repair)
