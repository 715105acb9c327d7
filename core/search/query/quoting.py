r"""Quoted texts, as formulas and filters write them: \" and \\ within quotes of either kind."""

from __future__ import annotations

import re

QUOTED = r'"(?:[^"\\]|\\[\s\S])*"' + r"|'(?:[^'\\]|\\[\s\S])*'"


def quote(text: str, bare: str = "(?!)") -> str:
    r"""A text in quotes; as it is where it matches the pattern of bare words.

    >>> quote("dog", r"\w+"), quote('a "big" dog', r"\w+")
    ('dog', '"a \\"big\\" dog"')
    """
    if re.fullmatch(bare, text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(token: str) -> str:
    r"""The text of a token, quoted or not.

    >>> unquote('"a \\"big\\" dog"'), unquote("dog")
    ('a "big" dog', 'dog')
    """
    return re.sub(r"\\([\s\S])", r"\1", token[1:-1]) if token[0] in "\"'" else token
