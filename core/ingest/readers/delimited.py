"""CSV, TSV and similar tables to rows: a header, then cells that are typed column by column.

`pyarrow.csv` would not do: it reads 007 as 7, has no line numbers, and rejects short rows.
"""

from __future__ import annotations

import csv
import io
import json
import re
from ast import literal_eval
from collections.abc import Callable, Iterator, Mapping, Sequence

from core.errors import UnreadableFile
from core.ingest.images import IMAGE_SUFFIXES
from core.ingest.readers.files import suffix
from core.ingest.readers.records import Note
from core.ingest.readers.rows import EXPECTED, fits, fits_int64, meanings
from core.ingest.readers.tables import Rows, as_text, collect, lines, must_fit

_DELIMITERS = (",", "\t", ";", "|")
_INTEGER = r"-?(0|[1-9]\d*)"
_NUMBER = r"-?(0|[1-9]\d*)?(\.\d*)?([eE][-+]?\d+)?"
_IMAGE = "|".join(ending[1:] for ending in IMAGE_SUFFIXES)
_LISTED = re.compile(rf"(?P<image>[^\t]+\.({_IMAGE}))(#\d+)?\t(?P<caption>.*)", re.IGNORECASE)
_TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""  # as Python prints it
_EXACT_DIGITS = 15  # of an integer that a float holds exactly


def delimited(name: str, data: bytes) -> Rows:
    """A header, then one record per row; a column's type is that of all its cells."""
    content = as_text(data)
    first = _first_line(content)
    delimiter = max(_DELIMITERS, key=lambda d: _width(first, d))
    if not _width(first, delimiter):
        must_fit(name, _columns(first, ","))
    stray: list[int] = []
    lines = _cells(name, content, delimiter, stray)
    header = _header(next(lines)[1])
    table = [(place, _aligned(place, cells, len(header))) for place, cells in lines]
    columns = zip(*(cells for _, cells in table if isinstance(cells, list)), strict=True)
    parsers = {c: _parser(cells) for c, cells in zip(header, columns, strict=False)}
    for column, meaning in meanings(header).items():
        parsers[column] = str if meaning == "image" else _list
    rows = collect(
        name,
        (
            (place, _fields(cells, parsers) if isinstance(cells, list) else cells)
            for place, cells in table
        ),
    )
    if stray:
        numbers = ", ".join(map(str, stray[:5])) + (", ..." if len(stray) > 5 else "")
        where = f"line {numbers}" if len(stray) == 1 else f"{len(stray):,} lines ({numbers})"
        rows.append(Note(f"{name} {where}: a quote that is not closed was read as text."))
    return rows


def text(name: str, data: bytes) -> Rows:
    """A table when the first line is a header or starts with an image, else captions."""
    return headed(name, data) if _has_header(data) or _is_listed(data) else lines(name, data)


def headed(name: str, data: bytes) -> Rows:
    """A table in a text file, such as the captions.txt or Flickr8k.token.txt of Flickr8k."""
    if _is_listed(data):
        return _listed(name, data)
    if not _has_header(data):
        raise UnreadableFile(name, f"its first line is not the header of a table. {EXPECTED}")
    return delimited(name, data)


def _is_listed(data: bytes) -> bool:
    return _LISTED.fullmatch(_first_line(as_text(data[:1000]))) is not None


def _listed(name: str, data: bytes) -> Rows:
    """Lines of an image, a tab and a caption, without a header."""
    entries: list[tuple[str, object]] = []
    for at, line in enumerate(as_text(data).splitlines(), 1):
        place = f"{name} line {at}"
        if match := _LISTED.match(line):
            entries.append((place, match.groupdict()))
        elif line.strip():
            entries.append((place, UnreadableFile(place, "it is not image, tab and caption")))
    return collect(name, entries)


def _has_header(data: bytes) -> bool:
    first = _first_line(as_text(data[:1000]))
    headers = (meanings(_columns(first, delimiter)) for delimiter in _DELIMITERS)
    return any({"image", "captions"} <= set(known.values()) for known in headers)


def _first_line(content: str) -> str:
    return next(iter(content[:100_000].splitlines()), "")


