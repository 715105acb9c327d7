"""What there is: collections, their items, and their spaces, read once and shared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from core.types import Item, Passport, Space
from core.workbench.jobs import Jobs

if TYPE_CHECKING:
    from core.store import Field, Home


SPACES_KEPT = 3
MOSAIC = 8  # pictures on a collection's card


@dataclass(frozen=True)
class Card:
    """A collection at a glance."""

    name: str
    images: int
    texts: int
    pairs: int
    encoders: tuple[str, ...]
    mosaic: tuple[str, ...]
    last_intake: dict[str, Any] | None


class Collections:
    """The collections of one home.

    Args:
        home: a folder or a LanceDB URI; without one, $SEXTANT_HOME or ~/.sextant.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        self.uri = str(home or os.environ.get("SEXTANT_HOME") or Path.home() / ".sextant")
        self._lock = RLock()
        self._spaces: dict[tuple[str, str], tuple[str, Space]] = {}
        self._loading: dict[tuple[str, str], Lock] = {}
        folder = Path(self.uri) if "://" not in self.uri else Path.home() / ".sextant"
        self.folder = folder
        self.jobs = Jobs(folder / "jobs")

    @property
    def home(self) -> Home:
        """The store; opened when first asked for, because that loads LanceDB."""
        from core.store import Home

        with self._lock:
            if not hasattr(self, "_home"):
                self._home = Home(self.uri)
            return self._home

    def moment(self) -> AbstractContextManager[None]:
        """Inside it the store is asked once for the state of each table; see `store.moment`."""
        from core.store import read_session

        return read_session()

    def names(self) -> tuple[str, ...]:
        """Names of all collections, in alphabetical order."""
        return self.home.names()

    def card(self, name: str) -> Card:
        """One collection at a glance."""
        collection = self.home.open(name)
        counts = collection.counts()
        return Card(
            name,
            counts.images,
            counts.texts,
            counts.pairs,
            self.encoders(name),
            collection.first_images(MOSAIC),
            collection.last_intake(),
        )

    def collections(self) -> tuple[Card, ...]:
        """Every collection at a glance."""
        return tuple(self.card(name) for name in self.names())

    def rename(self, name: str, to: str) -> None:
        """Give a collection another name."""
        self.home.rename(name, to)

    def delete(self, name: str) -> None:
        """Delete a collection with everything Sextant stored for it. Originals stay."""
        self.home.delete(name)

    def delete_items(self, name: str, ids: Sequence[str]) -> None:
        """Delete items, their pairs and their vectors."""
        self.home.open(name).delete_items(ids)

    def space(self, name: str, encoder: str | None = None) -> Space:
        """The collection's vectors, resident and shared.

        Raises:
            UnknownName: no such collection, or not encoded with that encoder.
        """
        collection = self.home.open(name)
        passport = collection.passport(encoder)
        version = collection.version()
        at = (name, passport.key)
        with self._lock:
            loading = self._loading.setdefault(at, Lock())
        with loading:  # who asks for another collection does not wait
            kept = self._spaces.get(at)
            if kept is None or kept[0] != version:
                kept = (version, collection.space(passport))
            with self._lock:
                self._spaces.pop(at, None)
                self._spaces[at] = kept
                while len(self._spaces) > SPACES_KEPT:
                    self._spaces.pop(next(iter(self._spaces)))
            return kept[1]

    def version(self, name: str) -> str:
        """Changes when any process has written items, pairs, thumbnails or vectors.

        No two collections share one, not even in turn under one name.
        """
        return self.home.open(name).version()

    def encoders(self, name: str) -> tuple[str, ...]:
        """What the collection is encoded with, in the order they were added."""
        return tuple(p.model for p in self.home.open(name).passports())

    def passport(self, name: str, encoder: str | None = None) -> Passport:
        """How the collection's vectors came to be."""
        return self.home.open(name).passport(encoder)

    def items(self, name: str, ids: Sequence[str]) -> list[Item]:
        """Items by id, in the order asked for; pictures without their bytes."""
        return self.home.open(name).items(ids)

    def thumbnails(self, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        """WebP thumbnails by id, where there are any."""
        return self.home.open(name).thumbnails(ids)

    def picture(self, name: str, id_: str) -> bytes:
        """A picture's original bytes."""
        return self.home.open(name).payload(id_)

    def partners(self, name: str, id_: str) -> list[Item]:
        """What an item is paired with: a picture's captions, a caption's pictures."""
        collection = self.home.open(name)
        return collection.items(collection.pairs_of(id_))

    def fields(self, name: str) -> tuple[Field, ...]:
        """Labels and attributes that can be filtered by, with their values or range."""
        return self.home.open(name).fields()
