"""A tab of headless Chromium that records when a query was typed and its results painted."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from urllib.request import urlopen

QUIET = 500  # milliseconds without a change after which the page counts as done
SLOW = 180_000
WATCH = """() => {
  const root = document.querySelector('[data-testid=stMain]');
  const grid = '.st-key-_results_image';
  const shadows = [...document.querySelectorAll(grid + ' *')].map(e => e.shadowRoot);
  const painted = (then) => requestAnimationFrame(() => setTimeout(then));
  const now = () => performance.now();
  const times = window.times = {key: null, sent: null, results: null, last: now()};
  (window.watching ?? []).forEach((o) => o.disconnect());
  window.watching = [root, ...shadows.filter(Boolean)].map((place) => {
    const observer = new MutationObserver((changes) => {
      times.last = now();
      const results = place !== root || changes.some((c) => c.target.closest?.(grid));
      if (results && times.key && !times.results) painted(() => { times.results ??= now(); });
      if (times.key) painted(() => { times.done = now(); });
    });
    observer.observe(place, {subtree: true, childList: true, characterData: true});
    return observer;
  });
  const box = document.querySelector('.st-key-_q input');
  box.addEventListener('input', () => { times.key = now(); }, {once: true});
}"""
SOCKET = """(() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...a) {
    if (window.times?.key) window.times.sent ??= performance.now();
    return send.apply(this, a);
  };
})()"""
IDLE = f"() => performance.now() - window.times.last > {QUIET}"


@contextmanager
def tab(home: str) -> Iterator[Any]:
    """A browser tab and a server of its own; both end with the block."""
    from playwright.sync_api import sync_playwright

    with ExitStack() as ends:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        code = "from core.cli import main; main()"
        options = ["serve", "--no-browser", "--port", str(port), "--home", home]
        server = subprocess.Popen(
            [sys.executable, "-c", code, *options],
            cwd=Path(__file__).parents[3], start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ends.callback(server.wait)
        ends.callback(os.killpg, server.pid, 15)
        address = f"http://localhost:{port}"
        _wait_for(f"{address}/_stcore/health")
        names = "chromium", "chromium-browser", "google-chrome"
        own = next(filter(None, map(shutil.which, names)), None)
        playwright = ends.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        ends.callback(browser.close)
        tab = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=address)
        tab.set_default_timeout(SLOW)
        tab.add_init_script(SOCKET)
        yield tab


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urlopen(address, timeout=2).close()
            return
        except OSError:
            sleep(0.25)


def opened(tab: Any, link: str) -> float:
    """Milliseconds until a link shows results; waits for the rest of the page too."""
    started = perf_counter()
    tab.goto(link)
    tab.locator(".st-key-_results_image .card").first.wait_for()
    first = 1000 * (perf_counter() - started)
    tab.locator(".st-key-_aid_vital").wait_for()
    return first


def searched(tab: Any, text: str, letters: int) -> tuple[float, float, float]:
    """Milliseconds from the last key press until it is sent, results are painted, all is drawn."""
    box = tab.locator(".st-key-_q input")
    if letters:
        tab.evaluate(WATCH)
        box.fill(text[:-letters])
        tab.wait_for_function(f"() => window.times.results && ({IDLE})()", polling=QUIET / 5)
    tab.evaluate(WATCH)
    box.press_sequentially(text[-1]) if letters else box.fill(f"{text} now")
    tab.wait_for_function(f"() => window.times.results && ({IDLE})()", polling=QUIET / 5)
    times = tab.evaluate("window.times")
    return tuple(times[at] - times["key"] for at in ("sent", "results", "done"))
