"""The whole page Map with SEXTANT_BENCH_POINTS items (1,000,000 by default) in headless Chromium.

Recolor: from the click on another coloring until its colors can be read back from the canvas and
the frame after that has begun; to capture frames would take a third of the time. Lasso: from the
release of the pointer to the panel about the new selection with its gallery. Without a graphics
card the browser draws with SwiftShader, on the processor.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

import numpy as np

from core.types import Doubles
from tests.bench.rows import row

POINTS = 1_000_000
RECOLORED, LASSOS, REST = 11, 20, 2000  # milliseconds between two of them
LASSO = [(0.4, 0.4), (0.5, 0.4), (0.55, 0.5), (0.4, 0.55), (0.4, 0.4)]
WATCH = (Path(__file__).parent / "map" / "watch.js").read_text("utf-8")
REDRAW = "[...sextantMaps.values()][0].redraw()"


def run() -> list[dict[str, Any]]:
    """First paint, recolor and lasso, in milliseconds."""
    n = int(os.environ.get("SEXTANT_BENCH_POINTS") or POINTS)
    if find_spec("playwright") is None:
        return [row("map page", n, 2, None, "ms", "playwright is not installed")]
    from tests.fixtures.browser import Tabs, chromium, served
    from tests.fixtures.points import NAME, fill

    with TemporaryDirectory() as folder:
        home, _ = fill(Path(folder), n)
        with served(home) as address, chromium() as browser:
            tabs = Tabs(browser, address, 300_000)
            page = tabs(f"methods?collection={NAME}")
            first = _opened(page, f"/map?collection={NAME}&map=pca")
            recolored = _recolored(page)
            lassos = _lassoed(page)
            faults = tabs.faults
            tabs.close()

    def line(what: str, value: float, why: str) -> dict[str, Any]:
        return row(what, n, 2, round(value), "ms", why)

    each = ", ".join(f"{time:.0f}" for time in recolored)
    return [
        line("first paint", first, "of all points, with Streamlit's run"),
        line("recolor, the first time", recolored[0], f"all: {each}"),
        line("recolor, median of the others", float(np.median(recolored[1:])), ""),
        line("recolor, slowest of the others", max(recolored[1:]), ""),
        line("lasso to gallery, median", float(np.median(lassos)), f"of {len(lassos)}"),
        line("lasso to gallery, p95", float(np.quantile(lassos, 0.95)), f"{len(faults)} faults"),
    ]


def _opened(page: Any, link: str) -> float:
    """Milliseconds until all points are drawn; what is computed beside them ends before more."""
    from tests.fixtures.browser import settled

    started = time()
    page.goto(link)
    page.locator(".stage[data-drawn$=' 1']").wait_for()
    took = 1000 * (time() - started)
    settled(page)
    page.locator(".stage").evaluate(WATCH)
    page.get_by_role("button", name="Cancel").first.wait_for(state="detached")
    page.wait_for_timeout(REST)
    return took


def _recolored(page: Any) -> list[float]:
    """Milliseconds of every change between labels, and images and texts."""
    from tests.fixtures.browser import settled

    page.evaluate(REDRAW)
    page.wait_for_timeout(REST)
    before, times = _drawn(page)[1][-1], list[float]()
    for k in range(RECOLORED):
        name = ("Label", "Images and texts")[k % 2]
        page.locator(".st-key-_color").get_by_role("combobox").click()
        option = page.get_by_role("option", name=name, exact=True)
        option.wait_for()
        page.wait_for_timeout(300)
        option.click()
        settled(page)
        page.wait_for_timeout(REST)
        at, hues = _drawn(page)
        new = hues @ hues[-1] > hues @ before
        times.append(float(at[new.argmax()]))
        before = hues[-1]
    return times


def _drawn(page: Any) -> tuple[Doubles, Doubles]:
    """Milliseconds from the last click to every drawing since then, and its (3,) mean hue."""
    found = np.array(page.evaluate("hues_()"))
    return found[:, 0], found[:, 1:] / np.linalg.norm(found[:, 1:], axis=1, keepdims=True)


def _lassoed(page: Any) -> list[float]:
    """Milliseconds of every lasso, each of other points."""
    from tests.fixtures.browser import drag, settled

    box = page.locator(".stage").bounding_box()
    corners = np.array(LASSO)
    times = []
    for k in range(LASSOS):
        at = corners[0] + (corners - corners[0]) * (1 + 0.1 * k)
        page.evaluate("select_()")
        drag(page, (at * (box["width"], box["height"]) + (box["x"], box["y"])).tolist(), "Alt")
        page.wait_for_function("selected_ > 0")
        times.append(float(page.evaluate("selected_ - clicked_")))
        settled(page)
        page.wait_for_timeout(REST)
    return times
