"""CSV, TSV and similar tables to rows: a header, then cells that are typed column by column.

`pyarrow.csv` would not do: it reads 007 as 7, has no line numbers, and rejects short rows.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from core.errors import BadParameter, UnreadableFile
from core.ingest.budget import check
from core.ingest.images import IMAGE_SUFFIXES
from core.ingest.readers.cells import is_number, parser, text_or_list
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.forms import Table, TableForm
from core.ingest.readers.records import Aside, Note, ReadOptions
from core.ingest.readers.rows import DETECT, fits, must_fit, roles
from core.ingest.readers.tables import collect, text_of

_DELIMITERS = (",", "\t", ";", "|")
_IMAGE = "|".join(ending[1:] for ending in IMAGE_SUFFIXES)
_LISTED = re.compile(rf"(?P<image>[^\t]+\.({_IMAGE}))(#\d+)?\t(?P<caption>[^\t]*)", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<image>[^|]+)\|\s*\d+\s*\|?(?P<caption>.*)")
_SEPARATORS = {"comma": ",", "tab": "\t", "\\t": "\t", "semicolon": ";", "pipe": "|"}
_EXCEL = re.compile(r"sep=.\r?\n")
_CELL_BYTES = 8  # of an empty cell of a row that is short
_SAMPLE = 1000  # lines that tell what a row looks like


def delimited(name: str, content: str, options: ReadOptions = DETECT) -> Table:
    """A header, then one record per row; a column's type is that of all its cells.

    Without a header, the column with images is found by their names.
    """
    first = _first_line(content)
    delimiter = _delimiter(name, first, options)
    header = _columns(first, delimiter)
    made_up = [] if fits(header, options) else _header_of(header)
    if not made_up:
        must_fit(name, header, options)
    stray: list[int] = []
    lines = _cells(name, content, delimiter, made_up, options, stray)
    header = made_up or _header(next(lines)[1])
    short: list[str] = []
    check(name, _CELL_BYTES * len(header) * content.count("\n"), len(content))
    table = [(place, _aligned(place, cells, len(header), short)) for place, cells in lines]
    columns = list(zip(*(cells for _, cells in table if isinstance(cells, list)), strict=True))
    if numbered := _numbers_rows(header, columns):
        table = [(at, row[1:] if isinstance(row, list) else row) for at, row in table]
        header, columns = header[1:], columns[1:]
    parsers = {c: parser(cells) for c, cells in zip(header, columns, strict=False)}
    for column, role in roles(header, options).items():
        if role != "attribute":
            parsers[column] = str if role == "image" else text_or_list
    fields = (
        (place, _fields(cells, parsers) if isinstance(cells, list) else cells)
        for place, cells in table
    )
    left = [Aside("the column without a name", "it numbers the rows")] if numbered else []
    result = collect(name, fields, options, left)
    notes = list(_doubts(name, stray, short))
    if made_up:
        notes.append(Note(f"{name} has no header; its columns were read as {', '.join(made_up)}."))
    return replace(result, rows=[*result.rows, *notes])


def _header_of(cells: Sequence[str]) -> list[str]:
    """Names for columns without any, from the first row; none where it has no image.

    >>> _header_of(["a.jpg", "A dog."]), _header_of(["7", "a.jpg", "dog", "x"]), _header_of(["x"])
    (['image', 'caption'], ['column 1', 'image', 'column 3', 'column 4'], [])
    """
    images = [at for at, cell in enumerate(cells) if _names_image(cell)]
    if len(images) != 1 or len(cells) < 2:
        return []
    names = [f"column {at}" for at in range(1, len(cells) + 1)]
    names[images[0]] = "image"
    if len(cells) == 2:
        names[1 - images[0]] = "caption"
    return names


def _numbers_rows(header: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first column has no name and counts from 0, as pandas writes its index."""
    counts = bool(columns) and header[0] == "column 1" and len(columns) > 1
    return counts and list(columns[0]) == [str(at) for at in range(len(columns[0]))]


def _doubts(name: str, stray: Sequence[int], short: Sequence[str]) -> Iterator[Note]:
    """Lines that were read otherwise than they may have been meant."""
    if stray:
        numbers = ", ".join(map(str, stray[:5])) + (", ..." if len(stray) > 5 else "")
        where = f"line {numbers}" if len(stray) == 1 else f"{len(stray):,} lines ({numbers})"
        yield Note(f"{name} {where}: a quote that is not closed was read as text.")
    if short:
        many = "1 row has" if len(short) == 1 else f"{len(short):,} rows have"
        yield Note(f"{name}: {many} fewer cells than the header (first: {short[0]}).")


