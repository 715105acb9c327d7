"""Random actions in a browser for half an hour: what breaks, and what memory the server takes.

Four tabs go to any page, type queries and nonsense, press any button and key, open cards, and go
back and forward. A fault is an error in the browser's console, an answer of 400 or more, a page
that says it failed, or a download that the server could not make; its log, which tells more, goes
to stderr. SEXTANT_BENCH_SECONDS sets the time.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from core.workbench import Workbench
from tests.bench.load import resident_mb, slope
from tests.bench.page.synthetic import NAME, fill
from tests.bench.rows import figures, row
from tests.fixtures.browser import Tabs, chromium, served

ROWS, SECONDS, TABS = 4_000, 1_800.0, 4
PAGES = ("", "map", "geometry", "evaluate", "collections", "repair", "compress", "formats")
TEXTS = (
    "a dog", "two men on a beach", '"a dog" - "water"', "item:zzz", '"', "\u202e<script>", "",
    "9" * 300,
)  # fmt: skip
KEYS = ("Enter", "Escape", "ArrowRight", "ArrowLeft", "Tab", "x", "/")
FAILED = "[data-testid=stException], :text('which is a bug in Sextant')"
NO_FILE = "Error executing deferred callable"
PATIENCE = 2_000  # milliseconds for one action


def run() -> list[dict[str, Any]]:
    """Actions with faults, and memory of the server."""
    seconds = float(os.environ.get("SEXTANT_BENCH_SECONDS") or SECONDS)
    with TemporaryDirectory() as folder:
        bench = Workbench(folder)
        fill(bench, ROWS, 1)
        bench.finish_encoders()
        log = Path(folder) / "server.log"
        with served(folder, log=log) as address, chromium() as browser:
            tabs = Tabs(browser, address, patience=180_000)
            actions, failed, sizes = _wander(tabs, address, seconds)
            faults = [*tabs.faults, *failed]
            tabs.close()
        logged = log.read_text("utf-8", "replace")
        faults += [NO_FILE] * logged.count(NO_FILE)
        sys.stderr.write(logged)
    drift, margin = slope(sizes[len(sizes) // 2 :], seconds / 2)
    kinds = Counter(fault.partition("\n")[0] for fault in faults)
    about = "; ".join(f"{kind} ({n} times)" for kind, n in kinds.items()) or "none"
    return [
        row("faults", ROWS, 512, len(faults), "", f"of {actions:,} actions: {about}"),
        row(
            "memory of the server", ROWS, 512, figures(sizes[-1]), "MB",
            f"after {seconds:.0f} s; slope over the second half {60 * (drift - margin):+.1f} to "
            f"{60 * (drift + margin):+.1f} MB a minute",
        ),
    ]  # fmt: skip


def _wander(tabs: Tabs, address: str, seconds: float) -> tuple[int, list[str], list[float]]:
    """The number of actions, where a page said that it failed, and sizes of the server."""
    from playwright.sync_api import Error

    pick, ends, actions = Random(0), monotonic() + seconds, 0
    failed, sizes = list[str](), list[float]()
    pages = [tabs(f"?collection={NAME}&q=a+dog") for _ in range(TABS)]
    while monotonic() < ends:
        page = pick.choice(pages)
        page.set_default_timeout(PATIENCE)
        before = page.url
        try:
            done = _act(page, pick)
            page.wait_for_timeout(pick.choice((20, 200, 1_500)))
            if page.locator(FAILED).count():
                failed.append(f"{done} at {before}")
                page.goto("/")
        except Error:  # it was hidden, covered, or gone before it could be used
            page.keyboard.press("Escape")
        actions += 1
        sizes.append(resident_mb(address))
    return actions, failed, sizes


def _act(page: Any, pick: Random) -> str:
    """One action; returns what it was."""
    kind = pick.randrange(8)
    if kind == 0:
        to = pick.choice(PAGES)
        page.goto(f"/{to}?collection={NAME}")
        return f"opens {to}"
    if kind in (1, 2):
        text, box = pick.choice(TEXTS), page.get_by_label("Query")
        box.fill(text)
        return f"types {text!r}"
    if kind == 3:
        key = pick.choice(KEYS)
        page.keyboard.press(key)
        return f"presses {key}"
    if kind == 4:
        pick.choice((page.go_back, page.go_forward, page.reload))()
        return "goes back, forward or loads again"
    what = "button:visible, [role=radio]:visible, [role=tab]:visible, summary:visible"
    buttons = page.locator(what)
    at = pick.randrange(max(buttons.count(), 1))
    name = buttons.nth(at).inner_text()
    if "Delete" not in name:  # without its collection there is little left to do
        buttons.nth(at).click()
    return f"presses {name!r}"
