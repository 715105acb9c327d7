"""From a question to the vector that is compared: through exactly what the rows went through."""

from __future__ import annotations

import numpy as np

from core import encoders
from core.encoders import Encoder
from core.errors import InputError, MissingPart, NoTextSearch, UnknownName
from core.ingest import decode
from core.pipeline import check_passport
from core.types import Floats, Ints, Part, Passport, Query, Space


def vector(space: Space, passport: Passport, query: Query) -> Floats:
    """(d,) unit vector of a query, each part made as the passport says.

    Raises:
        NoTextSearch: what made the vectors is not at hand.
        PassportMismatch: what is at hand would make other vectors.
        UnreadableFile: a picture of the query cannot be decoded.
        UnknownName: an item of the query is not in the collection.
        InputError: the parts cancel each other out.
    """
    vectors = np.stack([_part(space, passport, part) for part in query.parts])
    mixed = np.array([part.weight for part in query.parts], np.float32) @ vectors
    length = float(np.linalg.norm(mixed))
    if length < 1e-6:
        raise InputError("The parts of this query cancel each other out. Change a weight.")
    return np.asarray(mixed / length, np.float32)


def rows(space: Space, query: Query) -> Ints:
    """Rows of the items that the query is made of: they are not answers to it."""
    asked = [part.item for part in query.parts if part.item]
    for item in asked:
        if item not in space.row:
            raise UnknownName("item", item, space.ids[:1000])
    return np.array([space.row[item] for item in asked], np.int64)


def _part(space: Space, passport: Passport, part: Part) -> Floats:
    if part.item:
        return space.vectors[rows(space, Query((part,)))[0]]
    encoder = encoder_for(passport)
    if part.image:
        return encoder.encode_images([decode(part.image, "the picture")])[0]
    return encoder.encode_texts([part.text])[0]


def encoder_for(passport: Passport) -> Encoder:
    """The encoder that made the vectors, when it is at hand and unchanged."""
    try:
        loaded = encoders.load(passport.model)
    except (UnknownName, MissingPart) as error:
        raise NoTextSearch(passport.model, f"it is not at hand ({error})") from error
    if not passport.weights and loaded.d != passport.d:
        reason = f"it makes {loaded.d} dimensions where the vectors have {passport.d}"
        raise NoTextSearch(passport.model, reason)
    check_passport(passport, loaded.passport)
    return loaded
