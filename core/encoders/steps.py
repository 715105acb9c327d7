"""What is being prepared in this process: encoders that load, and halves that are converted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread, main_thread
from time import monotonic

from core.errors import Cancelled


@dataclass(frozen=True)
class Step:
    """A step that is running.

    Args:
        title: what is prepared: an encoder, or one half of it.
        what: is being done.
        number: of `of` steps; 0 where it is the only one.
        of: number of steps.
        started: when, by `time.monotonic`.
    """

    title: str
    what: str
    number: int = 0
    of: int = 0
    started: float = field(default_factory=monotonic)

    @property
    def name(self) -> str:
        """What is being done to what.

        >>> Step("ViT-B-32 (texts)", "converting to OpenVINO", 1, 3).name
        'ViT-B-32 (texts), step 1 of 3: converting to OpenVINO'
        >>> Step("ViT-B-32", "loading").name
        'ViT-B-32: loading'
        """
        count = f", step {self.number} of {self.of}" if self.number else ""
        return f"{self.title}{count}: {self.what}"

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return monotonic() - self.started


_RUNNING: list[Step] = []
_THREADS: list[Thread] = []
_LOCK = Lock()


@contextmanager
def step(title: str, what: str, number: int = 0, of: int = 0) -> Iterator[None]:
    """Announce a step while it runs.

    Raises:
        Cancelled: the process is ending, and waits for this thread.
    """
    if not main_thread().is_alive():
        raise Cancelled
    running = Step(title, what, number, of)
    with _LOCK:
        _RUNNING.append(running)
    try:
        yield
    finally:
        with _LOCK:
            _RUNNING.remove(running)


def preparing() -> tuple[Step, ...]:
    """The steps that are running, the oldest first."""
    with _LOCK:
        return tuple(_RUNNING)


def in_background(work: Callable[[], None], name: str) -> None:
    """Run work that others may wait for with `finish`."""

    def run() -> None:
        with suppress(Cancelled):
            work()

    # No daemon: a thread that is in the middle of a conversion as the process ends may crash it.
    thread = Thread(target=run, name=name)
    with _LOCK:
        _THREADS[:] = [*(t for t in _THREADS if t.is_alive()), thread]
        thread.start()


def finish(seconds: float | None = None) -> bool:
    """Wait for work in the background; returns whether all of it has ended."""
    end = None if seconds is None else monotonic() + seconds
    with _LOCK:
        threads = tuple(_THREADS)
    for thread in threads:
        thread.join(None if end is None else max(end - monotonic(), 0))
    return not any(thread.is_alive() for thread in threads)
