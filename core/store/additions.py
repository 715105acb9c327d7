"""When items were added, as a field to filter by: the recent ingests by the time they began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from core.errors import BadParameter
from core.store.filters import Field
from core.store.snapshot import Snapshot
from core.types import Bools, Filter

FIELD = "added"  # an attribute of that name goes before it


def field(reports: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    """The field, where there is more than one ingest to tell apart.

    Args:
        reports: of ingests; `began` and `ended` are nanoseconds since 1970, `time` is a text.
    """
    times = sorted({report["time"] for report in reports if "began" in report})
    return (Field(FIELD, "str", tuple(times)),) if len(times) > 1 else ()


def mask(items: Snapshot, reports: Iterable[Mapping[str, Any]], condition: Filter) -> Bools:
    """Which items were added by one of the ingests, or by none of them for "not in".

    Raises:
        BadParameter: the condition is "between".
    """
    if condition.op == "between":
        raise BadParameter("The filter on 'added'", "between", "in, not in, contains")
    added = items.column("added").to_numpy(zero_copy_only=False)
    matches = np.zeros(len(added), bool)
    for report in reports:
        if "began" in report and _named(report["time"], condition):
            matches |= (report["began"] <= added) & (added <= report["ended"])
    return ~matches if condition.op == "not in" else matches


def _named(time: str, condition: Filter) -> bool:
    values = [str(value) for value in condition.values]
    if condition.op == "contains":
        return any(value in time for value in values)
    return time in values
