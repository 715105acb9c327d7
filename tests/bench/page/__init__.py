"""Latency from a key press to results on the Search page, in a real browser.

A synthetic collection of SEXTANT_BENCH_ROWS vectors (100,000 by default), half of them images with
thumbnails and half captions, is served in a process of its own and searched in headless Chromium.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from core.types.query import Part, Query
from core.workbench import Workbench
from tests.bench.page import browser
from tests.bench.page.synthetic import NAME, fill
from tests.bench.rows import row

ROWS, QUERIES = 100_000, 40


def run() -> list[dict[str, Any]]:
    """Rows with the median in milliseconds; the note has the 95th percentile and the parts.

    "One more letter" types the last letter of a query; "another query" is pasted as a whole. The
    baseline is the same search in this process, without a page.
    """
    if find_spec("playwright") is None:
        return [row("key press to results", 0, 0, None, "ms", "playwright is not installed")]
    n = int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS)
    with TemporaryDirectory() as folder:
        workbench = Workbench(folder)
        queries = fill(workbench, n, QUERIES)
        d = workbench.open(NAME).space.d
        alone = _without_page(workbench, queries)
        with browser.tab(folder) as tab:
            first = browser.opened(tab, f"/?collection={NAME}&q=a+first+query")
            note = "page and encoder included"
            rows = [row("first results after a start", n, d, round(first, 1), "ms", note)]
            for name, letters in (("one more letter", 1), ("another query", 0)):
                times = np.array([browser.searched(tab, text, letters) for text in queries])
                rows.append(_latency(f"{name} to results", n, d, times, alone))
    return rows


def _without_page(workbench: Workbench, queries: list[str]) -> float:
    """Median milliseconds of a search without a page."""
    times = []
    for text in ["a first one", *queries]:
        started = perf_counter()
        workbench.search(
            workbench.open(NAME), Query((Part(f"{text} now"),), kinds=("image",), k=24)
        )
        times.append(1000 * (perf_counter() - started))
    return median(times[1:])


def _latency(name: str, n: int, d: int, times: Any, alone: float) -> dict[str, Any]:
    sent, results, done = np.median(times, axis=0)
    p95 = np.quantile(times[:, 1], 0.95)
    note = (
        f"p95 {p95:.0f} ms of {len(times)} queries; {sent:.0f} ms until the query is sent, "
        f"everything drawn after {done:.0f} ms; baseline: the search without a page"
    )
    return row(name, n, d, round(float(results), 1), "ms", note, baseline=round(alone, 1))
