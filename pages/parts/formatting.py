"""Numbers and user text formatted for sentences."""

import math
import re

from core.measure import count, interval, percent
from core.measure import format_value as number

__all__ = ["chance", "count", "interval", "number", "percent", "plain", "shorten"]

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
