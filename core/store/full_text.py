"""Full-text search (BM25) over captions, names of images, labels and attributes.

The index has a table of its own, derived from the items: created by the first search, updated by
the first search after a change. The score of an image is at least that of its best caption. Words
of one English stem are the same; stop words and punctuation are ignored. Any text is allowed:
nothing in it is parsed as query syntax.

Source of the score: Robertson, Walker. Some Simple Effective Approximations to the 2-Poisson Model
for Probabilistic Weighted Retrieval. SIGIR 1994 (BM25).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import StoreError
from core.store.database import Database
from core.store.items import ItemsTable
from core.store.schema import PAIRS, WORDS, one_array
from core.store.snapshot import Snapshot
from core.store.table import Table

MANY = 1000  # new rows after which the index is optimized
FEW = 1000  # allowed ids up to which searching them alone is faster than searching all
GROWTH = 8  # of the limit, where too few of the results are allowed


class FullTextIndex:
    """The full-text index of one collection.

    Args:
        database: where the tables are.
        items: the collection's items.
    """

    def __init__(self, database: Database, items: ItemsTable) -> None:
        self._database = database
        self._items = items
        self._indexed = 0  # version of the items

    def search(
        self, text: str, limit: int, among: Sequence[str] | None = None, *, without: str = ""
    ) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the items that contain any word of a text, best first.

        At most `limit` items by their own texts; the images of captions come in addition. With
        `among`, only these ids: images by any of their captions. The text `without` counts for
        nothing, as where it is the query.
        """
        if not text.strip() or not len(self._items.items().ids):
            return []
        try:
            table = self._table()
        except StoreError:  # such as a read-only home: an index that is there may be older
            table = self._database.table("words")
        if table is None or not table.has_text_index():
            return self._scan(text, limit, among, without)
        pairs = self._database.cached("pairs", _pairs, PAIRS.empty_table())
        allowed = None if among is None else pa.array(among, pa.string())
        searched = None if allowed is None else _with_captions(pairs, allowed)
        rows = _match(table, text, limit, searched)
        if without:
            rows = rows.filter(pc.not_equal(rows["id"], without))
        scores = dict(zip(rows["id"].to_pylist(), rows["_score"].to_pylist(), strict=True))
        for pair in _where(pairs, "text", rows["id"]).to_pylist():
            own = scores.get(pair["image"], 0.0)
            scores[pair["image"]] = max(own, scores[pair["text"]])
        if allowed is not None:
            ids = pa.table({"id": pa.array(scores, pa.string())})
            scores = {id_: scores[id_] for id_ in _where(ids, "id", allowed)["id"].to_pylist()}
        return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))

    def _scan(
        self, text: str, limit: int, among: Sequence[str] | None, without: str
    ) -> list[tuple[str, float]]:
        """Without an index: how many of the words each item has, as they are written."""
        items = self._items.items()
        rows = _rows(items, pa.array(range(len(items.ids)), pa.int64()))
        texts = pc.utf8_lower(rows["words"])
        counts = np.zeros(len(rows))
        for word in set(text.lower().split()):
            found = pc.match_substring(texts, word)
            counts += found.to_numpy(zero_copy_only=False)
        allowed = None if among is None else set(among)
        hits = [
            (id_, float(count))
            for id_, count in zip(rows["id"].to_pylist(), counts.tolist(), strict=True)
            if count and id_ != without and (allowed is None or id_ in allowed)
        ]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit]

    def _table(self) -> Table | None:
        """The up-to-date table; None while there are no items."""
        items = self._items.items()
        if not len(items.ids):
            return None
        if self._database.table("words") is None:
            self._indexed = 0
        table = self._database.ensure("words", WORDS)
        if self._indexed != items.version:
            if "added" not in table.schema().names:  # created by version 0.1
                table.add_columns([WORDS.field("added")])
            stored = table.read(["id", "added"])
            deleted = stored["id"].filter(pc.invert(pc.is_in(stored["id"], value_set=items.ids)))
            added = stored["added"].take(pc.index_in(items.ids, value_set=stored["id"]))
            same = pc.fill_null(pc.equal(added, items.column("added")), False)
            new = pc.indices_nonzero(pc.invert(same))
            table.delete({"id": deleted.to_pylist()})
            table.merge(_rows(items, new), ["id"], replace=True)
            table.index_text("words")
            if len(new) >= MANY:
                table.optimize()
            self._indexed = items.version
        return table


def _rows(items: Snapshot, rows: pa.Array) -> pa.Table:
    """The searchable text of some items: text or name, labels, and text and integer attributes."""
    text, name = items.column("text").take(rows), items.column("name").take(rows)
    texts = [pc.coalesce(text, pc.cast(name, pa.large_string()))]
    labels = pc.binary_join(items.column("labels").take(rows), " ")
    texts.append(pc.cast(labels, pa.large_string()))
    for attribute in items.attributes:
        values = items.attribute(attribute).take(rows)
        if pa.types.is_string(values.type) or pa.types.is_integer(values.type):
            texts.append(pc.cast(values, pa.large_string()))
    words = pc.binary_join_element_wise(
        *texts, pa.scalar("\n", pa.large_string()), null_handling="skip"
    )
    added = items.column("added").take(rows)
    return pa.table([items.ids.take(rows), words, added], schema=WORDS)


def _match(table: Table, text: str, limit: int, ids: pa.Array | None) -> pa.Table:
    """The best rows with one of these ids: up to the limit."""
    if ids is None or len(ids) <= FEW:
        return table.match("words", text, limit, None if ids is None else ids.to_pylist())
    n = limit
    while True:
        rows = table.match("words", text, n, None)
        allowed = _where(rows, "id", ids)
        if len(allowed) >= limit or len(rows) < n:
            return allowed.slice(0, limit)
        n *= GROWTH


def _with_captions(pairs: pa.Table, ids: pa.Array) -> pa.Array:
    """The items, and the captions of those that are images."""
    captions = one_array(_where(pairs, "image", ids)["text"])
    return pc.unique(pa.concat_arrays([ids, captions]))


def _where(rows: pa.Table, column: str, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.filter(pc.is_in(rows[column], value_set=ids))


def _pairs(table: Table) -> pa.Table:
    return table.read(PAIRS.names)
