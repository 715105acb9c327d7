"""Progress from inside a fit that takes long, and where it can be cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.types import Progress

_PROGRESS: ContextVar[Progress | None] = ContextVar("progress", default=None)


@contextmanager
def with_progress(progress: Progress) -> Iterator[None]:
    """Within the block, what fits report goes to `progress`.

    >>> seen = []
    >>> with with_progress(lambda done, total: seen.append((done, total))):
    ...     report_progress(1, 5)
    >>> report_progress(2, 5)  # nobody listens
    >>> seen
    [(1, 5)]
    """
    token = _PROGRESS.set(progress)
    try:
        yield
    finally:
        _PROGRESS.reset(token)


def report_progress(done: int, total: int) -> None:
    """Called by a fit between its parts, such as epochs; may raise to stop it."""
    progress = _PROGRESS.get()
    if progress:
        progress(done, total)
