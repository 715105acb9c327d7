"""One row of a table of any format: the meaning of its fields, and what is rejected."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from core.errors import UnreadableFile
from core.ingest.readers.records import MAX_ATTRIBUTES, ReadOptions
from core.types import Rejected, Value

DETECT = ReadOptions()
MAX_CAPTION = 10_000
MAX_FIELD = 10_000  # characters of an attribute or label; the rest is cut
CUT = "…"
EXACT_DIGITS = 15  # of a number that a float holds exactly
EXPECTED = (
    "Expected: image (a path) and/or caption or captions; optional: label or labels, "
    "and any other fields"
)
# Names of columns by role. Of each role, only the first line of names that a table has is read.
_NAMES = {
    "image": (
        ("image",),
        ("file_name", "filename"),
        ("filepath", "file_path", "image_path", "image_name"),
        ("img", "image_file", "img_path", "image_uri", "path", "file"),
        ("jpg", "jpeg", "png", "webp"),
        ("key",),
    ),
    "caption": (
        ("caption", "captions"),
        ("text",),
        ("title",),
        ("comment",),
        ("sentence", "sentences"),
        ("description",),
        ("alt_text", "alt"),
        ("prompt",),
    ),
    "label": (("label", "labels"), ("class", "classes", "class_name"), ("category", "categories")),
}
_CAPTION_OF_SEVERAL = re.compile(r"(caption|sentence)[_ ]?\d+")
# Names that mean something else, unless the table has a column of this role or name as well.
_VAGUE = {"key", "path", "file"}
_ONLY_WITH = {
    "key": "url",
    **dict.fromkeys(("path", "file"), "caption"),
    **dict.fromkeys(("text", "title", "comment", "sentence", "sentences", "description"), "image"),
    **dict.fromkeys(("alt_text", "alt", "prompt"), "image"),
    **dict.fromkeys(("class", "classes", "class_name", "category", "categories"), "image"),
}


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


def roles(columns: Iterable[str], options: ReadOptions = DETECT) -> dict[str, str]:
    """The role of each column: image, caption, label or attribute.

    >>> roles(["Image", "caption", "text", "year"])
    {'Image': 'image', 'caption': 'caption', 'text': 'attribute', 'year': 'attribute'}
    >>> roles(["file_name", "text"]), roles(["text"])
    ({'file_name': 'image', 'text': 'caption'}, {'text': 'attribute'})
    >>> roles(["image", "text"], ReadOptions(label_column="text"))
    {'image': 'image', 'text': 'label'}
    """
    names = {column: column.strip().lower() for column in columns}
    found = dict.fromkeys(names, "attribute")
    asked = _asked(options)
    for role, wanted in asked.items():
        found |= dict.fromkeys(chosen(names, wanted), role)
    for role, lines in _NAMES.items():
        if role not in asked:
            free = {c: n for c, n in names.items() if found[c] == "attribute"}
            found |= dict.fromkeys(_first(lines, free, {*names.values(), *found.values()}), role)
    return found


def _first(
    lines: Iterable[Iterable[str]], names: Mapping[str, str], present: set[str]
) -> list[str]:
    """The columns of the first line that a table has."""
    for line in lines:
        usable = {name for name in line if _ONLY_WITH.get(name, name) in present}
        several = "caption" in line
        if found := [
            column
            for column, name in names.items()
            if name in usable or (several and _CAPTION_OF_SEVERAL.fullmatch(name))
        ]:
            return found
    return []


def _asked(options: ReadOptions) -> dict[str, str]:
    """The roles whose columns a user named."""
    named = {
        "image": options.image_column,
        "caption": options.caption_column,
        "label": options.label_column,
    }
    return {role: column for role, column in named.items() if column}


def chosen(columns: Iterable[str], wanted: str) -> list[str]:
    """The columns that a user named: one, or several with commas between them.

    >>> chosen(["Title", "alt", "a,b"], "title, alt"), chosen(["Title", "alt", "a,b"], "a,b")
    (['Title', 'alt'], ['a,b'])
    """
    by_name = {column.strip().lower(): column for column in columns}
    parts = [wanted] if wanted.strip().lower() in by_name else wanted.split(",")
    return [by_name[name] for part in parts if (name := part.strip().lower()) in by_name]


def suggested(column: str) -> str:
    """The role that a column may have by its name, "" for none."""
    name = column.strip().lower()
    names = {role: {n for line in lines for n in line} - _VAGUE for role, lines in _NAMES.items()}
    return next((role for role, known in names.items() if name in known), "")


def fits(columns: Iterable[str], options: ReadOptions = DETECT) -> bool:
    """Whether a table with these columns has images or texts."""
    return not {"image", "caption"}.isdisjoint(roles(columns, options).values())


def must_fit(name: str, columns: Iterable[str], options: ReadOptions = DETECT) -> None:
    """Reject a table that has neither images nor texts, or no column that a user named."""
    columns = list(columns)
    if not columns:
        raise UnreadableFile(name, "the file is empty")
    columns = [column for column in columns if column.strip()]
    names = ", ".join(columns[:8]) + (", ..." if len(columns) > 8 else "") or "none"
    for role, wanted in _asked(options).items():
        if not chosen(columns, wanted):
            reason = f"it has no column '{wanted}' (columns: {names})"
            raise UnreadableFile(name, f"{reason}. Name one of them: --{role}-column NAME")
    if not fits(columns, options):
        reason = f"none of its columns is an image or a caption (columns: {names})"
        how = "--image-column NAME or --caption-column NAME"
        raise UnreadableFile(name, f"{reason}. {EXPECTED}. Or name the column: {how}")
    must_be_few(name, columns)


def must_be_few(name: str, columns: Sequence[str]) -> None:
    """Reject a table with more columns than a collection may have attributes."""
    if len(columns) > MAX_ATTRIBUTES:
        reason = f"it has {len(columns):,} columns or fields; allowed: {MAX_ATTRIBUTES:,}"
        raise UnreadableFile(name, f"{reason}. Leave some of them out")


def row_of(place: str, fields: Mapping[str, object], known: Mapping[str, str]) -> Row:
    """Read one row.

    Args:
        place: its name in messages.
        fields: its values by column.
        known: the role of each of the table's columns; see `roles`.

    Raises:
        UnreadableFile: a field has a value that its name does not allow; the row is rejected.
    """
    image, data = "", None
    captions: list[str] = []
    labels: list[str] = []
    attributes: dict[str, Value] = {}
    bad_captions: list[Rejected] = []
    for column, value in fields.items():
        role = known.get(column)
        if role == "image":
            image, data = _image(place, value)
        elif role == "caption":
            _captions(place, value, captions, bad_captions)
        elif role == "label":
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
        label = "" if one is None else _text(place, str(one)).strip()
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
            return value if fits_int64(value) else _text(place, str(value))
        case Decimal():
            return _exact(value)
        case float():
            return value if math.isfinite(value) else None
        case str():
            return _text(place, value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            raise UnreadableFile(place, "a field contains bytes; text or numbers are needed")
    return _text(place, json.dumps(value, ensure_ascii=False, default=str))


def _text(place: str, text: str) -> str:
    """A text of at most `MAX_FIELD` characters."""
    short = text if len(text) <= MAX_FIELD else text[: MAX_FIELD - 1] + CUT
    return clean(place, short)


def is_cut(value: object) -> bool:
    """Whether a label or attribute was too long."""
    return isinstance(value, str) and len(value) == MAX_FIELD and value.endswith(CUT)


def _exact(number: Decimal) -> Value | None:
    """A decimal without any loss of digits: as a whole number, a float, or else as text.

    >>> _exact(Decimal("794557233689870330")), _exact(Decimal("2.50")), _exact(Decimal("9" * 30))
    (794557233689870330, 2.5, '999999999999999999999999999999')
    """
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN or infinite
        return None
    if exponent >= 0:
        return attribute("", int(number))
    return float(number) if len(number.as_tuple().digits) <= EXACT_DIGITS else str(number)


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
        raise UnreadableFile(
            place, "a text in it is not valid UTF-8; save the file as UTF-8"
        ) from error
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
