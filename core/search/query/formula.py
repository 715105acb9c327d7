r"""Queries written as a formula, for the command line and links: parsed to parts of a query.

a dog on a beach                       no formula: one text, as it is
"a beach" + 0.5*img:3fa2 - "people"    texts in quotes; \" and \\ inside them
img:3fa2   item:3fa2                   an image, or any item, of the collection: its id or a unique
                                       prefix of it; in quotes where it contains spaces
file:holiday.jpg                       an image file, where files may be read

A text is a formula when a quoted text or a reference is where a part may be: at the start, or after
a + or - that follows a space, with or without a number and * before it. So "rock 'n' roll",
"3 * 4" and "a dog - brown" are texts; `format_query` quotes a text that would be parsed otherwise.
A text that begins with a double quote which is not closed, as while typing, is read without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import starmap

from core.errors import InputError
from core.search.query.quoting import QUOTED, quote, unquote
from core.types import Kind, Part

NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
WORD = r"[\w./:~-]+"
ATOM = rf"(?:(?P<kind>img|item|file):(?P<id>{QUOTED}|{WORD})|(?P<text>{QUOTED}))"
PART = re.compile(rf"\s*(?P<sign>[+-])?\s*(?:(?P<weight>{NUMBER})\s*\*\s*)?{ATOM}\s*")
FORMULA = re.compile(rf"(?:^|(?<=\s)[+-]|^[+-])\s*(?:{NUMBER}\s*\*\s*)?{ATOM}")
UNCLOSED = re.compile(rf"\s*[+-]?\s*(?:{NUMBER}\s*\*\s*)?(?:(?:img|item|file):)?(?!{QUOTED})[\"']")
MOST = 32  # parts
HINT = (
    'Write parts such as: "a beach" + 0.5*img:ID - "people". '
    "To search for this exact text, put all of it in one pair of quotes."
)
Find = Callable[[str, Kind | None], str]
Read = Callable[[str], bytes]


def as_it_is(id_: str, kind: Kind | None) -> str:
    """For formulas with complete ids."""
    return id_


def parse_query(text: str, *, find: Find = as_it_is, read: Read | None = None) -> tuple[Part, ...]:
    """The parts of a query.

    Args:
        text: a formula, or one text.
        find: the complete id for a prefix of it, among images or all items (None).
        read: the bytes of a file; without it, files are rejected.

    Raises:
        InputError: it is empty or cannot be parsed; the message says where.
        UnknownItem: `find` finds no such item.
        BadParameter: a weight outside its range.

    >>> [(p.text or p.item, p.weight) for p in parse_query('"a beach" + 0.5*img:3fa2 - "people"')]
    [('a beach', 1.0), ('3fa2', 0.5), ('people', -1.0)]
    >>> [p.text for p in parse_query("a dog - brown")]
    ['a dog - brown']
    >>> [p.text for p in parse_query('"a beach')]
    ['a beach']
    >>> parse_query('"a dog" - "brown')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    core.errors.InputError: Expected a closing quote for the one at character 11: "brown. ...
    """
    text = text.strip()
    if not text:
        raise InputError('The query is empty. Enter a text such as "a dog on a beach".')
    if not FORMULA.search(text):
        return (Part(text.removeprefix('"').strip() or text),)
    parts: list[Part] = []
    at = 0
    while at < len(text):
        match = PART.match(text, at)
        if match is None or (parts and not match["sign"]):
            if opened := UNCLOSED.match(text, at):
                raise _expected("a closing quote for the one", text, opened.end() - 1)
            raise _expected("+ or -" if parts else "a part", text, at)
        parts.append(_part(match, find, read))
        at = match.end()
        if len(parts) > MOST:
            raise InputError(f"The query has more than {MOST} parts; at most {MOST} are allowed.")
    return tuple(parts)


def format_query(parts: Iterable[Part]) -> str:
    r"""The inverse of `parse_query`: the shortest text that is parsed to these parts.

    Raises:
        InputError: a part is an image file, which has no id.

    >>> format_query(parse_query("+1.0*'a beach'   - .50 * item:3fa2"))
    '"a beach" - 0.5*item:3fa2'
    >>> format_query([Part("'n'")])
    '"\'n\'"'
    """
    given = tuple(parts)
    if len(given) == 1 and given[0].weight == 1 and _plain(given[0].text):
        return given[0].text
    return "".join(starmap(_term, enumerate(given)))


def _plain(text: str) -> bool:
    """Whether a text is parsed to itself without quotes."""
    return bool(text) and text == text.strip() and text[0] != '"' and not FORMULA.search(text)


def _part(match: re.Match[str], find: Find, read: Read | None) -> Part:
    weight = float(match["weight"] or 1) * (-1 if match["sign"] == "-" else 1)
    if match["text"]:
        text = unquote(match["text"])
        if not text.strip():
            raise _expected("a text with words", match.string, match.start("text"))
        return Part(text, weight=weight)
    name = unquote(match["id"])
    if match["kind"] == "file":
        if read is None:
            raise InputError(
                f"Files are read on the command line only, so file:{name} is off here. "
                "Upload the image, or name an item: img:ID."
            )
        return Part(image=read(name), weight=weight)
    if not name:
        raise _expected("an id", match.string, match.start("id"))
    return Part(item=find(name, "image" if match["kind"] == "img" else None), weight=weight)


def _term(place: int, part: Part) -> str:
    if part.image:
        raise InputError("An image file cannot be written into a link.")
    sign = ("" if place == 0 else " + ") if part.weight > 0 else ("-" if place == 0 else " - ")
    size = repr(abs(float(part.weight))).removesuffix(".0")
    weight = "" if size == "1" else f"{size}*"
    return sign + weight + (quote(part.text) if part.text else f"item:{quote(part.item, WORD)}")


def _expected(what: str, text: str, at: int) -> InputError:
    rest = text[at:].strip()
    shown = rest if len(rest) <= 30 else rest[:30] + "..."
    return InputError(f"Expected {what} at character {at + 1}: {shown}. {HINT}")
