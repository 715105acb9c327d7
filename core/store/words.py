"""Full-text search: what is said about each item, kept in a table of its own with a BM25 index.

The table is derived from the items, made when somebody first asks and brought up to date when the
items have changed since. Searched are captions, the names of pictures, labels and attributes; a
picture counts as much as the best of its captions does. Words of one English stem are the same;
stop words and signs are none. Any text may be asked: nothing in it is read as query syntax.

Source of the score: Robertson, Walker. Some Simple Effective Approximations to the 2-Poisson Model
for Probabilistic Weighted Retrieval. SIGIR 1994 (BM25).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from core.store.contents import Contents
from core.store.database import Database
from core.store.schema import PAIRS, WORDS
from core.store.snapshot import Snapshot
from core.store.table import Table

MANY = 1000  # new rows from which on the index is worth joining


class Words:
    """Finds items of one collection by words.

    Args:
        database: where the tables are.
        contents: the items as they are now.
    """

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents
        self._seen = 0

    def find(self, text: str, limit: int) -> list[tuple[str, float]]:
        """Ids and BM25 scores, best first.

        At most `limit` are found by words of their own; pictures of captions come on top.
        """
        table = self._table()
        if table is None or not text.strip():
            return []
        found = table.match("words", text, limit)
        scores = dict(zip(found["id"].to_pylist(), found["_score"].to_pylist(), strict=True))
        pairs = self._database.table("pairs")
        if pairs is not None and scores:
            for pair in pairs.read(PAIRS.names, {"text": list(scores)}).to_pylist():
                own = scores.get(pair["image"], 0.0)
                scores[pair["image"]] = max(own, scores[pair["text"]])
        return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))

    def _table(self) -> Table | None:
        """The table, after it was brought up to date; None while there are no items."""
        items = self._contents.items()
        if not len(items.ids):
            return None
        table = self._database.make("words", WORDS)
        if self._seen != items.version:
            stored = table.read(["id"])["id"]
            gone = stored.filter(pc.invert(pc.is_in(stored, value_set=items.ids)))
            new = pc.indices_nonzero(pc.invert(pc.is_in(items.ids, value_set=stored)))
            table.delete({"id": gone.to_pylist()})
            table.merge(_rows(items, new), ["id"])
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
    return pa.table([items.ids.take(rows), words], schema=WORDS)
