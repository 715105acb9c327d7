"""Numbers and user text formatted for sentences."""

import math
import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&@^=])")


def plain(text: object) -> str:
    """User text for Markdown: every special character is escaped.

    >>> plain("a *b*").count(chr(92))
    2
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def shorten(text: str, most: int = 120) -> str:
    """A text cut at a word to a number of characters.

    >>> shorten("a red boat on a lake", 10)
    'a red boat…'
    """
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return (
        f"{text[:most].rpartition(' ')[0] or text[:most]}…"
        if text[most] != " "
        else (f"{text[:most]}…")
    )


def number(value: float, low: float | None = None, high: float | None = None) -> str:
    """A value with the digits that its interval supports (three significant digits without one).

    >>> number(0.41873, 0.40, 0.44), number(61.37, 58.0, 65.0), number(0.41873)
    ('0.42', '61', '0.419')
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    width = abs(high - low) if low is not None and high is not None else 0.0
    if width > 0 and math.isfinite(width):
        digits = -math.floor(math.log10(width / 2))
    else:
        digits = 2 - math.floor(math.log10(abs(value)))
    digits = min(max(digits, 0), 6)
    return f"{value:,.{digits}f}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """A 95 % interval, both ends with the same number of digits.

    >>> interval(0.402, 0.441)
    '0.40 to 0.44'
    """
    return f"{number(low, low, high)} to {number(high, low, high)}"


def count(n: int, one: str, many: str = "") -> str:
    """A number and its noun.

    >>> count(1, "image"), count(2300, "text"), count(0, "match", "matches")
    ('1 image', '2,300 texts', 'no matches')
    """
    name = one if n == 1 else (many or f"{one}s")
    return f"{n:,} {name}" if n else f"no {name}"


def chance(p: float) -> str:
    """A p-value.

    >>> chance(0.00004), chance(0.0312), chance(0.4)
    ('p < 0.001', 'p = 0.031', 'p = 0.40')
    """
    if not math.isfinite(p):
        return ""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
