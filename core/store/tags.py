"""Tags on items and on pairs: what a person has said about them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.errors import BadParameter
from core.store.lance import Database, Table
from core.store.schema import TAGS
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
        return self._database.cached("tags", _oldest_first, ())

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
        unique = dict.fromkeys(map(both, targets))  # a merge would insert a repeated key twice
        rows = [(tag, *ids, now + n) for n, ids in enumerate(unique)]
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            table = self._database.ensure("tags", TAGS)
            table.merge(pa.table(columns, schema=TAGS), ["tag", "item", "text"])

    def remove(self, name: str, targets: Iterable[Sequence[str]]) -> None:
        """Remove a tag from items and pairs."""
        table = self._database.table("tags")
        if table is None:
            return
        texts: dict[str, list[str]] = {}
        for item, text in map(both, targets):
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
        values = [str(v) for v in condition.values]
        tagged = {
            id_
            for tag in self.all()
            for id_ in tag.ids
            if (
                any(v.lower() in tag.name.lower() for v in values)
                if condition.op == "contains"
                else tag.name in values
            )
        }
        matches = np.fromiter((id_ in tagged for id_ in ids), bool, len(ids))
        return ~matches if condition.op == "not in" else matches


def _oldest_first(table: Table) -> tuple[Tag, ...]:
    rows = table.read(TAGS.names).sort_by([("added", "ascending")]).to_pylist()
    return tuple(
        Tag(r["tag"], (r["item"], r["text"]) if r["text"] else (r["item"],), r["added"])
        for r in rows
    )


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
