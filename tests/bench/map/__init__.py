"""Maps of SEXTANT_BENCH_POINTS points (1,000,000 by default) in headless Chromium, side by side.

The same points in a Streamlit page drawn by this project's component, by Plotly's scattergl, by
pydeck, and by regl-scatterplot where SEXTANT_BENCH_REGL names a folder with the npm packages
`regl`, `pub-sub-es` and `regl-scatterplot` (each as npm unpacks it). Without a graphics card the
browser draws with SwiftShader, on the processor.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, sleep, time
from typing import Any
from urllib.request import urlopen

import numpy as np

from tests.bench.map.frames import PATIENCE, presented, share, shown
from tests.bench.rows import row

POINTS = 1_000_000
ONE, OTHER = (1, 136, 163), (211, 123, 13)  # the colors of app.py
LEAST = 0.01  # share of the chart that has a color once it counts as painted
CHART = 0.0, 0.25, 1.0, 1.0  # below the button
SOFTWARE = "between animation frames; drawn by SwiftShader, without a graphics card"
NAMES = ("ours", "plotly", "pydeck", "regl")
MOST = 200_000  # points that the others can be expected to draw


def run() -> list[dict[str, Any]]:
    """Rows: bytes until the first paint, first paint, recolor, frame while moving, lasso to count.

    Times include Streamlit's run. A frame that the browser presents counts as painted where one
    percent of it has the color. Bytes of files are as sent, compressed.
    """
    if find_spec("playwright") is None:
        return [row("map", 0, 2, None, "ms", "playwright is not installed")]
    from tests.fixtures.browser import chromium

    n = int(os.environ.get("SEXTANT_BENCH_POINTS") or POINTS)
    names = NAMES if os.environ.get("SEXTANT_BENCH_REGL") else NAMES[:-1]
    names = names if n <= MOST else NAMES[:1]
    rows = []
    with _served() as address, chromium() as browser:
        for name in names:
            context = browser.new_context(viewport={"width": 1200, "height": 800})
            rows += _measured(context.new_page(), f"{address}/?with={name}&n={n}", name, n)
            context.close()
    return rows


def _measured(page: Any, link: str, name: str, n: int) -> list[dict[str, Any]]:
    from playwright.sync_api import TimeoutError

    rows, total = [], [0]
    page.set_default_timeout(1000 * PATIENCE)
    page.on("websocket", lambda s: s.on("framereceived", lambda f: _add(total, f)))
    page.on("response", lambda r: _add(total, r) if "/media/" in r.url else None)

    def note(what: str, value: float | None, unit: str = "ms", why: str = "") -> None:
        rows.append(row(f"{name}: {what}", n, 2, value and round(value), unit, why))

    with presented(page) as frames:
        started = time()
        page.goto(link)
        when = shown(page, frames, lambda frame: share(frame, ONE, CHART) > LEAST)
    if when is None:
        note("first paint", None, why=f"nothing painted within {PATIENCE} s")
        return rows
    note("first paint", 1000 * (when - started))
    note("bytes until then", total[0], "bytes")
    page.wait_for_timeout(2000)
    times = _recolored(page, total)
    if times is None:
        note("recolor", None, why=f"nothing painted within {PATIENCE} s")
        return rows
    why = "from the click to the first frame with that color"
    note("recolor, the first time", times[0], why=why)
    note("recolor, median of 4 more", float(np.median(times[1:])), why=why)
    note("bytes of a recolor", total[0], "bytes")
    page.wait_for_timeout(2000)
    note("frame while panning, median", _frame(page, "pan"), why=SOFTWARE)
    note("frame while zooming, median", _frame(page, "zoom"), why=SOFTWARE)
    if name == "pydeck":
        note("lasso to count", None, why="has no lasso")
        return rows
    box = page.locator(".st-key-_chart").bounding_box()
    points = [(0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6), (0.3, 0.3)]
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    times = []
    for k in range(3):
        before = page.locator(".st-key-_count").inner_text()
        if name == "ours":
            page.keyboard.down("Alt")
        if name == "regl":
            page.keyboard.down("Shift")
        page.mouse.move(*at[0])
        page.mouse.down()
        for x, y in at[1:]:
            page.mouse.move(x + 15 * k, y, steps=5)
        started = perf_counter()
        page.mouse.up()
        page.keyboard.up("Alt")
        page.keyboard.up("Shift")
        try:
            page.wait_for_function(
                "(b) => document.querySelector('.st-key-_count').innerText !== b", arg=before
            )
        except TimeoutError as error:
            note("lasso to count", None, why=f"no selection: {type(error).__name__}")
            return rows
        times.append(1000 * (perf_counter() - started))
        page.wait_for_timeout(1500)
    note("lasso to count, worst of 3", max(times), why=page.locator(".st-key-_count").inner_text())
    return rows


def _recolored(page: Any, total: list[int]) -> list[float] | None:
    """Milliseconds of five changes of color; None if one is not presented within the patience."""
    page.evaluate("document.addEventListener('click', () => { clicked_ = Date.now() }, true)")
    times = []
    for color in (OTHER, ONE, OTHER, ONE, OTHER):
        total[0] = 0
        with presented(page) as frames:
            page.get_by_role("button", name="Recolor").click()
            when = shown(page, frames, lambda f, c=color: share(f, c, CHART) > LEAST)
        if when is None:
            return None
        times.append(1000 * when - page.evaluate("clicked_"))
        page.wait_for_timeout(2500)
    return times


def _add(total: list[int], data: Any) -> None:
    """Bytes of a frame, or of a response, whose body a browser does not keep where it is long."""
    if hasattr(data, "headers"):
        total[0] += int(data.headers["content-length"])
    else:
        total[0] += len(data if isinstance(data, bytes) else data.encode())


def _frame(page: Any, way: str) -> float:
    """Median milliseconds between frames of two seconds in which the chart is moved."""
    box = page.locator(".st-key-_chart").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(
        """() => { const t = (window.frames_ = []); let last = performance.now();
        const step = (now) => {
          if (t !== window.frames_) return;
          t.push(now - last); last = now; requestAnimationFrame(step); };
        requestAnimationFrame(step); }"""
    )
    page.mouse.move(x, y)
    if way == "pan":
        page.mouse.down()
    until, k = perf_counter() + 2, 0
    while perf_counter() < until:
        k += 1
        if way == "pan":
            page.mouse.move(x + 40 * np.sin(k / 4), y + 20 * np.cos(k / 4))
        else:
            page.mouse.wheel(0, 40 if k % 8 < 4 else -40)
            page.wait_for_timeout(16)
    page.mouse.up()
    return float(np.median(page.evaluate("window.frames_")))


@contextmanager
def _served() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    app = Path(__file__).with_name("app.py")
    options = ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(app), *options, "none"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    address = f"http://localhost:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except OSError:
                sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)
