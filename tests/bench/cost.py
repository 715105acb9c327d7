"""What work costs: seconds, and the most memory that the process took for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import perf_counter
from typing import TypeVar

import numpy as np
import psutil

EVERY = 0.01  # seconds between two looks at the memory
T = TypeVar("T")


def measured(work: Callable[[], T]) -> tuple[float, int, T]:
    """Seconds, the most bytes beyond those at the start (of libraries too), and the result."""
    process, done = psutil.Process(), Event()
    before = most = process.memory_info().rss

    def watch() -> None:
        nonlocal most
        while not done.wait(EVERY):
            most = max(most, process.memory_info().rss)

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    started = perf_counter()
    try:
        result = work()
    finally:
        seconds = perf_counter() - started
        done.set()
        watcher.join()
    return seconds, max(most, process.memory_info().rss) - before, result


def median_ms(work: Callable[[int], object], times: int) -> float:
    """Median milliseconds of `work(i)`, i from 0 to `times`; once more before, unmeasured."""
    work(0)
    seconds = []
    for i in range(times):
        started = perf_counter()
        work(i)
        seconds.append(perf_counter() - started)
    return 1000 * float(np.median(seconds))
