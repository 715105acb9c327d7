"""From a question to the vector that is compared: through exactly what the rows went through."""

from __future__ import annotations

from core import encoders
from core.encoders import Encoder
from core.errors import MissingPart, NoTextSearch, UnknownName
from core.ingest import decode
from core.pipeline import check_passport
from core.types import Floats, Passport, Query


def vector(passport: Passport, query: Query) -> Floats:
    """(d,) unit vector of a text or a picture, made as the passport says.

    Raises:
        NoTextSearch: what made the vectors is not at hand.
        PassportMismatch: what is at hand would make other vectors.
        UnreadableFile: the query's picture cannot be decoded.
    """
    encoder = encoder_for(passport)
    if query.text.strip():
        return encoder.encode_texts([query.text])[0]
    return encoder.encode_images([decode(query.image, "the picture")])[0]


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