def _columns(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []


def _width(header: str, delimiter: str) -> int:
    """Columns of a header with this delimiter; 0 when none of them is known."""
    columns = _columns(header, delimiter)
    return len(columns) if fits(columns) else 0


def _header(cells: list[str] | UnreadableFile) -> list[str]:
    """A unique name for every column."""
    if isinstance(cells, UnreadableFile):
        raise cells
    names: list[str] = []
    for at, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {at}"
        names.append(f"{name} {at}" if name in names else name)
    return names


def _cells(
    name: str, content: str, delimiter: str, stray: list[int]
) -> Iterator[tuple[str, list[str] | UnreadableFile]]:
    """The place and the cells of each row.

    A quoted cell runs over several lines only when its quotes are balanced and none of the lines is
    a row with an image of its own; otherwise the line is a row by itself, and its number is added
    to `stray`.
    """
    lines = list(io.StringIO(content, newline=""))
    header: list[str] = []
    at = 0
    while at < len(lines):
        place, first = f"{name} line {at + 1}", at
        cells, count = _row(lines, at, delimiter)
        at += count
        if not cells or any(_has_image(line, delimiter, header) for line in lines[first + 1 : at]):
            at = first + 1
            try:
                cells = _alone(lines[first], delimiter, len(header))
            except csv.Error as error:
                yield place, UnreadableFile(place, f"it is not a row of cells ({error})")
                continue
            stray += [at] if cells else []
        if any(cell.strip() for cell in cells):
            header = header or cells
            yield place, cells


def _row(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """The cells of a row and how many lines it has; none where its quotes are not balanced."""
    rest = (lines[i] for i in range(at, len(lines)))
    reader = csv.reader(rest, delimiter=delimiter, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error:
        return [], 1


def _alone(line: str, delimiter: str, width: int) -> list[str]:
    """The cells of one line; where a quote hides some of them, quotes are text."""
    cells = next(csv.reader([line], delimiter=delimiter))
    if len(cells) >= width:
        return cells
    return next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE))


def _has_image(line: str, delimiter: str, header: Sequence[str]) -> bool:
    """Whether a line is a row by itself, with the path of an image in its column."""
    cells, known = _columns(line, delimiter), meanings(header)
    return len(cells) == len(header) and any(
        known.get(column) == "image" and suffix(cell) in IMAGE_SUFFIXES
        for column, cell in zip(header, cells, strict=True)
    )


def _aligned(
    place: str, cells: list[str] | UnreadableFile, width: int
) -> list[str] | UnreadableFile:
    """One cell per column; a row with too many cells is rejected."""
    if isinstance(cells, UnreadableFile):
        return cells
    if len(cells) > width:
        reason = f"it has {len(cells)} cells, the header has {width}"
        return UnreadableFile(place, f"{reason}; quote texts that contain the delimiter")
    return cells + [""] * (width - len(cells))


def _fields(cells: list[str], parsers: Mapping[str, Callable[[str], object]]) -> dict[str, object]:
    """Empty cells are missing values."""
    pairs = zip(parsers.items(), cells, strict=True)
    return {column: parse(cell) for (column, parse), cell in pairs if cell.strip()}


def _parser(cells: Sequence[str]) -> Callable[[str], object]:
    """The narrowest type that every filled cell of a column has, without any loss of digits.

    Integers beyond 64 bits, integers of many digits among decimals, and 007 stay text.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    integers = [cell for cell in filled if re.fullmatch(_INTEGER, cell)]
    longest = max(map(len, integers), default=0)
    if len(integers) == len(filled):
        return int if longest <= 20 and all(fits_int64(int(cell)) for cell in integers) else str
    if longest <= _EXACT_DIGITS and all(re.fullmatch(_NUMBER, c) and _is_float(c) for c in filled):
        return float
    if all(cell.lower() in ("true", "false") for cell in filled):
        return lambda cell: cell.strip().lower() == "true"
    return str


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _list(cell: str) -> object:
    """A cell with a list of texts, as JSON or as Python and NumPy print it, or one text.

    >>> _list('["a", "b"]'), _list("['a', 'b']"), _list("['a' 'b']"), _list("[a]")
    (['a', 'b'], ['a', 'b'], ['a', 'b'], '[a]')
    """
    text = cell.strip()
    if not text.startswith("["):
        return cell
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        if not re.fullmatch(rf"\[\s*(?:{_TEXT})(?:,?\s*(?:{_TEXT}))*\s*\]", text):
            return cell
        values = [literal_eval(one) for one in re.findall(_TEXT, text)]
    return values if all(isinstance(value, str) for value in values) else cell
