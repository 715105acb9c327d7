"""Everything that is written, table by table, so that stopping anywhere leaves what reads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from core.store.lance import Database
from core.store.originals import Originals
from core.store.schema import (
    ITEMS,
    PAIRS,
    PASSPORTS,
    THUMBNAILS,
    attribute_of,
    content,
    item_rows,
    tokens_name,
    vectors_name,
    vectors_schema,
)
from core.types import Floats, Item, Passport

OWN = ("passports", "pairs", "thumbnails", "items", "words", "layouts", "intakes")


def add(
    database: Database,
    originals: Originals,
    items: Sequence[Item],
    pairs: Sequence[tuple[str, str]],
    thumbnails: Mapping[str, bytes],
) -> None:
    """Pictures first, small ones too, then what names them: a run killed between leaves no gap."""
    for item in items:
        if item.kind == "image" and not item.source and item.payload:
            originals.write(content(item), item.payload)
    if thumbnails:
        columns = [list(thumbnails), list(thumbnails.values())]
        database.make("thumbnails", THUMBNAILS).merge(pa.table(columns, schema=THUMBNAILS), ["id"])
    table = database.make("items", ITEMS)
    rows = item_rows(items)
    new = [f for f in rows.schema if attribute_of(f.name)]
    if new:
        table.add_columns(new)
    table.merge(rows, ["id"])
    if pairs:
        unique = list(dict.fromkeys(pairs))
        columns = [[image for image, _ in unique], [text for _, text in unique]]
        database.make("pairs", PAIRS).merge(pa.table(columns, schema=PAIRS), ["image", "text"])


def write_vectors(
    database: Database, passport: Passport, ids: Sequence[str], vectors: Floats
) -> None:
    """Keep the vectors of some items; those that have one of this encoder keep it."""
    if vectors.shape != (len(ids), passport.d):
        raise ValueError(f"{vectors.shape} vectors for {len(ids)} ids and {passport.d} dimensions")
    schema = vectors_schema(passport.d)
    table = database.make(vectors_name(passport), schema)
    row = [[passport.key], [passport.to_json()], [time.time_ns()]]
    database.make("passports", PASSPORTS).merge(pa.table(row, schema=PASSPORTS), ["key"])
    # Of an id that comes twice the first: a merge would insert both.
    first = sorted({id_: at for at, id_ in reversed(list(enumerate(ids)))}.values())
    kept = np.ascontiguousarray(vectors[first], np.float32)
    column = pa.FixedSizeListArray.from_arrays(kept.ravel(), passport.d)
    table.merge(pa.table([[ids[i] for i in first], column], schema=schema), ["id"])


def delete(
    database: Database, originals: Originals, passports: Iterable[Passport], ids: Sequence[str]
) -> None:
    """Vectors first and items last: what a killed run leaves is still listed, to delete again."""
    items = database.table("items")
    if items is None or not ids:
        return
    for passport in passports:
        for name in (tokens_name(passport), vectors_name(passport)):
            vectors = database.table(name)
            if vectors:
                vectors.delete({"id": ids})
    for name, columns in (("pairs", ("image", "text")), ("thumbnails", ("id",))):
        table = database.table(name)
        if table:
            for column in columns:
                table.delete({column: ids})
    gone = items.read(["source", "content"], {"id": ids}).to_pylist()
    items.delete({"id": ids})
    copies = {row["content"] for row in gone if row["content"] and not row["source"]}
    still = items.read(["source", "content"], {"content": sorted(copies)}).to_pylist()
    for digest in sorted(copies - {row["content"] for row in still if not row["source"]}):
        originals.delete(digest)


def optimize(database: Database, originals: Originals, passports: Sequence[Passport]) -> None:
    """Join the small files of many writes and make look-ups by id quick."""
    originals.tidy()
    tokens = [tokens_name(passport) for passport in passports]
    for name in (*OWN, *map(vectors_name, passports), *tokens):
        table = database.table(name)
        if table:
            table.optimize()
            if name in ("items", "thumbnails", *tokens):
                table.index("id")
