"""Tags on items and on pairs: what a person has said about them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import BadParameter
from core.store.database import Database
from core.store.schema import TAGS
from core.store.table import Table
from core.types import Bools, Filter

FIELD = "tag"  # the filter field; an attribute of that name goes before it
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag on one item, or on an image and one of its texts.

    `ids` is the item, or the image and the text; `added` are nanoseconds since 1970.
    """

    name: str
    ids: tuple[str, ...]
    added: int = 0


class Tags:
    """The tags of one collection; they outlive a repeated ingest and go with their items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Tag, ...]:
        """Every tag, oldest first."""
        return self._database.cached("tags", _as_tags, ())

    def rows(self, name: str = "") -> pa.Table:
        """Columns tag, item, text and added, oldest first; of one tag, or of all.

        `text` is "" for a tag on one item. Where many items bear tags this is what is fast: `all`
        makes an object of each.
        """
        table = self._database.cached("tags", _oldest_first, TAGS.empty_table())
        return table.filter(pc.equal(table["tag"], name)) if name else table

    def names(self, *, of_items: bool = False) -> tuple[str, ...]:
        """All tags in alphabetical order, or those that single items bear."""
        none: dict[str, bool] = {}
        known = self._database.cached("tags", _names, none)
        return tuple(sorted(tag for tag, single in known.items() if single or not of_items))

    def items(self, name: str) -> list[str]:
        """Ids of the single items that bear a tag, oldest first."""
        rows = self.rows(name)
        return list(rows.filter(_single(rows))["item"].to_pylist())

    def of_items(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """The tags of those items that have some, without those of their pairs."""
        rows = self.rows()
        rows = rows.filter(
            pc.and_(_single(rows), pc.is_in(rows["item"], pa.array(ids, pa.string())))
        )
        tags: dict[str, list[str]] = {}
        for id_, tag in zip(rows["item"].to_pylist(), rows["tag"].to_pylist(), strict=True):
            tags.setdefault(id_, []).append(tag)
        return tags

    def version(self) -> int:
        """Changes when any process has added or removed a tag."""
        table = self._database.table("tags")
        return table.version() if table else 0

    def add(self, name: str, targets: Iterable[Sequence[str]]) -> None:
        """Tag items and pairs; existing tags stay as they are.

        Raises:
            BadParameter: the name is empty, has line breaks or is too long.
        """
        tag, now = _checked(name), time.time_ns()
        unique = list(dict.fromkeys(map(both, targets)))  # a merge would insert both
        if unique:
            items, texts = zip(*unique, strict=True)
            added = np.arange(now, now + len(unique))
            rows = pa.table([[tag] * len(unique), items, texts, added], schema=TAGS)
            self._database.ensure("tags", TAGS).merge(rows, ["tag", "item", "text"])

    def remove(self, name: str, targets: Iterable[Sequence[str]]) -> None:
        """Remove a tag from items and pairs."""
        table = self._database.table("tags")
        if table is None:
            return
        targets = set(map(both, targets))
        rows = self.rows(_checked(name))
        if targets.issuperset(zip(rows["item"].to_pylist(), rows["text"].to_pylist(), strict=True)):
            table.delete({"tag": [_checked(name)]})
            return
        texts: dict[str, list[str]] = {}
        for item, text in targets:
            texts.setdefault(text, []).append(item)
        for text, items in texts.items():
            table.delete_both({"tag": [_checked(name)], "text": [text], "item": items})

    def mask(self, condition: Filter, ids: Sequence[str]) -> Bools:
        """Which ids have one of the tags, or none of them for "not in"; a pair's are both its ends.

        Raises:
            BadParameter: the condition is "between".
        """
        if condition.op == "between":
            raise BadParameter("The filter on 'tag'", "between", "in, not in, contains")
        values = {str(v) for v in condition.values}
        meant = [name for name in self.names() if name in values]
        if condition.op == "contains":
            meant = [n for n in self.names() if any(v.lower() in n.lower() for v in values)]
        rows = self.rows()
        rows = rows.filter(pc.is_in(rows["tag"], pa.array(meant, pa.string())))
        tagged = pa.chunked_array([*rows["item"].chunks, *rows["text"].chunks], pa.string())
        matches = pc.is_in(pa.array(ids, pa.string()), tagged).to_numpy(zero_copy_only=False)
        return ~matches if condition.op == "not in" else matches


def _oldest_first(table: Table) -> pa.Table:
    return table.read(TAGS.names).sort_by([("added", "ascending")])


def _as_tags(table: Table) -> tuple[Tag, ...]:
    rows = (column.to_pylist() for column in _oldest_first(table).columns)
    return tuple(
        Tag(tag, (item, text) if text else (item,), added)
        for tag, item, text, added in zip(*rows, strict=True)
    )


def _names(table: Table) -> dict[str, bool]:
    """Each tag, and whether a single item bears it."""
    rows = table.read(["tag", "text"])
    single = set(pc.unique(rows["tag"].filter(_single(rows))).to_pylist())
    return {tag: tag in single for tag in pc.unique(rows["tag"]).to_pylist()}


def _single(rows: pa.Table) -> pa.Array:
    return pc.equal(rows["text"], "")


def both(ids: Sequence[str]) -> tuple[str, str]:
    """An item's id and "", or those of an image and its text.

    >>> both("a"), both(("a",)), both(("a", "t"))
    (('a', ''), ('a', ''), ('a', 't'))
    """
    item, *text = (ids,) if isinstance(ids, str) else ids
    return item, text[0] if text else ""


def _checked(name: str) -> str:
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST:
        raise BadParameter("A tag", repr(name), f"1 to {LONGEST} characters in one line")
    return name
