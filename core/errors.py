"""Every error message that a user may read.

    SextantError
    +-- InputError              the input was rejected: exit code 2
    |   +-- UnreadableFile      a file, row or image that cannot be used, with the reason
    |   +-- UnknownName         no such collection, encoder, part ...
    |   +-- UnknownItem         no such item
    |   +-- BadParameter        a setting outside its range
    |   +-- TooFew              not enough items, pairs or queries
    |   +-- PassportMismatch    this encoder is not the one that computed the stored vectors
    |   +-- NoTextSearch        the encoder that computed the vectors is not available
    |   +-- NoTokens            the encoder has no token vectors
    +-- MissingPart             an optional package, weights or a model hub is not available
    +-- Busy                    too many visitors at once
    +-- StoreError              the disk or the object store failed
        +-- Damaged             a part of what is stored is missing or cannot be read

Each class builds its own message, so that no caller words it differently. `Cancelled` is no error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    r"""A text that every screen, file and table takes, whatever bytes it was made of.

    Control characters, the escape sequences of terminals among them, and lone surrogates become
    visible escapes.

    >>> print(clean("a\x1b[2J\ud800 b"))
    a\x1b[2J\ud800 b
    """
    return text if text.isprintable() else _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def cleaned(value: Any) -> Any:
    r"""A JSON value with every text in it, keys included, as `clean` makes it.

    >>> cleaned({"a\x00": ["b", 1]})
    {'a\\x00': ['b', 1]}
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): cleaned(one) for key, one in value.items()}
    return [cleaned(one) for one in value] if isinstance(value, list | tuple) else value


class SextantError(Exception):
    """A message for the user; never a bug."""

    def __init__(self, message: str = "") -> None:
        super().__init__(clean(message))


class InputError(SextantError):
    """The user's input was rejected."""


class UnreadableFile(InputError):
    """A file, row or image that cannot be used.

    >>> str(UnreadableFile("cat.jpg", "the image is truncated"))
    'cat.jpg: the image is truncated.'
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = clean(name), clean(reason)
        super().__init__(f"{name}: {reason}.")


class UnknownName(InputError):
    """Nothing of that type has that name.

    >>> str(UnknownName("diagnostic", "hubnes", ["alignment", "hubness"]))
    "No diagnostic is called 'hubnes'. Did you mean 'hubness'?"
    >>> str(UnknownName("collection", "pets", []))
    "No collection is called 'pets'. There are none yet."
    >>> str(UnknownName("font", "serif", "abcdefghijklmn"))
    "No font is called 'serif'. Known: a, b, c, d, e, f, g, h, i, j, k, l, ..."
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        if near:
            hint = f"Did you mean '{near[0]}'?"
        elif names:
            more = ", ..." if len(names) > 12 else "."
            hint = f"Known: {', '.join(names[:12])}{more}"
        else:
            hint = "There are none yet."
        super().__init__(f"No {what} is called '{name}'. {hint}")


class UnknownItem(InputError):
    """No item has that id, and no id starts with it.

    >>> str(UnknownItem("image", "nobody"))
    "No image has an id that starts with 'nobody'. Copy one from its card, or from: search --json"
    """

    def __init__(self, what: str, id: str) -> None:
        super().__init__(
            f"No {what} has an id that starts with '{id}'. Copy one from its card, or from: "
            "search --json"
        )


class BadParameter(InputError):
    """A setting outside its range.

    >>> str(BadParameter("k", 101, "1 to 100"))
    'k is 101; allowed: 1 to 100.'
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} is {value}; allowed: {allowed}.")


class TooFew(InputError):
    """Too few items, pairs or queries for the result to be meaningful.

    >>> str(TooFew("Hubness", 11, "images", 4))
    'Hubness needs at least 11 images; there are 4.'
    """

    def __init__(self, what: str, needed: int, of: str, found: int, hint: str = "") -> None:
        are = "is" if found == 1 else "are"
        sentence = f"{what} needs at least {needed} {of}; there {are} {found or 'none'}."
        super().__init__(f"{sentence} {hint}".rstrip())


class PassportMismatch(InputError):
    """This encoder would compute other vectors than those that are stored.

    >>> str(PassportMismatch("clip", [("quick_gelu", "the default", "true")])).partition(". ")[0]
    "'clip' is not the encoder of this collection: quick_gelu is true (stored: the default)"
    """

    def __init__(self, encoder: str, differences: Iterable[tuple[str, str, str]]) -> None:
        """Name every difference: what it is in, what is stored, what was found."""
        parts = [f"{what} is {found} (stored: {stored})" for what, stored, found in differences]
        super().__init__(
            f"'{encoder}' is not the encoder of this collection: {', '.join(parts)}. "
            "Restore the one that encoded it, or encode the collection again with this one: "
            "sextant encode NAME"
        )


class NoTextSearch(InputError):
    """Queries cannot be encoded here, so only searching by item is possible.

    >>> str(NoTextSearch("clip", "it is missing")).partition(".")[0]
    "Text and image queries are not available: 'clip' computed the vectors, and it is missing"
    """

    def __init__(self, encoder: str, reason: str) -> None:
        self.encoder = encoder
        self.reason = reason
        super().__init__(
            f"Text and image queries are not available: '{encoder}' computed the vectors, and "
            f"{reason}. Searching by item ('more like this') works."
        )


class NoTokens(InputError):
    """The encoder has one vector per image or text, and none for its patches or tokens.

    >>> str(NoTokens("RN50/openai")).partition(".")[0]
    "'RN50/openai' has no patch or text tokens"
    """

    def __init__(self, encoder: str) -> None:
        super().__init__(
            f"'{encoder}' has no patch or text tokens. Use the starter encoder, or an OpenCLIP "
            "ViT model with a class token."
        )


class Busy(SextantError):
    """Too many visitors at once.

    >>> str(Busy(64))
    'The server is busy: 64 searches are waiting. Repeat this one in a few seconds.'
    """

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"The server is busy: {waiting} searches are waiting. Repeat this one in a few seconds."
        )


class MissingPart(SextantError):
    """An optional package, weights or a model hub is not available."""


class StoreError(SextantError):
    """The disk or the object store failed."""


class Damaged(StoreError):
    """A part of what is stored is missing or cannot be read.

    >>> str(Damaged("'pets' cannot be read", "its table 'items'", "missing", "Restore it."))
    "'pets' cannot be read: its table 'items' is missing. Restore it."
    """

    def __init__(self, what: str, part: str, state: str, remedy: str = "") -> None:
        self.state = state
        super().__init__(f"{what}: {part} is {state}. {remedy}".rstrip())


class Cancelled(Exception):
    """The user cancelled. Raised by `Tick`, where the work can stop without loss."""
