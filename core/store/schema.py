"""The tables with their columns, and items as rows.

    {home}/collections.lance    key, name, created: renaming a collection is one row
    {home}/{key}/               one LanceDB per collection
        contents.lance          which tables were created: one that is lost is not read as empty
        items.lance             every item, its attributes in typed columns
        pairs.lance             image, text
        tags.lance              what a person has said about an item, or about a pair
        edits.lance, undo.lance labels a person has set, deleted items, and the last edit's undo
        thumbnails.lance        id, webp
        provenance.lance        place, name, id: what was ingested from where
        passports.lance         the encoders, in the order in which they were added
        vectors_{passport}.lance  id, vector
        tokens_{passport}.lance   id, its token vectors, and how they were pooled
        words.lance               the full-text index
        layouts.lance, reports.lance, findings.lance, queries.lance, intakes.lance,
        recipes.lance           artifacts: projections, measurements, saved queries, the reports
                                of past ingests, and fitted repairs
        originals/              copies of images that have no file of their own

Every write is a merge by key into one table, and nothing assumes that two tables were written
together: a killed process leaves a readable collection, and repeating its run completes it. Tables
declare their key to Lance, which then rejects a second writer that inserts the same key; the
rejected merge is retried.

An attribute has one nullable column for each type its values have: `a_int_year`, `a_str_year`. A
value of another type therefore never rewrites or loses existing values; readers unite the columns
(`Snapshot.attribute`). Characters other than a-z and 0-9 are written as `_` and two hex digits, so
that no name can collide with another column or be misread by the engine.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import clean
from core.store.table import key
from core.types import Ints, Item, Passport, Value, digest

ITEMS = pa.schema(
    [
        key("id"),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        # Bytes: a path need not be text.
        pa.field("source", pa.binary()),
        # Digest of an image's bytes: the name of its copy, or how a changed file is noticed.
        pa.field("content", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("text_length", pa.int64()),
        pa.field("labels", pa.list_(pa.string())),
        pa.field("added", pa.int64()),
    ]
)
PAIRS = pa.schema([key("image"), key("text")])
# `text` is "" for a tag on one item.
TAGS = pa.schema([key("tag"), key("item"), key("text"), pa.field("added", pa.int64())])
PROVENANCE = pa.schema([key("place"), key("name"), key("id")])
# What a person has changed of an item; `labels` is null where they have not been set.
EDITS = pa.schema(
    [
        key("item"),
        pa.field("labels", pa.list_(pa.string())),
        pa.field("deleted", pa.bool_()),
        pa.field("added", pa.int64()),
    ]
)
# The last edit: what it was, and the rows to put back or to remove, as Arrow streams.
UNDO = pa.schema([key("part"), pa.field("about", pa.string()), pa.field("rows", pa.large_binary())])
THUMBNAILS = pa.schema([key("id"), pa.field("webp", pa.binary())])
PASSPORTS = pa.schema(
    [key("key"), pa.field("passport", pa.string()), pa.field("added", pa.int64())]
)
WORDS = pa.schema(
    [
        key("id"),
        pa.field("words", pa.large_string()),
        # When the item was added: one that was deleted and added again may have other texts.
        pa.field("added", pa.int64()),
    ]
)
LAYOUTS = pa.schema(
    [
        key("layout"),
        pa.field("columns", pa.int64()),
        pa.field("coords", pa.large_binary()),
        pa.field("added", pa.int64()),
    ]
)
REPORTS = pa.schema(
    [key("name"), pa.field("report", pa.large_string()), pa.field("added", pa.int64())]
)
# A recipe's file as `core.improve` writes it.
RECIPES = pa.schema(
    [key("name"), pa.field("file", pa.large_binary()), pa.field("added", pa.int64())]
)
# A file of compressed rows as `core.improve` writes it, and what was measured of it.
COMPRESSED = pa.schema(
    [
        key("name"),
        pa.field("file", pa.large_binary()),
        pa.field("report", pa.string()),
        pa.field("added", pa.int64()),
    ]
)
# `part` is what was measured, `state` identifies the vectors and the code that measured them, and
# `items` are (m, n) float32, compressed: m findings over n items.
FINDINGS = pa.schema(
    [
        key("part"),
        pa.field("state", pa.string()),
        pa.field("report", pa.large_string()),
        pa.field("items", pa.large_binary()),
    ]
)
INGEST_REPORTS = pa.schema(
    [key("key"), pa.field("report", pa.large_string()), pa.field("added", pa.int64())]
)

# By the name of the type in the column's name.
ATTRIBUTE_TYPES: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "str": pa.string(),
}
FEW = 0.01  # share of the ids that are wanted, below which all ids are looked up among these
EXACT = 2**53  # the largest integer up to which floats hold every one
_UNESCAPED = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def vectors_schema(d: int) -> pa.Schema:
    """The columns of a vector table."""
    return pa.schema([key("id"), pa.field("vector", pa.list_(pa.float32(), d))])


def item_rows(items: Sequence[Item]) -> pa.Table:
    """Items as rows, in order; of items with the same id the first."""
    items = list({i.id: i for i in reversed(items)}.values())[::-1]
    now = time.time_ns()
    texts = [i.text if i.kind == "text" else None for i in items]
    columns = [
        [i.id for i in items],
        [i.kind for i in items],
        [clean(i.name) for i in items],
        [os.fsencode(i.source) for i in items],
        [content(i) for i in items],
        texts,
        [None if t is None else len(t) for t in texts],
        [[clean(label) for label in i.labels] for i in items],
        [now + n for n in range(len(items))],
    ]
    rows = pa.table(columns, schema=ITEMS)
    for name in sorted({a for i in items for a in i.attributes}):
        values = [_typed(i.attributes.get(name)) for i in items]
        for kind, column_type in ATTRIBUTE_TYPES.items():
            if any(k == kind for k, _ in values):
                column = pa.array([v if k == kind else None for k, v in values], column_type)
                rows = rows.append_column(attribute_column(name, kind), column)
    return rows


def content(item: Item) -> str:
    """Digest of an image's bytes; "" for texts and where only a vector is stored."""
    return image_digest(item.payload) if item.kind == "image" and item.payload else ""


