"""Whether the tables of a collection fit together, and mending of what does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from core.store.items import ItemsTable
from core.store.lance import Database
from core.store.schema import tokens_name, vectors_name

_COLUMNS = {
    "pairs": ("image", "text"),
    "thumbnails": ("id",),
    "provenance": ("id",),
    "tags": ("item", "text"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not fit.

    Args:
        sentence: what, and of how many.
        mended: whether it was repaired.
    """

    sentence: str
    mended: bool = False


def problems(database: Database, items: ItemsTable, *, repair: bool = False) -> Iterator[Problem]:
    """Everything in a collection that refers to what is not there.

    Args:
        database: its tables.
        items: its items.
        repair: delete rows of items that are gone.
    """
    passports = items.passports()
    ids = items.items().ids
    columns = dict(_COLUMNS)
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
