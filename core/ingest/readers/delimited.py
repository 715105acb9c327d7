"""CSV, TSV and their kin to rows: a header, then cells that are typed column by column."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from core.errors import UnreadableFile
from core.ingest.readers.rows import EXPECTED, fits, meanings
from core.ingest.readers.tables import Rows, as_text, collect, lines, must_fit

_DELIMITERS = (",", "\t", ";", "|")


def delimited(name: str, data: bytes) -> Rows:
    """A header, then one row a record; cells are text until their column's type is known."""
    content = as_text(data)
    first = _first_line(content)
    delimiter = max(_DELIMITERS, key=lambda d: _width(first, d))
    if not _width(first, delimiter):
        must_fit(name, _columns(first, ","))
    lines = _cells(name, content, delimiter)
    header = _header(next(lines)[1])
    table = [(place, _aligned(place, cells, len(header))) for place, cells in lines]
    columns = zip(*(cells for _, cells in table if isinstance(cells, list)), strict=True)
    known = meanings(header)
    makers = {c: _typed(cells) for c, cells in zip(header, columns, strict=False)}
    for column, meaning in known.items():
        plural = column.strip().lower() in ("captions", "labels")
        makers[column] = _listed if plural and meaning != "image" else str
    return collect(
        name,
        (
            (place, _fields(cells, makers) if isinstance(cells, list) else cells)
            for place, cells in table
        ),
    )


def text(name: str, data: bytes) -> Rows:
    """A table when the first line is a header that names image and caption, else captions."""
    return headed(name, data) if _has_header(data) else lines(name, data)


def headed(name: str, data: bytes) -> Rows:
    """A table in a .txt file, such as the captions.txt of Flickr8k."""
    if not _has_header(data):
        raise UnreadableFile(name, f"its first line is no header of a table. {EXPECTED}")
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
    """Columns that a header has when it is cut this way; 0 when none of them is known."""
    columns = _columns(header, delimiter)
    return len(columns) if fits(columns) else 0


def _header(cells: list[str] | UnreadableFile) -> list[str]:
    """Every column under a name of its own."""
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
    """Cells under their columns; more cells than columns have no meaning."""
    if isinstance(cells, UnreadableFile):
        return cells
    if len(cells) > width:
        reason = f"it has {len(cells)} cells, the header has {width}"
        return UnreadableFile(place, f"{reason}; put texts that hold the separator in quotes")
    return cells + [""] * (width - len(cells))


def _fields(cells: list[str], makers: Mapping[str, Callable[[str], object]]) -> dict[str, object]:
    """Empty cells say nothing."""
    pairs = zip(makers.items(), cells, strict=True)
    return {column: make(cell) for (column, make), cell in pairs if cell.strip()}


def _typed(cells: Sequence[str]) -> Callable[[str], object]:
    """The narrowest type that every filled cell of a column has; 007 stays a text."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", cell) for cell in filled):
        return int
    if all(re.fullmatch(r"-?(0|[1-9]\d*)?(\.\d*)?([eE][-+]?\d+)?", c) and _is(c) for c in filled):
        return float
    if all(cell.lower() in ("true", "false") for cell in filled):
        return lambda cell: cell.strip().lower() == "true"
    return str


def _is(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _listed(cell: str) -> object:
    """A cell of a plural column: a JSON list of texts, or one text."""
    if not cell.lstrip().startswith("["):
        return cell
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return found if all(isinstance(one, str) for one in found) else cell