def image_digest(data: bytes) -> str:
    """Digest of an image's bytes, whatever the item's id."""
    return digest("image", data)


def item_of(row: Mapping[str, Any]) -> Item:
    """A row as an item; an image comes without its bytes."""
    attributes = {}
    for column, value in row.items():
        known = attribute_of(column)
        if known and value is not None:
            attributes[known[0]] = value
    return Item(
        kind=row["kind"],
        payload=(row["text"] or "").encode(),
        name=row["name"],
        source=os.fsdecode(row["source"] or b""),
        labels=tuple(row["labels"] or ()),
        attributes=attributes,
        id=row["id"],
    )


def attribute_column(name: str, kind: str) -> str:
    """The column of an attribute's values of one type.

    >>> attribute_column("Year", "int")
    'a_int__59ear'
    """
    data = name.encode("utf-8", "surrogatepass")
    safe = "".join(chr(b) if chr(b) in _UNESCAPED else f"_{b:02x}" for b in data)
    return f"a_{kind}_{safe}"


@lru_cache(4096)
def attribute_of(column: str) -> tuple[str, str] | None:
    """Name and type of the attribute in a column; None for other columns.

    >>> attribute_of("a_int__59ear"), attribute_of("added")
    (('Year', 'int'), None)
    """
    match = re.fullmatch(r"a_(bool|int|float|str)_(.*)", column)
    if not match:
        return None
    parts = re.findall(r"_([0-9a-f]{2})|(.)", match[2])
    data = b"".join(bytes.fromhex(code) if code else plain.encode() for code, plain in parts)
    return clean(data.decode("utf-8", "surrogatepass")), match[1]


def attributes_in(columns: Iterable[str]) -> dict[str, dict[str, str]]:
    """Every attribute with its columns by type: {"year": {"int": "a_int_year"}}."""
    attributes: dict[str, dict[str, str]] = {}
    for column in columns:
        known = attribute_of(column)
        if known:
            attributes.setdefault(known[0], {})[known[1]] = column
    return dict(sorted(attributes.items()))


def fits_int64(number: float) -> bool:
    """Whether a number lies in the range of the integer columns."""
    return -(2**63) <= number < 2**63


def vectors_name(passport: Passport) -> str:
    """The table of an encoder's vectors."""
    return f"vectors_{passport.key}"


def tokens_name(passport: Passport) -> str:
    """The table of an encoder's token vectors."""
    return f"tokens_{passport.key}"


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def positions(wanted: pa.Array | pa.ChunkedArray, ids: pa.Array) -> Ints:
    """Position of each wanted id in `ids`; -1 for unknown ids.

    >>> positions(pa.array(["b", "x"]), pa.array(["a", "b"]))
    array([ 1, -1])
    """
    if not len(wanted):
        return np.empty(0, np.int64)
    if len(wanted) < FEW * len(ids):  # each id is looked up among the wanted: the smaller table
        rows = pc.indices_nonzero(pc.is_in(ids, value_set=wanted))
        at = rows.take(pc.index_in(wanted, value_set=ids.take(rows)))
    else:
        at = pc.index_in(wanted, value_set=ids)
    return pc.fill_null(pc.cast(at, pa.int64()), -1).to_numpy(zero_copy_only=False)


def _typed(value: Value | None) -> tuple[str, Any]:
    if value is None:
        return "", None
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int) and fits_int64(value):
        return "int", value
    if isinstance(value, float):
        return "float", value
    return "str", clean(str(value))
