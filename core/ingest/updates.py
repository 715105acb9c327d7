"""Items that a source has again: corrected labels, attributes, captions and paths replace old ones.

An item with its old name, or whose old file is gone, is the same record, perhaps corrected. Under
another name it is a further copy of the same bytes, and labels and captions add up.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from core.types import Item

if TYPE_CHECKING:
    from core.store import Collection

ITEMS_AT_ONCE = 10_000
UPLOAD = "upload "  # the start of the place of uploaded files, whose path does not come again


@dataclass(frozen=True)
class Missing:
    """What a place had and has no more.

    `ids` are all such items; `changed` the names of images that are another image now, `gone` those
    of the other images and of texts without one of these images.
    """

    ids: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class Updates:
    """The items of one ingest by id, without the bytes of images.

    Args:
        collection: where they are stored.
        known: ids of the items that it had before.
        place: what is ingested: its absolute path, or `UPLOAD` and anything; "" notes no place.
    """

    def __init__(self, collection: Collection, known: set[str], place: str = "") -> None:
        self._collection = collection
        self._known = frozenset(known)
        self._place = place
        self._before = collection.provenance.names(place) if place else {}
        self._items: dict[str, Item] = {}
        self._changed: set[str] = set()
        self._texts: dict[str, set[str]] = {}
        self._copies: dict[str, list[str]] = {}
        self._conflicts: dict[str, int] = {}
        self._elsewhere: list[tuple[str, str]] = []
        self._relabeled = 0
        self._deleted = collection.edits.deleted()
        self._left_out: dict[str, str] = {}

    def add(self, items: Iterable[Item], pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Add the items and pairs of one record."""
        pairs = list(pairs)
        for item in items:
            if item.id in self._deleted:
                self._left_out.setdefault(item.id, item.name)
                continue
            item = replace(item, payload=b"") if item.kind == "image" else item
            first = self._items.setdefault(item.id, item)
            merged = union(first, item)
            if merged != first:
                self._items[item.id] = merged
                self._changed.add(item.id)
            if item.kind == "image" and item.name != first.name:
                self._copies.setdefault(item.id, []).append(item.name)
                self._note_conflicts(first, item, {text for _, text in pairs})
        for image, text in pairs:
            self._texts.setdefault(image, set()).add(text)

    def write(self, touched: Container[str] = ()) -> int:
        """Update the stored items that differ; returns how many of them are not new.

        Args:
            touched: ids of known items that count as updated in any case.
        """
        ids = [id_ for id_ in self._items if id_ in self._known or id_ in self._changed]
        sources = {item.source for item in self._items.values() if item.source}
        updated = {id_ for id_ in ids if id_ in touched}
        for start in range(0, len(ids), ITEMS_AT_ONCE):
            stored = self._collection.items(ids[start : start + ITEMS_AT_ONCE])
            items = self._collection.edits.applied(self._updated(old, sources) for old in stored)
            changed = [new for old, new in zip(stored, items, strict=True) if new != old]
            self._collection.update(changed)
            updated.update(item.id for item in changed)
        return len(updated & self._known)

    def replace_captions(self) -> int:
        """Delete the captions that the record of a known image no longer has; returns how many."""
        before = self._collection.pairs() if self._known & self._texts.keys() else {}
        images = [id_ for id_ in self._texts if id_ in self._known and id_ in before]
        old = [
            (image.id, text)
            for image in self._collection.items(images)
            if image.name in self._names(image.id)
            for text in sorted(before[image.id] - self._texts[image.id])
        ]
        self._collection.unpair(old, keep=self._items.keys())
        return len(old)

    def note_place(self) -> None:
        """Store what the place has now."""
        if self._place:
            names = {id_: self._names(id_) for id_ in self._items}
            self._collection.provenance.write(self._place, names)

    def missing(self, rejected: Iterable[str]) -> Missing:
        """Items that the place had and has no more; not those that another place has.

        Args:
            rejected: names of what could not be read now: where its file exists, it is not gone.
        """
        ids = [id_ for id_ in self._before if id_ not in self._items]
        if not ids:
            return Missing()
        places = self._collection.provenance.places(ids)
        stored = self._collection.item_ids()
        ids = [i for i in ids if i in stored and not any(map(self._has, places[i]))]
        unreadable = set(rejected)
        items = [i for i in self._collection.items(ids) if i.name not in unreadable or _is_gone(i)]
        images = {item.id: item for item in items if item.kind == "image"}
        names = {name for id_ in self._items for name in self._names(id_) if name}
        changed = {id_ for id_ in images if self._before[id_] & names}
        paired = {
            text for image, texts in self._collection.pairs().items() for text in texts
            if image in images
        }  # fmt: skip
        return Missing(
            tuple(item.id for item in items),
            tuple(item.name for item in images.values() if item.id in changed),
            tuple(item.name for item in items if item.id not in changed | paired),
        )

    def _has(self, place: str) -> bool:
        """Whether another place still has its items: an upload, or a path that exists."""
        return place != self._place and (place.startswith(UPLOAD) or Path(place).exists())

    @property
    def n_known(self) -> int:
        """How many of the items the collection had before."""
        return len(self._known & self._items.keys())

    def notes(self) -> list[str]:
        """What was merged or left out."""
        return [*self._merged(), *self._known_elsewhere(), *self._stay_deleted()]

    def _known_elsewhere(self) -> list[str]:
        """Images that the collection had from another place, under another name."""
        if not self._elsewhere:
            return []
        n, (new, old) = len(self._elsewhere), self._elsewhere[0]
        is_are = "image is" if n == 1 else "images are"
        both = f"; {self._relabeled:,} got the labels of both" if self._relabeled else ""
        which = f"{n:,} {is_are} in the collection under another name (first: {new} is {old})"
        return [f"{which}{both}."]

    def _stay_deleted(self) -> list[str]:
        """The items that a person has deleted."""
        if not self._left_out:
            return []
        first, n = next(iter(self._left_out.values())), len(self._left_out)
        which = "1 item that was deleted here stays" if n == 1 else (
            f"{n:,} items that were deleted here stay"
        )  # fmt: skip
        again = f"To add them again: sextant undo {quote(self._collection.name)} --deletions"
        return [f"{which} deleted (first: {first}). {again}"]

    def _merged(self) -> list[str]:
        """Copies of the same image."""
        copies = [name for names in self._copies.values() for name in names]
        if not copies:
            return []
        is_are = "image is" if len(copies) == 1 else "images are"
        kept = [
            f"{n:,} with the {what} of both" if what in ("labels", "captions")
            else f"{n:,} with the first one's {what}"
            for what, n in self._conflicts.items()
        ]  # fmt: skip
        merged = "; ".join(["stored once", ", ".join(kept)] if kept else ["stored once"])
        first = f"first: {copies[0]}"
        return [f"{len(copies):,} {is_are} identical to another one ({first}) and {merged}."]

    def _note_conflicts(self, first: Item, copy: Item, captions: set[str]) -> None:
        before = self._texts.get(first.id, set())
        values = first.attributes
        different = [
            ("labels", bool(copy.labels and first.labels and {*copy.labels} != {*first.labels})),
            ("captions", bool(captions and before and captions != before)),
            *((k, values[k] != v) for k, v in copy.attributes.items() if k in values),
        ]
        for what, conflicting in different:
            if conflicting:
                self._conflicts[what] = self._conflicts.get(what, 0) + 1

    def _names(self, id_: str) -> tuple[str, ...]:
        """An image's names in the source; "" for a text."""
        item = self._items[id_]
        return (item.name, *self._copies.get(id_, ())) if item.kind == "image" else ("",)

    def _updated(self, old: Item, sources: set[str]) -> Item:
        new = self._items[old.id]
        moved = (
            old.name in self._before.get(old.id, ())  # the place had it under that name
            or (bool(old.source) and (old.source in sources or not Path(old.source).exists()))
        )  # fmt: skip
        same = old.kind == "text" or moved or old.name in self._names(old.id)
        if not same and old.id in self._known:
            self._elsewhere.append((new.name, old.name))
            self._relabeled += bool(old.labels and {*new.labels} - {*old.labels})
            new = union(old, new)
        return replace(
            new,
            payload=new.payload or old.payload,
            # The store's own copy of an image is better than a file that may move.
            source=(old.source and same and self._items[old.id].source) or old.source,
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


def _is_gone(item: Item) -> bool:
    return bool(item.source) and not Path(item.source).exists()
