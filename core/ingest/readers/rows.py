"""One row of a table of any format: the meaning of its fields, and what is rejected."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from core.errors import UnreadableFile
from core.types import Rejected, Value

MAX_CAPTION = 10_000
EXPECTED = (
    "Expected: image (a path) and/or caption or captions; optional: label or labels, "
    "and any other fields"
)
# Names of columns by meaning. Of each meaning a table has, only the first line of names is read.
_NAMES = {
    "image": (
        ("image",),
        ("file_name", "filename"),
        ("filepath", "file_path", "image_path", "image_name"),
        ("key",),
    ),
    "captions": (("caption", "captions"), ("text",), ("title",), ("comment",)),
    "labels": (("label", "labels"),),
}
# Names that mean something else, unless the table has a column of this meaning or name as well.
_ONLY_WITH = {"key": "url", "text": "image", "title": "image", "comment": "image"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row with valid texts.

    `image` is the path as written in the table, or ""; `data` are the bytes of an image that is
    stored in the table itself.
    """

    place: str
    image: str
    captions: tuple[str, ...]
    labels: tuple[str, ...]
    attributes: Mapping[str, Value]
    rejected: tuple[Rejected, ...] = ()
    data: bytes | None = None


def meanings(columns: Iterable[str]) -> dict[str, str]:
    """Columns that are images, captions or labels. All others are attributes.

    >>> meanings(["Image", "caption", "text", "year"])
    {'Image': 'image', 'caption': 'captions'}
    >>> meanings(["file_name", "text"]), meanings(["text"])
    ({'file_name': 'image', 'text': 'captions'}, {})
    """
    names = {column: column.strip().lower() for column in columns}
    known: dict[str, str] = {}
    for meaning, lines in _NAMES.items():
        present = {*names.values(), *known.values()}
        for line in lines:
            usable = [name for name in line if _ONLY_WITH.get(name, name) in present]
            if found := [column for column, name in names.items() if name in usable]:
                known |= dict.fromkeys(found, meaning)
                break
    return known


def fits(columns: Iterable[str]) -> bool:
    """Whether a table with these columns has images or texts."""
    return not {"image", "captions"}.isdisjoint(meanings(columns).values())


def row_of(place: str, fields: Mapping[str, object], known: Mapping[str, str]) -> Row:
    """Read one row.

    Args:
        place: its name in messages.
        fields: its values by column.
        known: the meaning of the table's columns; see `meanings`.

    Raises:
        UnreadableFile: a field has a value that its name does not allow; the row is rejected.
    """
    image, data = "", None
    captions: list[str] = []
    labels: list[str] = []
    attributes: dict[str, Value] = {}
    bad_captions: list[Rejected] = []
    for column, value in fields.items():
        meaning = known.get(column)
        if meaning == "image":
            image, data = _image(place, value)
        elif meaning == "captions":
            _captions(place, value, captions, bad_captions)
        elif meaning == "labels":
            labels += labels_of(place, value)
        elif (typed := attribute(place, value)) is not None:
            attributes[column.strip()] = typed
    if not (image or captions or bad_captions):
        raise UnreadableFile(place, "it has neither an image nor a caption")
    texts, bad = tuple(captions), tuple(bad_captions)
    return Row(place, image, texts, unique(labels), attributes, bad, data)


def labels_of(place: str, value: object) -> list[str]:
    """Labels of a field: a text, a number or a list of them."""
    values = value if isinstance(value, list | tuple) else [value]
    labels = []
    for one in values:
        if isinstance(one, dict | list):
            raise UnreadableFile(place, f"a label is {kind_of(one)}, not a text")
        label = "" if one is None else clean(place, str(one)).strip()
        if label:
            labels.append(label)
    return labels


def unique(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels without repeats, in order."""
    return tuple(dict.fromkeys(labels))


def attribute(place: str, value: object) -> Value | None:
    """A field as a typed value: scalars keep their type, nested ones become JSON text."""
    match value:
        case None:
            return None
        case bool():
            return value
        case int():
            return value if fits_int64(value) else str(value)
        case float() | Decimal():
            number = float(value)
            return number if math.isfinite(number) else None
        case str():
            return clean(place, value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            raise UnreadableFile(place, "a field contains bytes; text or numbers are needed")
    return clean(place, json.dumps(value, ensure_ascii=False, default=str))


def fits_int64(number: int) -> bool:
    """Whether an integer can be stored as one."""
    return -(2**63) <= number < 2**63


def caption(place: str, value: object) -> str:
    """One caption, stripped.

    Raises:
        UnreadableFile: not text, empty, or longer than `MAX_CAPTION` characters.
    """
    if not isinstance(value, str):
        raise UnreadableFile(place, f"the caption is {kind_of(value)}, not a text")
    text = clean(place, value).strip()
    if not text:
        raise UnreadableFile(place, "the caption is empty")
    if len(text) > MAX_CAPTION:
        reason = f"the caption has {len(text):,} characters; allowed: {MAX_CAPTION:,}"
        raise UnreadableFile(place, reason)
    return text


def clean(place: str, text: str) -> str:
    """The text, if all of it can be stored as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnreadableFile(place, "a text in it is not valid UTF-8") from error
    return text


def rejected(error: UnreadableFile) -> Rejected:
    """An error as an entry of the report."""
    return Rejected(error.name, error.reason)


def kind_of(value: object) -> str:
    """The type of a value in the terms of JSON.

    >>> kind_of(3.5), kind_of({})
    ('a number', 'an object')
    """
    match value:
        case bool():
            return "true or false"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case bytes():
            return "bytes"
    return "nothing" if value is None else "an object"


def _image(place: str, value: object) -> tuple[str, bytes | None]:
    """Path and bytes of an image: a path, or an object with `bytes` and `path`."""
    data = None
    if isinstance(value, Mapping) and "bytes" in value:
        data, value = value["bytes"], value.get("path")
    elif isinstance(value, bytes):
        data, value = value, None
    if isinstance(data, bytes) and not value:
        value = place
    if value is None:
        return "", None
    if not isinstance(value, str):
        raise UnreadableFile(place, f"the image is {kind_of(value)}, not a path")
    return clean(place, value).strip(), data if isinstance(data, bytes) else None


def _captions(place: str, value: object, captions: list[str], bad: list[Rejected]) -> None:
    if value is None:
        return
    for one in value if isinstance(value, list | tuple) else [value]:
        try:
            captions.append(caption(place, one))
        except UnreadableFile as error:
            bad.append(rejected(error))
