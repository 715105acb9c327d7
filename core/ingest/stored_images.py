"""The images of a collection as files, for a table of captions that comes without them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import UnreadableFile
from core.ingest.readers.files import within
from core.types import Item, Rejected

if TYPE_CHECKING:
    from core.store import Collection


class StoredImages:
    """Images by their names in a collection; of several with one name, the first.

    It is a `core.ingest.readers.files.Tree`.
    """

    rejected: tuple[Rejected, ...] = ()

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.name = collection.name

    @cached_property
    def _items(self) -> dict[str, Item]:
        items = self._collection.items(self._collection.ids())
        return {item.name: item for item in reversed(items) if item.kind == "image"}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images, sorted."""
        return tuple(sorted(self._items))

    def files_in(self, folder: str) -> list[str]:
        """Names of the images directly in a folder."""
        return [n for n in self.names if n.startswith(folder) and "/" not in n[len(folder) :]]

    def objection(self, name: str) -> str:
        """Why an image cannot be read; "" when it can."""
        return "" if name in self._items else "there is no such file"

    def read(self, name: str) -> bytes:
        """An image's bytes."""
        if objection := self.objection(name):
            raise UnreadableFile(name, objection)
        return self._collection.payload(self._items[name].id)

    def path(self, name: str) -> str:
        """Absolute path of an image; "" where the collection has a copy."""
        return self._items[name].source

    def within(self, reference: str, base: str = "") -> str:
        """The image that a path refers to."""
        return within(reference, base)
