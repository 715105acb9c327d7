"""Documents that a gate decides on: their numbers read back, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any, Literal

from core.errors import UnknownName
from core.measure import Criterion, Metric, Outcome, QueryRanks, measure
from core.workbench.documents import number

_LOWER = ("rank", "distance")  # scores that are better when they are lower


def read_ranks(document: Mapping[str, Any]) -> dict[str, QueryRanks]:
    """The ranks that a document holds; those that are not whole are left out."""
    stored, result = document.get("ranks"), {}
    for name, q in stored.items() if isinstance(stored, dict) else ():
        lists = [q.get(key) if isinstance(q, dict) else None for key in ("ids", "ranks", "images")]
        ids, *numbers = [one if isinstance(one, list) else [] for one in lists]
        whole = all(len(one) == len(ids) for one in numbers)
        if whole and all(isinstance(number, int) for one in numbers for number in one):
            result[name] = QueryRanks(tuple(map(str, ids)), *map(tuple, numbers))
    return result


def metrics(document: Mapping[str, Any]) -> dict[str, Metric]:
    """Every number with an interval in a document of `evaluate` or `diagnose`, by its place in it.

    "text_to_image.recall@10" of an evaluation; "hubness.image" (name and scope) of a diagnosis.

    >>> found = metrics({"a": {"mAP": {"value": 0.5, "low": 0.4, "high": None}}, "b": [1]})
    >>> found["a.mAP"].value, found["a.mAP"].high
    (0.5, nan)
    """
    result: dict[str, Metric] = {}
    for key, value in document.items():
        if key == "findings" and isinstance(value, list):
            named = [f for f in value if isinstance(f, dict) and {"name", "scope"} <= f.keys()]
            result |= {
                f"{f['name']}.{f['scope']}": _metric(f, _better_finding(str(f["name"])))
                for f in named
                if _is_metric(f)
            }
        elif isinstance(value, dict) and _is_metric(value):
            result[key] = _metric(value, "low" if key.endswith(_LOWER) else "high")
        elif isinstance(value, dict):
            result |= {f"{key}.{name}": metric for name, metric in metrics(value).items()}
    return result


def gate(criteria: Sequence[Criterion], outcome: Outcome) -> dict[str, Any]:
    """What was decided, and each criterion with the number it was decided on."""
    rows = [
        {
            "metric": c.metric,
            "rule": c.rule,
            "outcome": c.outcome,
            "value": number(c.value),
            "low": number(c.low),
            "high": number(c.high),
            "sentence": c.sentence,
        }
        for c in criteria
    ]
    return {"outcome": outcome, "criteria": rows}


def _is_metric(value: Mapping[str, Any]) -> bool:
    number = value.get("value")
    return isinstance(number, int | float) and not isinstance(number, bool) and "low" in value


def _metric(value: Mapping[str, Any], better: Literal["high", "low", ""]) -> Metric:
    low, high = (
        float(x) if isinstance(x, int | float) else nan
        for x in (value.get("low"), value.get("high"))
    )
    return Metric(float(value["value"]), low, high, better)


def _better_finding(name: str) -> Literal["high", "low", ""]:
    """Which end of a finding's scale is better; "" where neither is, or the name is unknown."""
    try:
        better = measure(name.partition(":")[0]).traits.get("better", "none")
    except UnknownName:
        return ""
    return better if better in ("high", "low") else ""
