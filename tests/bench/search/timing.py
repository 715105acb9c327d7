"""Time of a way against numpy, query by query in turn, alone and with eight clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from time import perf_counter, sleep
from typing import Any

import numpy as np

from core.types.arrays import Floats, Ints
from tests.bench.search.ways import Way, blas

LEVELS = 0.95, 0.99
CLIENTS = 8
SECONDS = 1.5  # that one measurement may take, roughly
REST = 0.05  # seconds before each: threads of the last matrix product spin that long


def measured(
    way: Way, images: Floats, queries: Floats, truth: Sequence[Ints]
) -> list[dict[str, Any]]:
    """Rows of one way: at each level of recall with the least effort that reaches it."""
    if not way.efforts:
        return [row(way.name, images, None, "", note=way.note)]
    exact = len(way.efforts) == 1
    rows: list[dict[str, Any]] = []
    for level in LEVELS[-1:] if exact else LEVELS:
        for effort in way.efforts:
            find = partial(_with, way, effort)
            count = affordable(find, queries)
            recall = recall_of(find, queries[:count], truth[:count])
            if recall >= level:
                break
        name = way.name if exact else f"{way.name}, recall {level}"
        if recall < level:
            rows.append(row(name, images, None, "", recall=recall, note=f"not reached; {way.note}"))
        else:
            rows += _timed(name, way, effort, images, queries, recall)
    return rows


def affordable(find: Callable[[Floats], Ints], queries: Floats) -> int:
    """How many queries fit into the time that one measurement may take."""
    find(queries[0])
    one = max(1e-6, seconds(partial(find, queries[0])))
    return max(4, min(len(queries), int(SECONDS / one)))


def recall_of(find: Callable[[Floats], Ints], queries: Floats, truth: Sequence[Ints]) -> float:
    """Share of the true results that were found; 1 where there are none."""
    shared = [len(np.intersect1d(find(q), t)) for q, t in zip(queries, truth, strict=True)]
    return sum(shared) / max(1, sum(map(len, truth)))


def seconds(work: Callable[[], object]) -> float:
    """Wall time."""
    started = perf_counter()
    work()
    return perf_counter() - started


def in_turn(
    ours: Callable[[Floats], Ints], plain: Callable[[Floats], Ints], queries: Floats
) -> tuple[list[float], list[float]]:
    """Seconds of both for as many queries as time allows, always one after the other."""
    first: list[float] = []
    second: list[float] = []
    ours(queries[0])
    for query in queries:
        for find, took in ((ours, first), (plain, second)):
            sleep(REST)
            took.append(seconds(partial(find, query)))
        if len(first) >= 5 and sum(first) + sum(second) > SECONDS:
            break
    return first, second


def row(
    name: str,
    images: Floats,
    value: float | None,
    unit: str,
    baseline: float | None = None,
    ratio: float | None = None,
    recall: float | None = None,
    note: str = "",
) -> dict[str, Any]:
    """One line of the result."""
    n, d = images.shape

    def short(x: float | None, digits: int = 4) -> float | None:
        return None if x is None else float(f"{x:.{digits}g}")

    return {
        "name": name,
        "n": n,
        "d": d,
        "value": short(value),
        "unit": unit,
        "baseline": short(baseline),
        "ratio": short(ratio, 3),
        "recall": None if recall is None else round(recall, 5),
        "note": note,
    }


def _timed(
    name: str, way: Way, effort: int, images: Floats, queries: Floats, recall: float
) -> list[dict[str, Any]]:
    find, plain = partial(_with, way, effort), partial(blas, images)
    ours, theirs = in_turn(find, plain, queries)
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    worst = 1000 * float(np.quantile(ours, 0.95)), 1000 * float(np.quantile(theirs, 0.95))
    setting = f"effort {effort}; " if effort else ""
    note = f"{setting}p95 {worst[0]:.1f}, numpy {worst[1]:.1f} ms; {way.note}".rstrip("; ")
    rate, plain_rate = _rate(find, queries), _rate(plain, queries)
    return [
        row(name, images, 1e3 * median(ours), "ms", 1e3 * median(theirs), ratio, recall, note),
        row(
            f"{name}, {CLIENTS} clients",
            images,
            rate,
            "queries/s",
            plain_rate,
            rate / plain_rate,
            recall,
            "higher is better",
        ),
    ]


def _rate(find: Callable[[Floats], Ints], queries: Floats) -> float:
    """Queries a second of several clients at once."""
    n = max(CLIENTS, affordable(find, queries))
    with ThreadPoolExecutor(CLIENTS) as pool:
        took = seconds(lambda: list(pool.map(find, queries[:n])))
    return n / took


def _with(way: Way, effort: int, query: Floats) -> Ints:
    return way.find(query, effort)
