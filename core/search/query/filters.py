"""Filters written as text, for the command line and links.

label = dog                      one of an item's labels
label in (dog, "polar bear")     any of several; `not in` for none of them
kind != text
year between 1999 and 2004       ends included; also >=, <=, > and <
name contains "beach"            ignoring case
label = dog and year >= 2000     all of them
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import ceil, floor, inf, isfinite, nextafter
from typing import Literal

from core.errors import InputError
from core.search.query.quoting import QUOTED, quote, unquote
from core.types import Filter, Value

BARE = r"[^\s\\\"'(),=<>!]+"
TOKEN = re.compile(rf"""\s*({QUOTED}|>=|<=|!=|=|>|<|\(|\)|,|[^\s"'(),=<>!]+)""")
COMPARISONS = "=, !=, >, >=, <, <=, between, in, not in, contains"
HINT = 'Write filters such as: label = dog and year between 1999 and 2004 and name contains "x"'


def parse_filters(text: str, types: Mapping[str, str]) -> tuple[Filter, ...]:
    """Filters that must all hold.

    Args:
        text: the filters, joined by `and`.
        types: "str", "int", "float" or "bool" of each field, so that values are typed.

    Raises:
        InputError: it cannot be parsed; the message says where.

    >>> types = {"label": "str", "year": "int"}
    >>> parse_filters("label in (dog, 'polar bear') and year >= 2000", types)
    ... # doctest: +NORMALIZE_WHITESPACE
    (Filter(field='label', op='in', values=('dog', 'polar bear')),
     Filter(field='year', op='between', values=(2000, None)))
    """
    tokens = _tokens(text)
    filters: list[Filter] = []
    while tokens:
        filters.append(_filter(tokens, types))
        if tokens and tokens.pop(0).lower() != "and":
            raise InputError(f"Filters must be joined by 'and'. {HINT}")
    if not filters:
        raise InputError(f"The filter is empty. {HINT}")
    return tuple(filters)


def format_filters(filters: Iterable[Filter]) -> str:
    """The inverse of `parse_filters`: filters as text.

    >>> bears = Filter("label", "in", ("polar bear",))
    >>> format_filters([bears, Filter("year", "between", (2000, None))])
    'label = "polar bear" and year >= 2000'
    """
    return " and ".join(f"{quote(f.field, BARE)} {_comparison(f)}" for f in filters)


def read_number(text: str) -> int | float | str:
    """A number written as text, whole ones exactly; the text where it is no number.

    >>> read_number("1294030472427835391"), read_number("1e3"), read_number("many")
    (1294030472427835391, 1000.0, 'many')
    """
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        return text


def _comparison(condition: Filter) -> str:
    texts = [str(v).lower() if isinstance(v, bool) else str(v) for v in condition.values]
    values = [quote(text, BARE) for text in texts]
    if condition.op == "contains":
        return f"contains {values[0]}"
    if condition.op == "between":
        low, high = condition.values
        if None in (low, high):
            return f">= {values[0]}" if high is None else f"<= {values[1]}"
        return f"between {values[0]} and {values[1]}"
    if len(values) == 1:
        return f"{'=' if condition.op == 'in' else '!='} {values[0]}"
    return f"{condition.op} ({', '.join(values)})"


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise InputError(
                f"The filter cannot be parsed from '{text[at:].strip()[:40]}' on. {HINT}"
            )
        tokens.append(match[1])
        at = match.end()
    return tokens


def _filter(tokens: list[str], types: Mapping[str, str]) -> Filter:
    field = unquote(_next(tokens, "a field"))
    kind = types.get(field, "str")
    word = _next(tokens, f"a comparison after '{field}'").lower()
    if word == "=":
        return Filter(field, "in", (_value(tokens, field, kind),))
    if word == "!=":
        return Filter(field, "not in", (_value(tokens, field, kind),))
    if word == "contains":
        return Filter(field, "contains", (unquote(_next(tokens, "a text")),))
    if word in (">=", "<="):
        end = _value(tokens, field, kind)
        return Filter(field, "between", (end, None) if word == ">=" else (None, end))
    if word in (">", "<"):
        toward = inf if word == ">" else -inf
        value = _value(tokens, field, kind)
        nearest = _beyond(value, kind, toward)
        other = -toward if value == toward else None  # nothing lies beyond infinity
        return Filter(field, "between", (nearest, other) if word == ">" else (other, nearest))
    if word == "between":
        low = _value(tokens, field, kind)
        _expect(tokens, "and")
        return Filter(field, "between", (low, _value(tokens, field, kind)))
    op: Literal["in", "not in"] = "in"
    if word == "not":
        _expect(tokens, "in")
        op, word = "not in", "in"
    if word == "in":
        return Filter(field, op, _list(tokens, field, kind))
    known = f"Comparisons: {COMPARISONS}."
    raise InputError(f"'{word}' after '{field}' is not a comparison. {known} {HINT}")


def _beyond(value: Value, kind: str, toward: float) -> Value:
    """The value next to a number in a direction: what is beyond it is from there on.

    >>> _beyond(3, "int", inf), _beyond(2.5, "int", -inf), _beyond(2**53 + 1, "float", -inf)
    (4, 2, 9007199254740992.0)
    """
    if isinstance(value, str | bool):
        return value  # no number, which the store rejects
    if kind == "int":
        if isinstance(value, float) and not isfinite(value):
            return value
        return floor(value) + 1 if toward > 0 else ceil(value) - 1
    try:
        nearest = float(value)
    except OverflowError:
        nearest = inf if value > 0 else -inf
    is_beyond = nearest > value if toward > 0 else nearest < value
    return nearest if is_beyond else nextafter(nearest, toward)


def _list(tokens: list[str], field: str, kind: str) -> tuple[Value, ...]:
    _expect(tokens, "(")
    values = [_value(tokens, field, kind)]
    while _next(tokens, "a ')'") == ",":
        values.append(_value(tokens, field, kind))
    return tuple(values)


def _value(tokens: list[str], field: str, kind: str) -> Value:
    text = unquote(_next(tokens, "a value"))
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    value = read_number(text) if kind in ("int", "float") else text
    if kind in ("int", "float") and isinstance(value, str):
        raise InputError(f"'{text[:40]}' is not a number; values of '{field}' are, such as 2000.")
    return value


def _next(tokens: list[str], what: str) -> str:
    if not tokens:
        raise InputError(f"The filter ends where {what} is expected. {HINT}")
    return tokens.pop(0)


def _expect(tokens: list[str], word: str) -> None:
    token = _next(tokens, f"'{word}'")
    if token.lower() != word:
        raise InputError(f"Expected '{word}' in place of '{token}'. {HINT}")
