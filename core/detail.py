"""The words and places of a question and of stored items, as a reranker compares them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.asking import encoder_for
from core.ingest import decode
from core.pipeline import few
from core.types import Floats, Ints, Part, Passport, Query, Space

if TYPE_CHECKING:
    from core.store import Collection


def of_query(collection: Collection, space: Space, passport: Passport, query: Query) -> Floats:
    """(t, d) unit vectors of the words, places and items that a question asks for.

    What it asks against counts in the whole only.

    Raises:
        NoTokens: the encoder makes none.
        NoTextSearch: the encoder is not at hand.
        UnreadableFile: a picture of the query cannot be decoded.
    """
    asked = [part for part in query.parts if part.weight > 0]
    found = [_of_part(collection, space, passport, part) for part in asked]
    return np.concatenate([np.empty((0, space.d), np.float32), *found])


def of_rows(
    collection: Collection, space: Space, passport: Passport
) -> Callable[[Ints], Sequence[Floats]] | None:
    """From rows to stored token vectors; None where none are stored.

    An item that has none yet is its own only part.
    """
    if not collection.tokens.any(passport):
        return None

    def read(rows: Ints) -> list[Floats]:
        ids = [space.ids[row] for row in rows.tolist()]
        stored = collection.tokens.read(passport, ids)
        whole = zip(ids, rows.tolist(), strict=True)
        return [stored.get(id_, space.vectors[row : row + 1]) for id_, row in whole]

    return read


def _of_part(collection: Collection, space: Space, passport: Passport, part: Part) -> Floats:
    if part.item:
        whole = space.vectors[space.row[part.item]][None]
        return collection.tokens.read(passport, [part.item]).get(part.item, whole)
    encoder = encoder_for(passport)
    if part.image:
        return few(encoder.image_tokens([decode(part.image, "the picture")])[0])
    return encoder.text_tokens([part.text])[0].spoken().vectors
