"""Layouts of the map against plain `umap.UMAP` in the same run: seconds, and trustworthiness.

Three sizes; the largest, 100,000 x 512, takes minutes. SEXTANT_BENCH_N=5000 runs that size alone.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np

from core.errors import MissingPart
from core.measure import PROJECTIONS, measure_map
from core.types import Floats, Space
from tests.bench.rows import figures, row
from tests.bench.search.clouds import D, cloud

SIZES = (5_000, 20_000, 100_000)
K = 15
WARM = 300  # rows of a first run, in which numba compiles


def run() -> list[dict[str, Any]]:
    """A row for the time of each layout, and one for what it keeps, both against plain UMAP."""
    chosen = os.environ.get("SEXTANT_BENCH_N")
    return [one for n in ((int(chosen),) if chosen else SIZES) for one in _compare(n)]


def _compare(n: int) -> list[dict[str, Any]]:
    vectors = cloud(n).images
    space = Space(vectors, tuple(map(str, range(n))), n)
    few = Space(vectors[:WARM], space.ids[:WARM], WARM)
    _plain(few.vectors)
    baseline, plain_cpu, xy = _timed(lambda: _plain(vectors))
    kept = measure_map(space, xy, k=K)
    trust, recall = kept.mean(kept.trustworthiness)[0], _recall(kept)
    result = []
    for part in PROJECTIONS.all().values():
        if part.name == "gap_view":
            continue  # of two kinds
        try:
            part(few)
        except MissingPart:
            continue
        # Another encoder: no layout takes the neighbors that one before it has searched.
        own = Space(vectors, space.ids, n, encoder=part.name)
        seconds, cpu, xy = _timed(lambda part=part, own=own: part(own))
        found = measure_map(space, xy, k=K)
        result.append(
            row(f"layout {part.name}", n, D, figures(seconds), "s",
                f"baseline: plain umap.UMAP; {cpu:.1f} s of all cores, plain {plain_cpu:.1f} s",
                baseline=figures(baseline))
        )  # fmt: skip
        value, low, high = found.mean(found.trustworthiness)
        note = (
            f"baseline: plain umap.UMAP; {low:.4f} to {high:.4f}; recall of {K} neighbors "
            f"{_recall(found):.4f}, plain {recall:.4f}; random places {found.random[0]:.4f}"
        )
        trusted, plain = figures(value), figures(trust)
        result.append(row(f"trustworthiness {part.name}", n, D, trusted, "", note, baseline=plain))
    return result


def _plain(vectors: Floats) -> Floats:
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(UMAP(metric="cosine").fit_transform(vectors), np.float32)


def _recall(found: Any) -> float:
    return found.mean(found.recall[:, found.ks.index(K)])[0]


def _timed(work: Callable[[], Floats]) -> tuple[float, float, Floats]:
    """Seconds that passed, seconds of all cores, and the result."""
    start, cpu = perf_counter(), process_time()
    result = work()
    return perf_counter() - start, process_time() - cpu, result
