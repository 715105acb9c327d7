"""Whether an encoder may extend or query the vectors that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.encoders import Encoder
from core.errors import PassportMismatch
from core.types import Passport

if TYPE_CHECKING:
    from core.store import Collection


def passport_for(collection: Collection, encoder: Encoder) -> Passport:
    """The passport of the collection's vectors that this encoder makes, or would begin.

    Raises:
        PassportMismatch: vectors of that model are there, but this encoder would make others.
    """
    for stored in collection.passports():
        if stored.model == encoder.passport.model:
            check_passport(stored, encoder.passport)
            return stored
    return encoder.passport


def check_passport(stored: Passport, found: Passport) -> None:
    """Refuse an encoder that would make other vectors under the same name.

    Vectors that a person brought carry no digest of weights: there only the dimension can be held
    against the encoder.

    Raises:
        PassportMismatch: the first field in which they differ.
    """
    for name in ("d", "weights", "preprocessing") if stored.weights else ("d",):
        old, new = getattr(stored, name), getattr(found, name)
        if old != new:
            raise PassportMismatch(stored.model, name, old, new)