def _delimiter(name: str, header: str, options: ReadOptions) -> str:
    """What separates the cells; with several candidates, that of the widest known header."""
    if options.separator:
        separator = _SEPARATORS.get(options.separator.lower(), options.separator)
        if len(separator) != 1 or separator in '"\r\n':
            names = ", ".join(_SEPARATORS)
            raise BadParameter("separator", options.separator, f"one character, or {names}")
        return separator
    known = max(_DELIMITERS, key=lambda delimiter: _width(header, delimiter, options))
    if _width(header, known, options):
        return known
    return max(_DELIMITERS, key=lambda delimiter: len(_header_of(_columns(header, delimiter))))


def _listed(name: str, content: str, options: ReadOptions) -> Table:
    """Lines of an image, a tab and a caption, without a header."""
    entries: list[tuple[str, object]] = []
    for at, line in enumerate(content.splitlines(), 1):
        place = f"{name} line {at}"
        if match := _LISTED.match(line):
            entries.append((place, match.groupdict()))
        elif line.strip():
            entries.append((place, UnreadableFile(place, "it is not image, tab and caption")))
    return collect(name, entries)


def _flickr30k(name: str, content: str, options: ReadOptions) -> Table:
    """Image, number and caption; a caption may have | and quotes, and a | may be missing."""
    entries: list[tuple[str, object]] = []
    for at, line in enumerate(content.splitlines()[1:], 2):
        place = f"{name} line {at}"
        if match := _NUMBERED.fullmatch(line):
            entries.append((place, match.groupdict()))
        elif line.strip():
            entries.append((place, UnreadableFile(place, "it is not image | number | caption")))
    return collect(name, entries)


def _has_header(content: str) -> bool:
    """Whether the first line names the columns of images and captions, or is an image and one."""
    first = _first_line(content)
    headers = [_columns(first, delimiter) for delimiter in _DELIMITERS]
    known = any({"image", "caption"} <= set(roles(header).values()) for header in headers)
    return known or any(len(header) == 2 and _names_image(header[0]) for header in headers)


def _has_columns(content: str, delimiter: str, *columns: str) -> bool:
    """Whether the header has exactly these columns."""
    header = _columns(_first_line(content), delimiter)
    return tuple(column.strip().lower() for column in header) == columns


def _cells_of(tree: Tree, file: str) -> str:
    """A file as text, without the line `sep=;` of Excel."""
    content = text_of(tree, file)
    return _EXCEL.sub("", content, count=1) if content.startswith("sep=") else content


def _first_line(content: str) -> str:
    return next(iter(content[:100_000].splitlines()), "")


