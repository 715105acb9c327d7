"""What a person waits for in the browser, from a start to a result's explanation.

Two collections, each served by a process of its own and opened in headless Chromium: flickr8k-800
where it is at hand, and a synthetic one of SEXTANT_BENCH_ROWS vectors (100,000 by default), half of
them images with thumbnails and half captions.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
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
REAL = Path(__file__).parents[4] / "shared" / "data" / "flickr8k-800"
# What shows that a page is there.
CARD, MAP = ".st-key-_results_image .card", ".st-key-_points .stage[data-drawn]"
GEOMETRY, HEAD, DOTS = "/geometry?collection=", ".st-key-_headline", ".st-key-_families_row"
WHY = ".st-key-_aid_why_map, .st-key-_aid_why_words, .st-key-why_captions"


def run() -> list[dict[str, Any]]:
    """Rows in milliseconds, first those of single waits, then the latency of searches.

    "One more letter" types the last letter of a query; "another query" is pasted as a whole: the
    median, and in the note the 95th percentile and the parts. Their baseline is the same search in
    this process, without a page.
    """
    if find_spec("playwright") is None:
        return [row("key press to results", 0, 0, None, "ms", "playwright is not installed")]
    rows = []
    if REAL.exists():
        with TemporaryDirectory() as folder:
            bench = Workbench(folder)
            bench.ingest(REAL.name, REAL)
            bench.finish_encoders()  # a home where the encoder was used before
            with browser.server(folder) as served:
                rows += _waits(bench, REAL.name, "a dog", *served)
    n = int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS)
    with TemporaryDirectory() as folder:
        bench = Workbench(folder)
        queries = fill(bench, n, QUERIES)
        d = bench.open(NAME).space.d
        alone = _without_page(bench, queries)
        with browser.server(folder) as served:
            rows += _waits(bench, NAME, queries[0], *served)
            tab = browser.tab(*served[:2])
            browser.shown(tab, f"/?collection={NAME}&q={queries[1]}", CARD)
            for name, letters in (("one more letter", 1), ("another query", 0)):
                times = np.array([browser.searched(tab, text, letters) for text in queries])
                rows.append(_latency(f"{name} to results", n, d, times, alone))
    return rows


def _waits(
    bench: Workbench, name: str, query: str, chromium: Any, address: str, started: float
) -> list[dict[str, Any]]:
    """Single waits on one collection, each in a fresh tab, in the order of a first visit."""
    link, space = f"/?collection={name}&q={query}", bench.open(name).space
    first = browser.tab(chromium, address)
    waits = [("start of the server to first results", browser.shown(first, link, CARD, started))]
    browser.rest(first)
    waits.append(("why this result, first", _why(first)))
    tabs = [browser.tab(chromium, address) for _ in range(5)]
    for title, tab, place, selector in (
        ("deep link to results, warm", tabs[0], link, CARD),
        ("deep link to the PCA map", tabs[1], f"/map?collection={name}&map=pca", MAP),
        ("deep link to the PCA map, warm", tabs[2], f"/map?collection={name}&map=pca", MAP),
        ("geometry, first results of a cold overview", tabs[3], GEOMETRY + name, HEAD),
    ):
        waits.append((title, browser.shown(tab, place, selector)))
        browser.rest(tab)
    bench.measure_all(bench.open(name))
    waits.append(
        ("geometry, overview with stored findings", browser.shown(tabs[4], GEOMETRY + name, DOTS))
    )
    browser.shown(first, link, CARD)
    browser.untouched(first)
    waits.append(("from Search to that overview", browser.opened(first, "Geometry", DOTS)))
    browser.rest(first)
    waits.append(("from there to the PCA map", browser.opened(first, "Map", MAP)))
    return [row(title, space.n, space.d, round(ms), "ms", name) for title, ms in waits]


def _why(tab: Any) -> float:
    """Milliseconds from a click on "Why this result" to its picture, in the item's dialog."""
    tab.locator(f"{CARD} .open").first.click()
    toggle = tab.locator(".st-key-_why label")
    toggle.wait_for()
    since = perf_counter()
    toggle.click()
    return browser.until(tab, WHY, since)


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
