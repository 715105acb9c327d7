"""CSV, TSV and similar tables to rows: a header, then cells that are typed column by column.

`pyarrow.csv` would not do: it reads 007 as 7, has no line numbers, and rejects short rows.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from core.errors import UnreadableFile
from core.ingest.readers.rows import EXPECTED, fits, fits_int64, meanings
from core.ingest.readers.tables import Rows, as_text, collect, lines, must_fit

_DELIMITERS = (",", "\t", ";", "|")
_INTEGER = r"-?(0|[1-9]\d*)"
_NUMBER = r"-?(0|[1-9]\d*)?(\.\d*)?([eE][-+]?\d+)?"
_EXACT_DIGITS = 15  # of an integer that a float holds exactly


def delimited(name: str, data: bytes) -> Rows:
    """A header, then one record per row; a column's type is that of all its cells."""
    content = as_text(data)
    first = _first_line(content)
    delimiter = max(_DELIMITERS, key=lambda d: _width(first, d))
    if not _width(first, delimiter):
        must_fit(name, _columns(first, ","))
    lines = _cells(name, content, delimiter)
    header = _header(next(lines)[1])
    table = [(place, _aligned(place, cells, len(header))) for place, cells in lines]
    columns = zip(*(cells for _, cells in table if isinstance(cells, list)), strict=True)
    parsers = {c: _parser(cells) for c, cells in zip(header, columns, strict=False)}
    for column in meanings(header):
        parsers[column] = _list if column.strip().lower() in ("captions", "labels") else str
    return collect(
        name,
        (
            (place, _fields(cells, parsers) if isinstance(cells, list) else cells)
            for place, cells in table
        ),
    )


def text(name: str, data: bytes) -> Rows:
    """A table when the first line is a header with image and caption, else captions."""
    return headed(name, data) if _has_header(data) else lines(name, data)


def headed(name: str, data: bytes) -> Rows:
    """A table in a .txt file, such as the captions.txt of Flickr8k."""
    if not _has_header(data):
        raise UnreadableFile(name, f"its first line is not the header of a table. {EXPECTED}")
    return delimited(name, data)


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
    name: str, content: str, delimiter: str
) -> Iterator[tuple[str, list[str] | UnreadableFile]]:
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    while True:
        place = f"{name} line {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield place, UnreadableFile(place, f"it is not a row of cells ({error})")
            continue
        if any(cell.strip() for cell in cells):
            yield place, cells


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
    """A cell of a plural column: a JSON list of texts, or one text."""
    if not cell.lstrip().startswith("["):
        return cell
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return values if all(isinstance(value, str) for value in values) else cell
