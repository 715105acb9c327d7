"""What the cells of a column are: whole numbers, decimals, true or false, texts, lists of texts."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Sequence

from core.ingest.readers.rows import EXACT_DIGITS, fits_int64

_INTEGER = r"-?(0|[1-9]\d*)"
_NUMBER = r"-?(0|[1-9]\d*)?(\.\d*)?([eE][-+]?\d+)?"
_TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""  # as Python prints it


def parser(cells: Sequence[str]) -> Callable[[str], object]:
    """The narrowest type that every filled cell of a column has, without any loss of digits.

    Integers beyond 64 bits, integers of many digits among decimals, and 007 stay text.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    integers = [cell for cell in filled if re.fullmatch(_INTEGER, cell)]
    longest = max(map(len, integers), default=0)
    if len(integers) == len(filled):
        return int if longest <= 20 and all(fits_int64(int(cell)) for cell in integers) else str
    if longest <= EXACT_DIGITS and all(map(is_number, filled)):
        return float
    if all(cell.lower() in ("true", "false") for cell in filled):
        return lambda cell: cell.strip().lower() == "true"
    return str


def is_float(cell: str) -> bool:
    """Whether Python reads a cell as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def text_or_list(cell: str) -> object:
    """A cell with a list of texts, as JSON or as Python and NumPy print it, or one text.

    >>> [text_or_list(cell) for cell in ('["a", "b"]', "['a', 'b']", "['a' 'b']", "[a]")]
    [['a', 'b'], ['a', 'b'], ['a', 'b'], '[a]']
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


def is_number(cell: str) -> bool:
    """Whether a cell is a number, and none that begins with zeros."""
    return re.fullmatch(_NUMBER, cell.strip()) is not None and is_float(cell)
