"""From a key press to results on the Search page, in a real browser, as a person waits for them.

A made collection of SEXTANT_BENCH_ROWS vectors (100,000 without), half of them pictures with
thumbnails and half captions, is served in a process of its own and asked in headless Chromium.
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
from tests.bench.page.made import NAME, fill

ROWS, QUESTIONS = 100_000, 40


def run() -> list[dict[str, Any]]:
    """Rows with the median in milliseconds; the note has the 95th percentile and the parts.

    "One more letter" is the last letter of a question of which all others are there already;
    "another question" is pasted as a whole. The baseline is the answer alone, in this process.
    """
    if find_spec("playwright") is None:
        return [_row("key press to results", 0, 0, None, None, "playwright is not installed")]
    n = int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS)
    with TemporaryDirectory() as folder:
        workbench = Workbench(folder)
        questions = fill(workbench, n, QUESTIONS)
        d = workbench.space(NAME).d
        alone = _alone(workbench, questions)
        with browser.tab(folder) as tab:
            first = browser.opened(tab, f"/?collection={NAME}&q=a+first+question")
            rows = [_row("first answers after a start", n, d, first, None, "page and encoder too")]
            for name, letters in (("one more letter", 1), ("another question", 0)):
                times = np.array([browser.asked(tab, text, letters) for text in questions])
                rows.append(_told(f"{name} to results", n, d, times, alone))
    return rows


def _alone(workbench: Workbench, questions: list[str]) -> float:
    """Median milliseconds of an answer without a page."""
    times = []
    for text in ["a first one", *questions]:
        started = perf_counter()
        workbench.search(NAME, Query((Part(f"{text} now"),), kinds=("image",), k=24))
        times.append(1000 * (perf_counter() - started))
    return median(times[1:])


def _told(name: str, n: int, d: int, times: Any, alone: float) -> dict[str, Any]:
    sent, results, done = np.median(times, axis=0)
    p95 = np.quantile(times[:, 1], 0.95)
    note = (
        f"p95 {p95:.0f} ms of {len(times)} questions; {sent:.0f} ms until it is sent, everything "
        f"drawn after {done:.0f} ms; baseline: the answer alone"
    )
    return _row(name, n, d, float(results), alone, note)


def _row(
    name: str, n: int, d: int, value: float | None, baseline: float | None, note: str
) -> dict[str, Any]:
    return {
        "name": name,
        "n": n,
        "d": d,
        "value": value and round(value, 1),
        "unit": "ms",
        "baseline": baseline and round(baseline, 1),
        "ratio": round(value / baseline, 2) if value and baseline else None,
        "recall": None,
        "note": note,
    }
