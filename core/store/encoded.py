"""A collection together with the vectors of one encoder: opened once, passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.errors import InputError
from core.store.collection import Collection
from core.types import Bools, Floats, Kind, Passport, Space


def unchanged(vectors: Floats, kind: Kind) -> Floats:
    """Query vectors where no recipe repairs the space."""
    return vectors


@dataclass(frozen=True)
class EncodedCollection:
    """What every search, measurement and repair takes.

    Args:
        collection: items, pairs, thumbnails and artifacts.
        passport: how the vectors were computed.
        space: the vectors in memory, shared and read-only.
        version: the state of the collection when it was opened.
        recipe: which recipe repaired the space, "" for none.
        as_query: repairs (n, d) encoded queries of a kind as the recipe does.
    """

    collection: Collection
    passport: Passport
    space: Space
    version: str
    recipe: str = ""
    as_query: Callable[[Floats, Kind], Floats] = unchanged

    @property
    def name(self) -> str:
        """The name of the collection."""
        return self.collection.name

    def with_attributes(self) -> Space:
        """The space with the labels and attributes of its rows.

        Raises:
            InputError: no item has any.
        """
        found = self.collection.attributes(self.space.ids)
        if not len(found.at):
            raise InputError(
                "No item has a label or an attribute that others share. Add some first, as columns "
                "of the items."
            )
        result = replace(self.space, attributes=found)
        vars(result)["rows_key"] = self.space.rows_key  # the same rows
        return result

    def held_out(self) -> Bools | None:
        """(n,) rows whose attribute `split` is `test`; None where items have no such attribute.

        Nothing is fitted on them, and they alone are evaluated.
        """
        return self.space.held_out if len(self.space.held_out) else None
