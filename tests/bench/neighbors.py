"""Exact top 10 of one query and of 64, against a plain BLAS product with numpy's partition."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from core.numerics.neighbors import top_k
from core.types.arrays import Floats, Ints
from tests.bench.rows import row

N, D, K = 200_000, 512, 10


def run() -> list[dict[str, Any]]:
    """One row for each number of queries; both sides in turn, medians of the pairs."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((N, D), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [
        _compare(vectors, vectors[:q] + vectors[1 : q + 1], runs) for q, runs in ((1, 21), (64, 5))
    ]


def _compare(vectors: Floats, queries: Floats, runs: int) -> dict[str, Any]:
    ours, baseline = [], []
    for _ in range(runs):
        ours.append(_seconds(lambda: top_k(queries, vectors, K)))
        baseline.append(_seconds(lambda: _by_numpy(queries, vectors)))
    same = (top_k(queries, vectors, K)[0] == _by_numpy(queries, vectors)).mean()
    return row(
        f"exact top {K}, {len(queries)} queries",
        N,
        D,
        round(1000 * median(ours), 2),
        "ms",
        "baseline: numpy matrix product, argpartition, sort",
        baseline=round(1000 * median(baseline), 2),
        ratio=median(a / b for a, b in zip(ours, baseline, strict=True)),
        recall=float(same),
    )


def _by_numpy(queries: Floats, vectors: Floats) -> Ints:
    scores = queries @ vectors.T
    best = np.argpartition(-scores, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
    result: Ints = np.take_along_axis(best, order, axis=1)
    return result


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
