"""Fields that items can be filtered by, and filters as row masks over typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import BadParameter, UnknownName
from core.store.schema import fits_int64
from core.store.snapshot import Snapshot
from core.types import Bools, Filter, Value

MAX_VALUES = 500
EXACT = 2**53  # the largest integer up to which floats hold every one
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
    if len(condition.values) != 2 or not all(v is None or _is_number(v) for v in condition.values):
        raise BadParameter(
            f"The range of '{condition.field}'", list(condition.values), "two numbers, low and high"
        )
    low, high = condition.values
    matches = pc.is_valid(values)
    if low is not None:
        matches = pc.and_(matches, pc.greater_equal(*_comparable(values, low)))
    if high is not None:
        matches = pc.and_(matches, pc.less_equal(*_comparable(values, high)))
    return matches


def _comparable(values: pa.Array, bound: Value) -> tuple[pa.Array, pa.Scalar]:
    """Integers are compared exactly, everything else as floats."""
    if pa.types.is_integer(values.type) and isinstance(bound, int) and fits_int64(bound):
        return values, pa.scalar(bound)
    return pc.cast(values, pa.float64(), safe=False), pa.scalar(_as_float(bound))


def _contains(values: pa.Array, kind: str, condition: Filter) -> pa.Array:
    if kind != "str":
        allowed = "in, not in" if kind == "bool" else "in, not in, between"
        raise BadParameter(f"The filter on '{condition.field}'", "contains", allowed)
    if len(condition.values) != 1 or not isinstance(condition.values[0], str):
        raise BadParameter(f"The text in '{condition.field}'", condition.values, "one text")
    return pc.match_substring(values, condition.values[0], ignore_case=True)


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
        return [_as_float(v) for v in condition.values]
    return [v for v in condition.values if v is not None]


def _as_float(number: Any) -> float:
    """The nearest float; integers beyond all floats become the largest."""
    return float(max(-(10**308), min(number, 10**308)) if isinstance(number, int) else number)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