def _columns(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []


def _width(header: str, delimiter: str, options: ReadOptions) -> int:
    """Columns of a header with this delimiter; 0 when none of them is known."""
    columns = _columns(header, delimiter)
    return len(columns) if fits(columns, options) else 0


def _header(cells: list[str] | UnreadableFile) -> list[str]:
    """A unique name for every column."""
    if isinstance(cells, UnreadableFile):
        raise cells
    names: dict[str, None] = {}
    for at, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {at}"
        names[f"{name} {at}" if name in names else name] = None
    return list(names)


def _cells(
    name: str,
    content: str,
    delimiter: str,
    header: Sequence[str],
    options: ReadOptions,
    stray: list[int],
) -> Iterator[tuple[str, list[str] | UnreadableFile]]:
    """The place and the cells of each row.

    A quoted cell runs over several lines only when its quotes are balanced and it takes in no rows;
    otherwise the line is a row by itself, and its number is added to `stray`.
    """
    lines = list(io.StringIO(content, newline=""))
    shape: _Shape | None = None
    at = 0
    while at < len(lines):
        place, first = f"{name} line {at + 1}", at
        cells, count = _row(lines, at, delimiter)
        at += count
        if count > 1 and header:
            shape = shape or _Shape(lines, delimiter, header, options)
        if not cells or (shape and count > 1 and shape.has_rows(cells, lines[first + 1 : at])):
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


class _Shape:
    """What a row of a table looks like: its width, and columns of images and of numbers."""

    def __init__(
        self, lines: Sequence[str], delimiter: str, header: Sequence[str], options: ReadOptions
    ) -> None:
        known = roles(header, options)
        plain = [line.split(delimiter) for line in lines[1:_SAMPLE] if '"' not in line]
        sample = [cells for cells in plain if len(cells) == len(header)]
        self._delimiter, self._width = delimiter, len(header)
        self._images, self._numbers = set(), set()
        for at, column in enumerate(header):
            cells = [row[at] for row in sample]
            if known[column] == "image" and all(map(_names_image, cells)):
                self._images.add(at)
            elif cells and all(map(is_number, cells)):
                self._numbers.add(at)

    def has_rows(self, cells: Sequence[str], rest: Sequence[str]) -> bool:
        """Whether a cell that runs over several lines takes in rows that follow it.

        Args:
            cells: of the whole row.
            rest: its lines from the second on. One with a quote may end the cell, so that only its
                columns before that of the cell can show that it is a row.
        """
        column = next((at for at, cell in enumerate(cells) if "\n" in cell or "\r" in cell), 0)
        numbered = 0
        for line in rest:
            own = _columns(line, self._delimiter)
            if len(own) == self._width:
                images = {at for at in self._images if '"' not in line or at < column}
                numbers = {at for at in self._numbers if at < column}
                if images and all(_names_image(own[at]) for at in images):
                    return True
                numbered += bool(numbers) and all(is_number(own[at]) for at in numbers)
        return 1 < numbered == len(rest)


def _names_image(cell: str) -> bool:
    return suffix(cell.strip()) in IMAGE_SUFFIXES


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


def _aligned(
    place: str, cells: list[str] | UnreadableFile, width: int, short: list[str]
) -> list[str] | UnreadableFile:
    """One cell per column; a row with too many cells is rejected, one with fewer is `short`."""
    if isinstance(cells, UnreadableFile):
        return cells
    if len(cells) > width:
        reason = f"it has {len(cells)} cells, the header has {width}"
        return UnreadableFile(place, f"{reason}; quote texts that contain the delimiter")
    short += [place] if len(cells) < width else []
    return cells + [""] * (width - len(cells))


def _fields(cells: list[str], parsers: Mapping[str, Callable[[str], object]]) -> dict[str, object]:
    """Empty cells are missing values."""
    pairs = zip(parsers.items(), cells, strict=True)
    return {column: parse(cell) for (column, parse), cell in pairs if cell.strip()}


_TEXTS = (".txt", ".token")
FLICKR8K = TableForm(
    name="flickr8k",
    title="Flickr8k.token.txt",
    recognized="Its first line is an image, perhaps with #number, a tab and a caption.",
    taken="The lines of an image are its captions.",
    example="a.jpg#0\tA dog runs.\na.jpg#1\tA brown dog.",
    suffixes=(*_TEXTS, ".tsv", ".csv"),
    load=_cells_of,
    recognizes=lambda name, content: bool(_LISTED.fullmatch(_first_line(content))),
    table=_listed,
)
FLICKR30K = TableForm(
    name="flickr30k",
    title="Flickr30k, results.csv",
    recognized="The columns image_name, comment_number and comment, with | between them.",
    taken="image_name is the image, comment a caption.",
    example="image_name| comment_number| comment\na.jpg| 0| A dog runs.",
    suffixes=(".csv", *_TEXTS),
    load=_cells_of,
    recognizes=lambda name, content: _has_columns(
        content, "|", "image_name", "comment_number", "comment"
    ),
    table=_flickr30k,
)
OPEN_CLIP = TableForm(
    name="open-clip",
    title="OpenCLIP, training CSV",
    recognized="The columns filepath and title, with a tab between them.",
    taken="filepath is the image, title its caption.",
    example="filepath\ttitle\nimages/a.jpg\tA dog runs.",
    suffixes=(".csv", ".tsv", *_TEXTS),
    load=_cells_of,
    recognizes=lambda name, content: _has_columns(content, "\t", "filepath", "title"),
    table=delimited,
)
CSV = TableForm(
    name="csv",
    title="CSV or TSV",
    recognized=(
        "A .csv or .tsv file, or a .txt file whose first line names an image and a caption; "
        "separated by comma, tab, semicolon or |."
    ),
    taken="image, caption or captions, label or labels; all other columns are attributes.",
    example="image,caption,label,year\na.jpg,A dog runs.,dog,2021",
    suffixes=(".csv", ".tsv", *_TEXTS),
    load=_cells_of,
    recognizes=lambda name, content: suffix(name) not in _TEXTS or _has_header(content),
    table=delimited,
)
