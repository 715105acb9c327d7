"""Full-text search: what is said about each item, kept in a table of its own with a BM25 index.

The table is derived from the items, made when somebody first asks and brought up to date when the
items have changed since. Searched are captions, the names of pictures, labels and attributes; a
picture counts as much as the best of its captions does. Words of one English stem are the same;
stop words and signs are none. Any text may be asked: nothing in it is read as query syntax.

Source of the score: Robertson, Walker. Some Simple Effective Approximations to the 2-Poisson Model
for Probabilistic Weighted Retrieval. SIGIR 1994 (BM25).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from core.store.items import ItemsTable
from core.store.lance import Database, Table
from core.store.schema import PAIRS, WORDS, one_array
from core.store.snapshot import Snapshot

MANY = 1000  # new rows from which on the index is worth joining
FEW = 1000  # rows up to which looking at them alone takes less time than looking at more of all
FURTHER = 8  # times as many, where too few of those that were found may be


class FullTextIndex:
    """Finds items of one collection by words.

    Args:
        database: where the tables are.
        contents: the items as they are now.
    """

    def __init__(self, database: Database, contents: ItemsTable) -> None:
        self._database = database
        self._contents = contents
        self._seen = 0

    def find(
        self, text: str, limit: int, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """Ids and BM25 scores, best first.

        At most `limit` are found by words of their own; pictures of captions come on top. With
        `among`, only these ids are found: pictures by any of their captions.
        """
        table = self._table()
        if table is None or not text.strip():
            return []
        pairs = self._database.once("pairs", _pairs, PAIRS.empty_table())
        may = None if among is None else pa.array(among, pa.string())
        found = _match(table, text, limit, None if may is None else _saying(pairs, may))
        scores = dict(zip(found["id"].to_pylist(), found["_score"].to_pylist(), strict=True))
        for pair in _where(pairs, "text", found["id"]).to_pylist():
            own = scores.get(pair["image"], 0.0)
            scores[pair["image"]] = max(own, scores[pair["text"]])
        if may is not None:
            ids = pa.table({"id": pa.array(scores, pa.string())})
            scores = {id_: scores[id_] for id_ in _where(ids, "id", may)["id"].to_pylist()}
        return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))

    def _table(self) -> Table | None:
        """The table, after it was brought up to date; None while there are no items."""
        items = self._contents.items()
        if not len(items.ids):
            return None
        table = self._database.make("words", WORDS)
        if self._seen != items.version:
            if "added" not in table.schema().names:  # made by an earlier version
                table.add_columns([WORDS.field("added")])
            stored = table.read(["id", "added"])
            gone = stored["id"].filter(pc.invert(pc.is_in(stored["id"], value_set=items.ids)))
            then = stored["added"].take(pc.index_in(items.ids, value_set=stored["id"]))
            same = pc.fill_null(pc.equal(then, items.column("added")), False)
            new = pc.indices_nonzero(pc.invert(same))
            table.delete({"id": gone.to_pylist()})
            table.merge(_rows(items, new), ["id"], replace=True)
            table.index_words("words")
            if len(new) >= MANY:
                table.optimize()
            self._seen = items.version
        return table


def _rows(items: Snapshot, rows: pa.Array) -> pa.Table:
    """What is said about some items: text or name, labels, and attributes that can be words."""
    text, name = items.column("text").take(rows), items.column("name").take(rows)
    said = [pc.coalesce(text, pc.cast(name, pa.large_string()))]
    labels = pc.binary_join(items.column("labels").take(rows), " ")
    said.append(pc.cast(labels, pa.large_string()))
    for attribute in items.attributes:
        values = items.attribute(attribute).take(rows)
        if pa.types.is_string(values.type) or pa.types.is_integer(values.type):
            said.append(pc.cast(values, pa.large_string()))
    words = pc.binary_join_element_wise(
        *said, pa.scalar("\n", pa.large_string()), null_handling="skip"
    )
    added = items.column("added").take(rows)
    return pa.table([items.ids.take(rows), words, added], schema=WORDS)


def _match(table: Table, text: str, limit: int, ids: pa.Array | None) -> pa.Table:
    """The best rows with one of these ids: as many as the limit, unless there are no more."""
    if ids is None or len(ids) <= FEW:
        return table.match("words", text, limit, None if ids is None else ids.to_pylist())
    asked = limit
    while True:
        found = table.match("words", text, asked, None)
        kept = _where(found, "id", ids)
        if len(kept) >= limit or len(found) < asked:
            return kept.slice(0, limit)
        asked *= FURTHER


def _saying(pairs: pa.Table, ids: pa.Array) -> pa.Array:
    """The items, and the captions of those that are pictures."""
    captions = one_array(_where(pairs, "image", ids)["text"])
    return pc.unique(pa.concat_arrays([ids, captions]))


def _where(rows: pa.Table, column: str, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.filter(pc.is_in(rows[column], value_set=ids))


def _pairs(table: Table) -> pa.Table:
    return table.read(PAIRS.names)
