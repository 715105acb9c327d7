"""The whole page Map with SEXTANT_BENCH_POINTS items (1,000,000 by default) in headless Chromium.

Recolor: from the click on another coloring to the first frame that the browser presents with its
colors. Lasso: from the release of the pointer to the panel about the new selection with its
gallery. Without a graphics card the browser draws with SwiftShader, on the processor.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

import numpy as np

from tests.bench.map.frames import presented, share, shown
from tests.bench.rows import row

POINTS, WIDTH, HEIGHT = 1_000_000, 1440, 900
RECOLORED, LASSOS, REST = 11, 20, 1500  # milliseconds between two of them
SOME = 0.0003  # share of the map that has a color where some points have it
TEXTS, THIRD = (211, 123, 13), (130, 88, 201)  # colors of the texts, and of the third label
LASSO = [(0.4, 0.4), (0.5, 0.4), (0.55, 0.5), (0.4, 0.55), (0.4, 0.4)]
WATCH = """() => {
  for (const kind of ["click", "pointerup"]) {
    addEventListener(kind, () => { clicked_ = Date.now(); }, true);
  }
  const panel = () => document.querySelector(".st-key-map_selection")?.innerText;
  watch_ = () => {
    const before = panel(); selected_ = 0;
    const step = () => {
      const now = panel(), gallery = document.querySelector("[class*=_map_gallery]");
      if (now && now !== before && gallery) selected_ = Date.now();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
}"""


def run() -> list[dict[str, Any]]:
    """First paint, recolor and lasso, and the bytes of each."""
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
            page.evaluate(WATCH)
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
    page.evaluate(WATCH)
    page.locator(".stage[data-drawn$=' 1']").wait_for()
    took = 1000 * (time() - started)
    settled(page)
    page.get_by_role("button", name="Cancel").first.wait_for(state="detached")
    page.wait_for_timeout(REST)
    return took


def _recolored(page: Any) -> list[float]:
    """Milliseconds of every change between labels, and images and texts."""
    from tests.fixtures.browser import settled

    box = page.locator(".stage").bounding_box()
    left, top = box["x"] / WIDTH, box["y"] / HEIGHT
    part = left, top, left + 0.9 * box["width"] / WIDTH, min(top + box["height"] / HEIGHT, 1.0)
    times = []
    for k in range(RECOLORED):
        name = ("Images and texts", "Label")[k % 2 == 0]
        page.locator(".st-key-_colour").get_by_role("combobox").click()
        option = page.get_by_role("option", name=name, exact=True)
        option.wait_for()
        page.wait_for_timeout(300)
        with presented(page) as frames:
            option.click()
            when = shown(
                page,
                frames,
                lambda frame, by_label=k % 2 == 0: (
                    (share(frame, THIRD, part) > SOME) == by_label
                    and share(frame, TEXTS, part) > SOME
                ),
            )
        if when is None:
            raise TimeoutError("the new colors were not presented")
        times.append(1000 * when - page.evaluate("clicked_"))
        settled(page)
        page.wait_for_timeout(REST)
    return times


def _lassoed(page: Any) -> list[float]:
    """Milliseconds of every lasso, each of other points."""
    from tests.fixtures.browser import drag, settled

    box = page.locator(".stage").bounding_box()
    corners = np.array(LASSO)
    times = []
    for k in range(LASSOS):
        at = corners[0] + (corners - corners[0]) * (1 + 0.1 * k)
        page.evaluate("watch_()")
        drag(page, (at * (box["width"], box["height"]) + (box["x"], box["y"])).tolist(), "Alt")
        page.wait_for_function("selected_ > 0")
        times.append(float(page.evaluate("selected_ - clicked_")))
        settled(page)
        page.wait_for_timeout(REST)
    return times
