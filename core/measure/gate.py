"""Whether a measured number passes: against a threshold, or against an earlier measurement.

Decided on 95% intervals, never on the value alone: a number that could lie on either side of a
threshold neither passes nor fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Literal

import numpy as np

from core.measure.findings import estimate, format_value, points
from core.numerics.stats import clustered_error, difference_interval, family_z, normal
from core.types import Ints

Outcome = Literal["pass", "fail", "undecided"]
Better = Literal["high", "low"]
REASONS: dict[Outcome, str] = {
    "pass": "the whole interval satisfies that",
    "fail": "no part of the interval satisfies that",
    "undecided": "undecided, as only a part of the interval does or there is none",
}
PREFIX = "recall@"  # metrics that follow from the rank of each query


@dataclass(frozen=True, slots=True)
class Metric:
    """A number with its 95% interval, NaN ends for none; `better` is "" where neither end is."""

    value: float
    low: float
    high: float
    better: Better | Literal[""] = "high"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One decision: which number, against what, and how it came out."""

    metric: str
    rule: str
    outcome: Outcome
    value: float
    low: float
    high: float
    sentence: str


@dataclass(frozen=True, slots=True)
class QueryRanks:
    """Rank of the true item of each query of one direction, by the query's id.

    `images` names each query's image: the captions of one image are one draw.
    """

    ids: tuple[str, ...]
    ranks: tuple[int, ...]
    images: tuple[int, ...]


def against_threshold(name: str, metric: Metric, threshold: float, *, over: bool) -> Criterion:
    """Whether a number is at least (or with `over` at most) a threshold.

    "fail": the whole interval lies beyond it; "pass": no part of it does; "undecided": a part, or
    there is no interval.

    >>> against_threshold("recall@10", Metric(0.8, 0.77, 0.83), 0.85, over=False).outcome
    'fail'
    >>> against_threshold("recall@10", Metric(0.8, 0.77, 0.83), 0.8, over=False).outcome
    'undecided'
    >>> against_threshold("gap", Metric(0.2, 0.1, 0.3), 0.3, over=True).outcome
    'pass'
    """
    low, high = (-metric.high, -metric.low) if over else (metric.low, metric.high)
    limit = -threshold if over else threshold
    outcome: Outcome = "fail" if high < limit else "pass" if low >= limit else "undecided"
    if not (isfinite(low) and isfinite(high)):
        outcome = "undecided"
    rule = f"{'at most' if over else 'at least'} {threshold:g}"
    shown = estimate(metric.value, metric.low, metric.high)
    return Criterion(
        name, rule, outcome, metric.value, metric.low, metric.high,
        f"{name} is {shown}, {rule} wanted: {REASONS[outcome]}.",
    )  # fmt: skip


def against_earlier(
    now: Mapping[str, Metric],
    earlier: Mapping[str, Metric],
    ranks: Mapping[str, QueryRanks],
    earlier_ranks: Mapping[str, QueryRanks],
) -> list[Criterion]:
    """Whether numbers became worse than in an earlier measurement.

    "fail": the interval of the difference lies wholly on the worse side of 0. Recall is compared on
    the queries that both have, where ranks by query are given; the captions of an image are one
    draw. Other numbers are taken as independent, as by `Contrast`, where the same items mostly
    agree. All these intervals hold together with 95% (Bonferroni). "undecided": without one.

    Args:
        now: numbers by name, such as "text_to_image.recall@10".
        earlier: the same, of the earlier measurement; only names in both are compared.
        ranks: by direction, the first part of a name.
        earlier_ranks: the same.
    """
    shared = [n for n, m in now.items() if n in earlier and m.better]
    pairs = {
        d: both
        for d in ranks
        if d in earlier_ranks and (both := _matched(ranks[d], earlier_ranks[d])) is not None
    }
    z = family_z(len(shared))
    return [
        _paired(n, now[n], earlier[n], pairs[_direction(n)], z)
        if _direction(n) in pairs and _cutoff(n)
        else _unpaired(n, now[n], earlier[n], z)
        for n in shared
    ]


def _matched(now: QueryRanks, earlier: QueryRanks) -> Ints | None:
    """(q, 3) ranks of the shared queries, now and earlier, and their images; None for one image."""
    before = dict(zip(earlier.ids, earlier.ranks, strict=True))
    rows = [
        (rank, before[id_], image)
        for id_, rank, image in zip(now.ids, now.ranks, now.images, strict=True)
        if id_ in before
    ]
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table if len(np.unique(table[:, 2])) > 1 else None


def _paired(name: str, now: Metric, earlier: Metric, matched: Ints, z: float) -> Criterion:
    k, (ranks, before, images) = _cutoff(name), matched.T
    gain = (ranks <= k).astype(np.float64) - (before <= k)
    value = float(gain.mean())
    low, high = normal(value, clustered_error(gain, images), -1.0, 1.0, z)
    outcome: Outcome = "fail" if high < 0 else "pass"
    worse = "worse" if outcome == "fail" else "not shown to be worse"
    return Criterion(
        name, f"not worse than {format_value(earlier.value)}", outcome, value, low, high,
        f"{name} is {format_value(now.value)}, earlier {format_value(earlier.value)}; on "
        f"{len(gain):,} shared queries the difference is {points(value, low, high)}: {worse}.",
    )  # fmt: skip


def _unpaired(name: str, now: Metric, earlier: Metric, z: float) -> Criterion:
    a, b = ((m.value, m.low, m.high) for m in (now, earlier))
    low, high = difference_interval(a, b, z)
    worse = high < 0 if now.better == "high" else low > 0
    outcome: Outcome = "undecided" if isnan(low) else "fail" if worse else "pass"
    difference = f"the difference is {estimate(now.value - earlier.value, low, high)}"
    why = {
        "fail": f"{difference}: worse",
        "pass": f"{difference}: not shown to be worse",
        "undecided": "undecided, one of them has no interval",
    }[outcome]
    return Criterion(
        name, f"not worse than {format_value(earlier.value)}", outcome, *a,
        f"{name} is {estimate(*a)}, earlier {estimate(*b)}; {why}.",
    )  # fmt: skip


def overall(criteria: Sequence[Criterion], *, strict: bool = False) -> Outcome:
    """The worst outcome; with `strict`, undecided is a failure."""
    outcomes = {c.outcome for c in criteria}
    if "fail" in outcomes or (strict and "undecided" in outcomes):
        return "fail"
    return "undecided" if "undecided" in outcomes else "pass"


def _direction(name: str) -> str:
    return name.partition(".")[0]


def _cutoff(name: str) -> int:
    """The k of "recall@k"; 0 for other metrics.

    >>> _cutoff("text_to_image.recall@10"), _cutoff("text_to_image.mAP")
    (10, 0)
    """
    last = name.rpartition(".")[2]
    return int(last.removeprefix(PREFIX)) if last.startswith(PREFIX) else 0
