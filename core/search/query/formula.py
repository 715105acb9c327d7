r"""Questions written as a formula, for the command line and links: parsed to parts of a query.

a dog on a beach                       no formula: one text, as it is
"a beach" + 0.5*img:3fa2 - "people"    texts in quotes; \" and \\ inside them
img:3fa2   item:3fa2                   a picture, or any item, of the collection: its id or a start
                                       of it that no other has; in quotes where it has blanks
file:holiday.jpg                       a picture of one's own, where files may be read

A text is a formula when a quoted text or one of the references stands where a part may: at the
start, or behind a + or - that follows a blank, with or without a number and * before it. So
"rock 'n' roll", "3 * 4" and "a dog - brown" are texts; write() puts such a text in quotes where it
would be misread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import starmap

from core.errors import InputError
from core.types import Kind, Part

QUOTED = r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'"
NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
WORD = r"[\w./:~-]+"
ATOM = rf"(?:(?P<kind>img|item|file):(?P<id>{QUOTED}|{WORD})|(?P<text>{QUOTED}))"
PART = re.compile(rf"\s*(?P<sign>[+-])?\s*(?:(?P<weight>{NUMBER})\s*\*\s*)?{ATOM}\s*", re.DOTALL)
FORMULA = re.compile(rf"(?:^|(?<=\s)[+-]|^[+-])\s*(?:{NUMBER}\s*\*\s*)?{ATOM}", re.DOTALL)
MOST = 32  # parts
HINT = (
    'Write parts such as: "a beach" + 0.5*img:ID - "people". '
    "To look for these very words, put all of them in one pair of quotes."
)
Find = Callable[[str, Kind | None], str]
Read = Callable[[str], bytes]


def as_it_is(id_: str, kind: Kind | None) -> str:
    """For formulas whose ids are whole."""
    return id_


def parse_query(text: str, *, find: Find = as_it_is, read: Read | None = None) -> tuple[Part, ...]:
    """The parts of a question.

    Args:
        text: a formula, or one text.
        find: gives the whole id for what was written of it, among pictures or all (None).
        read: gives the bytes of a file; without it, files are refused.

    Raises:
        InputError: it is empty or cannot be read; the sentence says where.
        UnknownName: `find` knows no such item.
        BadParameter: a weight outside its range.

    >>> [(p.text or p.item, p.weight) for p in parse_query('"a beach" + 0.5*img:3fa2 - "people"')]
    [('a beach', 1.0), ('3fa2', 0.5), ('people', -1.0)]
    >>> [p.text for p in parse_query("a dog - brown")]
    ['a dog - brown']
    """
    text = text.strip()
    if not text:
        raise InputError('The query is empty. Ask with a text such as "a dog on a beach".')
    if not FORMULA.search(text):
        return (Part(text),)
    parts: list[Part] = []
    at = 0
    while at < len(text):
        found = PART.match(text, at)
        if found is None or (parts and not found["sign"]):
            raise _unread(text, at, "a + or - should stand" if parts else "a part should stand")
        parts.append(_part(found, find, read))
        at = found.end()
        if len(parts) > MOST:
            raise InputError(f"The query has more than {MOST} parts. Leave some out.")
    return tuple(parts)


def format_query(parts: Iterable[Part]) -> str:
    r"""The inverse of `parse`: the shortest text that is read as these parts.

    Raises:
        InputError: a part is a picture that has no id.

    >>> format_query(parse_query("+1.0*'a beach'   - .50 * item:3fa2"))
    '"a beach" - 0.5*item:3fa2'
    >>> format_query([Part("'n'")])
    '"\'n\'"'
    """
    given = tuple(parts)
    if len(given) == 1 and given[0].weight == 1 and _plain(given[0].text):
        return given[0].text
    return "".join(starmap(_written, enumerate(given)))


def _plain(text: str) -> bool:
    """Whether a text is read as itself without quotes."""
    return bool(text) and text == text.strip() and not FORMULA.search(text)


def _part(found: re.Match[str], find: Find, read: Read | None) -> Part:
    weight = float(found["weight"] or 1) * (-1 if found["sign"] == "-" else 1)
    if found["text"]:
        said = _unquoted(found["text"])
        if not said.strip():
            raise _unread(found.string, found.start("text"), "a text with words should stand")
        return Part(said, weight=weight)
    name = _unquoted(found["id"])
    if found["kind"] == "file":
        if read is None:
            raise InputError(
                f"Files are read on the command line only, so file:{name} is off here. "
                "Upload the picture, or name an item: img:ID."
            )
        return Part(image=read(name), weight=weight)
    if not name:
        raise _unread(found.string, found.start("id"), "an id should stand")
    return Part(item=find(name, "image" if found["kind"] == "img" else None), weight=weight)


def _written(place: int, part: Part) -> str:
    if part.image:
        raise InputError("A picture from outside the collection cannot be written into a link.")
    sign = ("" if place == 0 else " + ") if part.weight > 0 else ("-" if place == 0 else " - ")
    size = repr(abs(float(part.weight))).removesuffix(".0")
    weight = "" if size == "1" else f"{size}*"
    if part.text:
        return f"{sign}{weight}{_quoted(part.text)}"
    name = part.item if re.fullmatch(WORD, part.item) else _quoted(part.item)
    return f"{sign}{weight}item:{name}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text[0] in "\"'" else text


def _unread(text: str, at: int, wanted: str) -> InputError:
    rest = text[at:].strip()
    shown = rest if len(rest) <= 30 else rest[:30] + "..."
    return InputError(f"{wanted[0].upper()}{wanted[1:]} at character {at + 1}: {shown}. {HINT}")
