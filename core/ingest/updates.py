"""Items that a source has again: corrected labels, attributes, captions and paths replace old ones.

An item with its old name is the same record, perhaps corrected. Under another name it is a further
copy of the same bytes, and labels and captions add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.types import Item

if TYPE_CHECKING:
    from core.store import Collection

ITEMS_AT_ONCE = 10_000


class Updates:
    """The items of one ingest by id, without the bytes of images.

    Args:
        collection: where they are stored.
        known: ids of the items that it had before.
    """

    def __init__(self, collection: Collection, known: set[str]) -> None:
        self._collection = collection
        self._known = frozenset(known)
        self._items: dict[str, Item] = {}
        self._changed: set[str] = set()
        self._texts: dict[str, set[str]] = {}
        self._copies: list[str] = []
        self._conflicts: list[str] = []

    def add(self, items: Iterable[Item], pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Add the items and pairs of one record."""
        for item in items:
            item = replace(item, payload=b"") if item.kind == "image" else item
            first = self._items.setdefault(item.id, item)
            merged = union(first, item)
            if merged != first:
                self._items[item.id] = merged
                self._changed.add(item.id)
            if item.kind == "image" and item.name != first.name:
                self._copies.append(item.name)
                if item.labels and first.labels and merged.labels != item.labels:
                    self._conflicts.append(item.name)
        for image, text in pairs:
            self._texts.setdefault(image, set()).add(text)

    def write(self) -> int:
        """Update the stored items that differ; returns how many of them are not new."""
        ids = [id_ for id_ in self._items if id_ in self._known or id_ in self._changed]
        updated = 0
        for start in range(0, len(ids), ITEMS_AT_ONCE):
            stored = self._collection.items(ids[start : start + ITEMS_AT_ONCE])
            changed = [new for old in stored if (new := self._updated(old)) != old]
            self._collection.update(changed)
            updated += sum(item.id in self._known for item in changed)
        return updated

    def replace_captions(self) -> int:
        """Delete the captions that the record of a known image no longer has; returns how many."""
        before = self._collection.pairs() if self._known & self._texts.keys() else {}
        images = [id_ for id_ in self._texts if id_ in self._known and id_ in before]
        old = [
            (image.id, text)
            for image in self._collection.items(images)
            if image.name == self._items[image.id].name
            for text in sorted(before[image.id] - self._texts[image.id])
        ]
        self._collection.unpair(old, keep=self._items.keys())
        return len(old)

    def notes(self) -> list[str]:
        """What was merged."""
        if not self._copies:
            return []
        is_are = "image is" if len(self._copies) == 1 else "images are"
        note = f"{len(self._copies):,} {is_are} identical to another one (first: {self._copies[0]})"
        if not self._conflicts:
            return [f"{note} and stored once."]
        return [f"{note} and stored once; {len(self._conflicts):,} with the labels of both."]

    def _updated(self, old: Item) -> Item:
        new = self._items[old.id]
        same = old.name == new.name or old.kind == "text"
        if old.id in self._known and not same:
            new = union(old, new)
        # The store's own copy of an image is better than a file that may move.
        gone = old.source and (same or not Path(old.source).exists())
        return replace(
            new,
            payload=new.payload or old.payload,
            source=(gone and self._items[old.id].source) or old.source,
            labels=new.labels or old.labels,
            attributes={**old.attributes, **new.attributes},
        )


def union(one: Item, other: Item) -> Item:
    """The first item with the labels of both, and the attributes that only the other one has.

    >>> one, other = (Item("image", b"x", "a.jpg", labels=(name,)) for name in ("cat", "dog"))
    >>> union(one, other).labels
    ('cat', 'dog')
    """
    labels = tuple(dict.fromkeys(one.labels + other.labels))
    return replace(one, labels=labels, attributes={**other.attributes, **one.attributes})
