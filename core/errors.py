"""The sentences a person reads when something cannot be done.

    SextantError
    +-- InputError              the user's input was refused: exit code 2, one sentence
    |   +-- UnreadableFile      a file, row or picture that cannot be used, with the reason
    |   +-- UnknownName         no such collection, encoder, part, item ...
    |   +-- BadParameter        a setting outside its range
    |   +-- TooFew              not enough items, pairs or queries for what was asked
    |   +-- PassportMismatch    the encoder at hand is not the one the vectors came from
    |   +-- NoTextSearch        the collection's vectors have no encoder at hand
    |   +-- NoTokens            the encoder has no vectors of places and words
    +-- MissingPart             an optional package, weights or a hub is not here
    +-- StoreError              the disk or the object store said no

Each class builds its own sentence, so that no caller words it differently.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SextantError(Exception):
    """A sentence for the user; never a bug."""


class InputError(SextantError):
    """The user's input was refused."""


class UnreadableFile(InputError):
    """A file, row or picture that cannot be used.

    >>> str(UnreadableFile("cat.jpg", "the picture ends after half of its rows"))
    'cat.jpg: the picture ends after half of its rows.'
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}.")


class UnknownName(InputError):
    """Nothing of that kind has that name.

    >>> str(UnknownName("diagnostic", "hubnes", ["alignment", "hubness"]))
    "No diagnostic is called 'hubnes'. Did you mean 'hubness'?"
    >>> str(UnknownName("collection", "pets", []))
    "No collection is called 'pets'. There are none yet."
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.name = name
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        if near:
            hint = f"Did you mean '{near[0]}'?"
        elif names:
            more = ", ..." if len(names) > 12 else ""
            hint = f"Known: {', '.join(names[:12])}{more}."
        else:
            hint = "There are none yet."
        super().__init__(f"No {what} is called '{name}'. {hint}")


class UnknownItem(InputError):
    """No item has that id, and none begins like it.

    >>> str(UnknownItem("picture", "nobody"))
    "No picture is called 'nobody'. Ids are in the answers of `search --json`."
    """

    def __init__(self, what: str, name: str) -> None:
        hint = "Ids are in the answers of `search --json`."
        super().__init__(f"No {what} is called '{name}'. {hint}")


class BadParameter(InputError):
    """A setting outside what is allowed.

    >>> str(BadParameter("k", 101, "1 to 100"))
    'k is 101; allowed: 1 to 100.'
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name = name
        self.value = value
        super().__init__(f"{name} is {value}; allowed: {allowed}.")


class TooFew(InputError):
    """Not enough of something for the formula to mean anything.

    >>> str(TooFew("Hubness", 11, "images", 4))
    'Hubness needs at least 11 images; there are 4.'
    """

    def __init__(self, what: str, needed: int, of: str, found: int, hint: str = "") -> None:
        self.needed = needed
        self.found = found
        are = "is" if found == 1 else "are"
        sentence = f"{what} needs at least {needed} {of}; there {are} {found or 'none'}."
        super().__init__(f"{sentence} {hint}".rstrip())


class PassportMismatch(InputError):
    """The encoder at hand would make other vectors than those that are stored."""

    def __init__(self, encoder: str, field: str, stored: object, found: object) -> None:
        self.encoder = encoder
        self.field = field
        super().__init__(
            f"The encoder '{encoder}' at hand differs from the one this collection was encoded "
            f"with: its {field} is {found}, stored is {stored}. "
            "Add it as a second encoder, or install the version that matches."
        )


class NoTextSearch(InputError):
    """Queries cannot be encoded here, so only searching by item is possible."""

    def __init__(self, encoder: str, reason: str) -> None:
        self.encoder = encoder
        self.reason = reason
        super().__init__(
            f"Text and picture queries are off, because the vectors came from '{encoder}' and "
            f"{reason}. Searching by item ('more like this') works."
        )


class NoTokens(InputError):
    """The encoder makes one vector for a picture and none for its places.

    >>> str(NoTokens("RN50/openai")).partition(".")[0]
    "'RN50/openai' has no vectors for the places of a picture"
    """

    def __init__(self, encoder: str) -> None:
        self.encoder = encoder
        super().__init__(
            f"'{encoder}' has no vectors for the places of a picture. The starter has, and ViT "
            "models of OpenCLIP with a class token."
        )


class MissingPart(SextantError):
    """An optional package, weights or a hub is not here."""


class StoreError(SextantError):
    """The disk or the object store could not do what was asked."""


class Cancelled(Exception):
    """The person cancelled. Raised by `Tick`, where the work can stop without loss."""
