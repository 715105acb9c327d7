"""A tab of headless Chromium that records when a query was typed and its results painted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from tests.fixtures.browser import chromium, served

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
def server(home: str) -> Iterator[tuple[Any, str, float]]:
    """A browser, the address of a server of its own, and when it was started."""
    with chromium() as browser:
        started = perf_counter()
        with served(home) as address:
            yield browser, address, started


def tab(browser: Any, address: str) -> Any:
    """A fresh tab, without cookies or a cache."""
    tab = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=address).new_page()
    tab.set_default_timeout(SLOW)
    tab.add_init_script(SOCKET)
    return tab


def shown(tab: Any, link: str, selector: str, since: float | None = None) -> float:
    """Milliseconds until a link shows what the selector names; from `since` where it is given."""
    since = since or perf_counter()
    tab.goto(link)
    return until(tab, selector, since)


def until(tab: Any, selector: str, since: float) -> float:
    """Milliseconds since a time until the page shows what the selector names."""
    tab.locator(selector).first.wait_for()
    return 1000 * (perf_counter() - since)


def opened(tab: Any, page: str, selector: str) -> float:
    """Milliseconds from a click on a page's name in the bar until the page shows the selector."""
    link = tab.get_by_test_id("stTopNav").get_by_role("link", name=page)
    since = perf_counter()
    link.click()
    return until(tab, selector, since)


def untouched(tab: Any) -> None:
    """Wait as long as a person who looks at the first results: what starts then has started."""
    tab.wait_for_timeout(10_000)


def rest(tab: Any) -> None:
    """Wait until the page's run has ended."""
    tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


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
