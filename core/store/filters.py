"""Fields that items can be filtered by, and filters as row masks over typed columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10, nextafter
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import BadParameter, UnknownName
from core.store.schema import EXACT, fits_int64
from core.store.snapshot import Snapshot
from core.types import Bools, Filter, Value

MAX_VALUES = 500
SMALLEST, LARGEST = 1e-9, 1e12  # ranges of decimals that a slider shows
LEAST, MOST = -(2**63), 2**63 - 1  # of the integer columns
OWN_FIELDS = ("kind", "label", "name", "text")


@dataclass(frozen=True, slots=True)
class Field:
    """A field that items can be filtered by.

    `values` are all values, sorted; empty when there are more than 500 or `type` is "float". `low`
    and `high` are the range of the numbers; None for other types, and for integers such as ids of
    19 digits that a float cannot hold.
    """

    name: str
    type: Literal["str", "int", "float", "bool"]
    values: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def step(self) -> float | None:
        """Step of a slider over the range; None where none is precise enough.

        >>> Field("year", "int", (), 1990, 2010).step, Field("p", "float", (), 0.0, 0.005).step
        (1, 1e-05)
        """
        if self.low is None or self.high is None:
            return None
        if self.type == "int":
            return 1
        span, largest = self.high - self.low, max(-self.low, self.high)
        if span and not (SMALLEST <= span <= LARGEST >= largest and span >= SMALLEST * largest):
            return None
        return float(10 ** min(-2, floor(log10(span / 100)))) if span else 0.01


def fields(items: Snapshot) -> tuple[Field, ...]:
    """Kind, label (when there are any), name, text, then the attributes by name."""
    own = [_field("kind", items.column("kind"))]
    labels = _field("label", pc.list_flatten(items.column("labels")))
    if labels.values or len(pc.list_flatten(items.column("labels"))):
        own.append(labels)
    own += [Field("name", "str"), Field("text", "str")]
    return (*own, *(_field(shown_name(a), items.attribute(a)) for a in items.attributes))


def shown_name(attribute: str) -> str:
    """An attribute's name in filters; marked where it equals one of an item's own fields."""
    return f"{attribute} (attribute)" if attribute in OWN_FIELDS else attribute


def mask(items: Snapshot, conditions: Sequence[Filter]) -> Bools:
    """Which items satisfy every condition, aligned with `items.ids`.

    Raises:
        UnknownName: there is no such field.
        BadParameter: the condition does not fit the field's type.
    """
    matches = np.ones(len(items.ids), bool)
    for condition in conditions:
        matches &= _one(items, condition)
    return matches


def _field(name: str, values: pa.Array) -> Field:
    kind, low, high = _type_of(values), None, None
    if kind in ("int", "float"):
        finite = values.filter(pc.is_finite(values)) if kind == "float" else values
        low, high = pc.min_max(finite).as_py().values()
    if kind == "int" and low is not None and max(-low, high) > EXACT:
        low = high = None
    distinct = pc.unique(pc.drop_null(values)) if kind != "float" else values[:0]
    listed = sorted(distinct.to_pylist()) if len(distinct) <= MAX_VALUES else []
    return Field(name, kind, tuple(listed), low, high)


def _type_of(values: pa.Array) -> Literal["str", "int", "float", "bool"]:
    if pa.types.is_boolean(values.type):
        return "bool"
    if pa.types.is_integer(values.type):
        return "int"
    return "float" if pa.types.is_floating(values.type) else "str"


def _one(items: Snapshot, condition: Filter) -> Bools:
    if condition.field == "label":
        labels = items.column("labels")
        matching = Filter("label", _positive(condition.op), condition.values)
        hit = _matches(pc.list_flatten(labels), matching)
        matches = np.zeros(len(labels), bool)
        matches[pc.list_parent_indices(labels).to_numpy(zero_copy_only=False)[hit]] = True
        return ~matches if condition.op == "not in" else matches
    return _matches(_values(items, condition.field), condition)


def _positive(
    op: Literal["in", "not in", "contains", "between"],
) -> Literal["in", "contains", "between"]:
    return "in" if op == "not in" else op


def _values(items: Snapshot, name: str) -> pa.Array:
    if name in ("kind", "name", "text"):
        return items.column(name)
    by_name = {shown_name(a): a for a in items.attributes}
    if name not in by_name:
        raise UnknownName("field", name, (*OWN_FIELDS, *by_name))
    return items.attribute(by_name[name])


def _matches(values: pa.Array, condition: Filter) -> Bools:
    """Which values satisfy the condition; a missing value satisfies only "not in"."""
    kind = _type_of(values)
    if condition.op == "between":
        matches = _between(values, kind, condition)
    elif condition.op == "contains":
        matches = _contains(values, kind, condition)
    else:
        wanted = pa.array(_wanted(kind, condition), values.type)
        matches = pc.is_in(values, value_set=wanted)
        matches = pc.invert(matches) if condition.op == "not in" else matches
    return pc.fill_null(matches, False).to_numpy(zero_copy_only=False).astype(bool)


def _between(values: pa.Array, kind: str, condition: Filter) -> pa.Array:
    if kind not in ("int", "float"):
        raise BadParameter(f"The filter on '{condition.field}'", "between", "in, not in, contains")
    no_numbers = [v for v in condition.values if v is not None and not _is_end(v)]
    if len(condition.values) != 2 or no_numbers:
        raise BadParameter(
            f"The range of '{condition.field}'",
            repr(no_numbers[0])[:60] if no_numbers else list(condition.values),
            "two numbers, low and high",
        )
    low, high = condition.values
    if low is None and high is None:
        return pc.is_valid(values)
    if kind == "int":
        low = LEAST if low is None else max(_whole(low, ceil), LEAST)
        high = MOST if high is None else min(_whole(high, floor), MOST)
    else:
        low = -inf if low is None else _float(low, inf)
        high = inf if high is None else _float(high, -inf)
    if low > high:
        return pc.is_in(values, value_set=pa.array([], values.type))
    ends = pa.scalar(low, values.type), pa.scalar(high, values.type)
    return pc.and_(pc.greater_equal(values, ends[0]), pc.less_equal(values, ends[1]))


def _whole(bound: Any, nearest: Callable[[float], int]) -> int:
    """An end of a range as a whole number inside it; an infinite one lies beyond all columns."""
    if bound in (inf, -inf):
        return 2**64 if bound > 0 else -(2**64)
    return nearest(bound)


def _float(number: Any, inside: float) -> float:
    """An end of a range as the nearest float inside it, in the direction of `inside`.

    >>> _float(2**53 + 1, inf) - 2**53, _float(2**53 + 1, -inf) - 2**53, _float(10**400, -inf) < inf
    (2.0, 0.0, True)
    """
    try:
        nearest = float(number)
    except OverflowError:
        nearest = inf if number > 0 else -inf
    outside = nearest < number if inside > 0 else nearest > number
    return nextafter(nearest, inside) if outside else nearest


def _contains(values: pa.Array, kind: str, condition: Filter) -> pa.Array:
    if kind != "str":
        allowed = "in, not in" if kind == "bool" else "in, not in, between"
        raise BadParameter(f"The filter on '{condition.field}'", "contains", allowed)
    if len(condition.values) != 1 or not isinstance(condition.values[0], str):
        raise BadParameter(f"The text in '{condition.field}'", condition.values, "one text")
    return pc.match_substring(values, _storable(condition.values[0]), ignore_case=True)


def _wanted(kind: str, condition: Filter) -> list[Value]:
    for value in condition.values:
        fits = _is_number(value) if kind in ("int", "float") else type(value).__name__ == kind
        if not fits:
            what = {"str": "texts", "bool": "true or false"}.get(kind, "numbers")
            raise BadParameter(f"A value of '{condition.field}'", repr(value), what)
    if kind == "int":
        numbers = [v for v in condition.values if isinstance(v, int | float) and fits_int64(v)]
        return [int(v) for v in numbers if v == int(v)]
    if kind == "float":
        numbers = [v for v in condition.values if isinstance(v, int | float)]
        return [float(v) for v in numbers if v != v or _float(v, inf) == _float(v, -inf)]
    return [_storable(v) if isinstance(v, str) else v for v in condition.values if v is not None]


def _is_end(value: object) -> bool:
    return _is_number(value) and value == value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _storable(text: str) -> str:
    """A text as it is stored; control characters were stored as they are by earlier versions."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
