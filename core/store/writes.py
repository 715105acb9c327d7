"""Writes, table by table in an order that leaves a readable collection wherever they stop."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from core.store.database import Database
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

FIXED_TABLES = (
    "passports", "pairs", "thumbnails", "provenance", "items", "tags", "edits", "undo", "words",
    "layouts", "intakes",
)  # fmt: skip


def add(
    database: Database,
    originals: Originals,
    items: Sequence[Item],
    pairs: Sequence[tuple[str, str]],
    thumbnails: Mapping[str, bytes],
) -> None:
    """Images and thumbnails first, then the items that refer to them.

    A process killed in between leaves no item without its image.
    """
    for item in items:
        if item.kind == "image" and not item.source and item.payload:
            originals.write(content(item), item.payload)
    if thumbnails:
        columns = [list(thumbnails), list(thumbnails.values())]
        database.ensure("thumbnails", THUMBNAILS).merge(
            pa.table(columns, schema=THUMBNAILS), ["id"]
        )
    table = database.ensure("items", ITEMS)
    rows = item_rows(items)
    new = [f for f in rows.schema if attribute_of(f.name)]
    if new:
        table.add_columns(new)
    table.merge(rows, ["id"])
    if pairs:
        unique = list(dict.fromkeys(pairs))
        columns = [[image for image, _ in unique], [text for _, text in unique]]
        database.ensure("pairs", PAIRS).merge(pa.table(columns, schema=PAIRS), ["image", "text"])


def update(database: Database, items: Sequence[Item]) -> None:
    """Replace the rows of existing items, except for the digests of their bytes."""
    table = database.table("items")
    if table is None or not items:
        return
    stored = table.read(["id", "content", "added"], {"id": [item.id for item in items]})
    old = {row["id"]: row for row in stored.to_pylist()}
    rows = item_rows([item for item in items if item.id in old])
    table.add_columns([f for f in rows.schema if attribute_of(f.name)])
    ids = rows["id"].to_pylist()
    # `added` shows the full-text index that the row has changed.
    kept = {
        "content": [old[i]["content"] for i in ids],
        "added": [old[i]["added"] + 1 for i in ids],
    }
    columns = []
    for field in table.schema():
        if field.name in kept:
            columns.append(pa.array(kept[field.name], field.type))
        elif field.name in rows.schema.names:
            columns.append(rows[field.name])
        else:
            columns.append(pa.nulls(len(rows), field.type))
    table.merge(pa.table(columns, schema=table.schema()), ["id"], replace=True)


def unpair(database: Database, pairs: Sequence[tuple[str, str]], keep: Container[str]) -> list[str]:
    """Delete the pairs of texts that are kept or have other images; returns the other texts."""
    table = database.table("pairs")
    if table is None or not pairs:
        return []
    images: dict[str, set[str]] = {}
    for image, text in pairs:
        images.setdefault(text, set()).add(image)
    rows = table.read(PAIRS.names, {"text": sorted(images)}).to_pylist()
    shared = {row["text"] for row in rows if row["image"] not in images[row["text"]]}
    shared.update(text for text in images if text in keep)
    tags = database.table("tags")
    for text in sorted(shared):
        table.delete_both({"text": [text], "image": sorted(images[text])})
        if tags:
            tags.delete_both({"text": [text], "item": sorted(images[text])})
    database.record()
    return sorted(images.keys() - shared)


def write_vectors(
    database: Database,
    passport: Passport,
    ids: Sequence[str],
    vectors: Floats,
    replace: bool = False,
    listed: bool = True,
) -> None:
    """Store the vectors of some items; existing ones of this encoder stay unless `replace`.

    Unless `listed`, the passport is not stored: the vectors do not show before `succeed`.
    """
    if vectors.shape != (len(ids), passport.d):
        raise ValueError(f"{vectors.shape} vectors for {len(ids)} ids and {passport.d} dimensions")
    schema = vectors_schema(passport.d)
    table = database.ensure(vectors_name(passport), schema)
    if listed:
        _list(database, passport, time.time_ns())
    # Of a repeated id the first: a merge would insert both.
    first = sorted({id_: at for at, id_ in reversed(list(enumerate(ids)))}.values())
    values = np.ascontiguousarray(vectors[first], np.float32)
    column = pa.FixedSizeListArray.from_arrays(values.ravel(), passport.d)
    rows = pa.table([[ids[i] for i in first], column], schema=schema)
    table.merge(rows, ["id"], replace=replace)


def succeed(database: Database, old: Passport, new: Passport) -> None:
    """List an encoder in another's place, and delete the vectors of that one.

    The new one is listed first: a process killed in between leaves both.
    """
    passports = database.table("passports")
    if passports is None:
        return
    stored = passports.read(["added"], {"key": [old.key]})["added"].to_pylist()
    _list(database, new, stored[0] if stored else time.time_ns())
    passports.delete({"key": [old.key]})
    for name in (tokens_name(old), vectors_name(old)):
        database.drop(name)


def _list(database: Database, passport: Passport, added: int) -> None:
    row = [[passport.key], [passport.to_json()], [added]]
    database.ensure("passports", PASSPORTS).merge(pa.table(row, schema=PASSPORTS), ["key"])


def delete(
    database: Database,
    originals: Originals,
    passports: Iterable[Passport],
    ids: Sequence[str],
    keep_copies: bool = False,
) -> list[str]:
    """Vectors first, items last: what a killed process leaves is still listed, to delete again.

    Returns the digests of the copies that no item needs; they are deleted unless they are kept.
    """
    items = database.table("items")
    if items is None or not ids:
        return []
    for passport in passports:
        for name in (tokens_name(passport), vectors_name(passport)):
            vectors = database.table(name)
            if vectors:
                vectors.delete({"id": ids})
    keys = {
        "pairs": ("image", "text"),
        "tags": ("item", "text"),
        "thumbnails": ("id",),
        "provenance": ("id",),
    }
    for name, columns in keys.items():
        table = database.table(name)
        if table:
            for column in columns:
                table.delete({column: ids})
    deleted = items.read(["source", "content"], {"id": ids}).to_pylist()
    items.delete({"id": ids})
    copies = sorted({row["content"] for row in deleted if row["content"] and not row["source"]})
    if not keep_copies:
        delete_copies(database, originals, copies)
    database.record()
    return copies


def delete_copies(database: Database, originals: Originals, copies: Sequence[str]) -> None:
    """Delete copies of images that no item needs."""
    items = database.table("items")
    if items is None or not copies:
        return
    others = items.read(["source", "content"], {"content": list(copies)}).to_pylist()
    for digest in sorted({*copies} - {row["content"] for row in others if not row["source"]}):
        originals.delete(digest)


def optimize(database: Database, originals: Originals, passports: Sequence[Passport]) -> None:
    """Join the small files of many writes, and index ids."""
    originals.delete_unfinished()
    tokens = [tokens_name(passport) for passport in passports]
    for name in (*FIXED_TABLES, *map(vectors_name, passports), *tokens):
        table = database.table(name)
        if table:
            table.optimize()
            if name in ("items", "thumbnails", *tokens):
                table.index("id")
    database.record()
