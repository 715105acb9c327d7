"""What every benchmark prints: one row a measurement."""

from __future__ import annotations

from typing import Any

FIELDS = ("name", "n", "d", "value", "unit", "baseline", "ratio", "recall", "note")


def row(
    name: str,
    n: int,
    d: int,
    value: float | None,
    unit: str,
    note: str,
    *,
    baseline: float | None = None,
    ratio: float | None = None,
    recall: float | None = None,
) -> dict[str, Any]:
    """One measurement of n items in d dimensions; `ratio` is value / baseline unless it is given.

    A ratio that is given is a median over pairs of runs, which noise disturbs less.

    >>> row("hubness", 100, 8, 0.5, "s", "baseline: scikit-learn", baseline=2.0)["ratio"]
    0.25
    """
    if ratio is None and value is not None and baseline:
        ratio = value / baseline
    ratio = None if ratio is None else round(ratio, 3)
    return dict(zip(FIELDS, (name, n, d, value, unit, baseline, ratio, recall, note), strict=True))


def figures(value: float) -> float:
    """Four significant digits.

    >>> figures(12.34567)
    12.35
    """
    return float(f"{value:.4g}")
