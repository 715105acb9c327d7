"""JSON lines, lines of captions, and what all tables share; CSV is in `delimited.py`.

A bad line never stops the rest; UnreadableFile means that the whole file is no such table.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import TypeAlias

from core.errors import UnreadableFile
from core.ingest.images import IMAGE_SUFFIXES
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.forms import Table, TableForm
from core.ingest.readers.records import Aside, Note, ReadOptions
from core.ingest.readers.rows import (
    DETECT,
    EXPECTED,
    MAX_FIELD,
    Row,
    caption,
    is_cut,
    kind_of,
    must_fit,
    rejected,
    roles,
    row_of,
    suggested,
)  # fmt: skip
from core.types import Rejected

Fields: TypeAlias = tuple[str, object]  # the place of a row, and its fields or an UnreadableFile


_MISSING = frozenset({"nan", "NaN", "None", "null", "NULL", "<NA>"})


def data_of(tree: Tree, file: str) -> bytes:
    """A file's bytes without a byte order mark of UTF-8."""
    return tree.read(file).removeprefix(codecs.BOM_UTF8)


def text_of(tree: Tree, file: str) -> str:
    """A file as text. Invalid UTF-8 becomes lone surrogates: only its own row is rejected."""
    return as_text(tree.read(file))


def as_text(data: bytes) -> str:
    """The same of bytes."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape")


def lines(name: str, content: str) -> list[Row | Rejected | Note]:
    """One caption per line; empty lines are skipped."""
    rows: list[Row | Rejected | Note] = []
    for at, line in enumerate(io.StringIO(content, newline=None), 1):
        if line.strip():
            place = f"{name} line {at}"
            try:
                rows.append(Row(place, "", (caption(place, line),), (), {}))
            except UnreadableFile as error:
                rows.append(rejected(error))
    return rows


def _is_image(word: str) -> bool:
    return suffix(word) in IMAGE_SUFFIXES


def _lines(name: str, content: str, options: ReadOptions) -> Table:
    rows = lines(name, content)
    first = rows[0].captions[0] if rows and isinstance(rows[0], Row) else ""
    if any(map(_is_image, first.split())):
        reason = "its lines name images, and are neither captions nor a table with a header"
        raise UnreadableFile(name, f"{reason}. Expected: image, a tab and its caption in each line")
    return Table(rows)


def collect(
    name: str,
    entries: Iterable[Fields],
    options: ReadOptions = DETECT,
    left_aside: Sequence[Aside] = (),
) -> Table:
    """Read every entry; a table without a usable column is rejected as a whole."""
    entries = list(entries)
    columns = {
        column: None for _, entry in entries if isinstance(entry, Mapping) for column in entry
    }
    known = roles(columns, options)
    rows: list[Row | Rejected | Note] = list(rows_of(entries, known))
    if columns:
        must_fit(name, columns, options)
    elif rows:
        first = "; ".join(
            f"{row.name}: {row.reason}" for row in rows[:1] if isinstance(row, Rejected)
        )
        raise UnreadableFile(name, f"none of its lines can be read ({first}). {EXPECTED}")
    missing = [row for row in rows if isinstance(row, Row) and _MISSING.intersection(row.captions)]
    if missing:
        many = "1 row has" if len(missing) == 1 else f"{len(missing):,} rows have"
        what = "the caption nan, None or null, which may stand for a missing one"
        rows.append(Note(f"{name}: {many} {what} (first: {missing[0].place})."))
    return Table(rows, known, (*left_aside, *doubtful(known)))


def rows_of(entries: Iterable[Fields], known: Mapping[str, str]) -> Iterator[Row | Rejected | Note]:
    """Each entry as a row, or the reason why it is none."""
    long: list[str] = []
    for place, entry in entries:
        try:
            if isinstance(entry, UnreadableFile):
                raise entry
            if not isinstance(entry, Mapping):
                reason = f"it is {kind_of(entry)}, not an object with fields"
                raise UnreadableFile(place, reason)
            row = row_of(place, entry, known)
            if any(map(is_cut, (*row.labels, *row.attributes.values()))):
                long.append(place)
            yield row
        except UnreadableFile as error:
            yield rejected(error)
    if long:
        many = "1 row has" if len(long) == 1 else f"{len(long):,} rows have"
        what = f"a field of more than {MAX_FIELD:,} characters, which was cut"
        yield Note(f"{many} {what} (first: {long[0]}).")


def doubtful(known: Mapping[str, str]) -> list[Aside]:
    """Columns that were read as attributes, though by their names they may be something else."""
    return [
        Aside(column, f"another column is the {role}", f"--{role}-column {quote(column)}")
        if role in known.values()
        else Aside(column, f"it is an attribute, not a {role}", f"--{role}-column {quote(column)}")
        for column in known
        if known[column] == "attribute" and (role := suggested(column))
    ]


def with_split(table: Table, split: str) -> Table:
    """The table with an attribute `split` in its rows, where they have none of their own."""
    return replace(table, rows=_WithSplit(table.rows, split))


@dataclass(frozen=True)
class _WithSplit:
    """Rows with their split, each time from the first."""

    rows: Iterable[Row | Rejected | Note]
    split: str

    def __iter__(self) -> Iterator[Row | Rejected | Note]:
        for row in self.rows:
            if isinstance(row, Row):
                row = replace(row, attributes={"split": self.split, **row.attributes})
            yield row


def _json_lines(name: str, data: bytes, options: ReadOptions) -> Table:
    numbered = enumerate(io.BytesIO(data), 1)
    places = ((f"{name} line {at}", line) for at, line in numbered if line.strip())
    return collect(name, ((place, _parsed(place, line)) for place, line in places), options)


def _parsed(place: str, line: bytes) -> object:
    try:
        return json.loads(line.decode().strip())
    except UnicodeDecodeError:
        return UnreadableFile(place, "it is not valid UTF-8")
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        return UnreadableFile(place, f"it is not JSON ({what} at character {error.colno})")
    except (ValueError, RecursionError):
        return UnreadableFile(place, "its JSON is too large or too deeply nested")


JSON_LINES = TableForm(
    name="jsonl",
    title="JSON lines",
    recognized="A .jsonl or .ndjson file; items.jsonl before other tables.",
    taken="image, caption or captions, label or labels; all other fields are attributes.",
    example='{"image": "a.jpg", "caption": "A dog runs.", "label": "dog", "year": 2021}',
    suffixes=(".jsonl", ".ndjson"),
    load=data_of,
    recognizes=lambda name, data: True,
    table=_json_lines,
)
LINES = TableForm(
    name="text",
    title="Lines of text",
    recognized="A .txt file by its own path, without a header.",
    taken="Each line is a text without an image.",
    example="A dog runs.\nTwo cats sleep.",
    suffixes=(".txt", ".token"),
    load=text_of,
    recognizes=lambda name, content: True,
    table=_lines,
    alone=True,
)
