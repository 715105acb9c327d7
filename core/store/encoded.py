"""A collection together with the vectors of one encoder: opened once, passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from core.errors import InputError
from core.store.collection import Collection
from core.types import KINDS, Bools, Floats, Ints, Kind, Passport, Space


class Repair(Protocol):
    """What a recipe does to queries and to rows; see `core.improve.Recipe`."""

    @property
    def alike(self) -> bool:
        """Whether queries are repaired as rows are."""

    def queries(self, vectors: Floats, kind: Kind) -> Floats:
        """(n, e) unit rows of one kind as queries."""

    def spaces(self, space: Space, held_out: Bools | None) -> Mapping[Kind, Space]:
        """The repaired space by the kind of its queries."""


@dataclass(frozen=True)
class EncodedCollection:
    """What every search, measurement and repair takes.

    Args:
        collection: items, pairs, thumbnails and artifacts.
        passport: how the vectors were computed.
        space: the vectors in memory, shared and read-only.
        version: the state of the collection when it was opened.
        recipe: which recipe repaired the space, "" for none.
        repair: what it does.
        unrepaired: the space before.
    """

    collection: Collection
    passport: Passport
    space: Space
    version: str
    recipe: str = ""
    repair: Repair | None = None
    unrepaired: Space | None = None

    @property
    def name(self) -> str:
        """The name of the collection."""
        return self.collection.name

    def as_query(self, vectors: Floats, kind: Kind) -> Floats:
        """(n, e) encoded queries of one kind, repaired where the space is."""
        return self.repair.queries(vectors, kind) if self.repair else vectors

    def queries(self, rows: Ints) -> Floats:
        """(m, d) stored items as queries: a recipe may repair queries otherwise than rows."""
        if self.repair is None or self.unrepaired is None or self.repair.alike:
            return self.space.take(rows)
        vectors, is_image = self.unrepaired.take(rows), rows < self.space.n_images
        found = np.empty((len(rows), self.space.d), np.float32)
        for kind, chosen in zip(KINDS, (is_image, ~is_image), strict=True):
            found[chosen] = self.repair.queries(vectors[chosen], kind)
        return found

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
