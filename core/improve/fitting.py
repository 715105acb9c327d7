"""Progress from inside a fit that takes long, and where it can be cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.types import Progress

_TOLD: ContextVar[Progress | None] = ContextVar("told", default=None)


@contextmanager
def told(progress: Progress) -> Iterator[None]:
    """Within the block, what fits `tell` goes to a progress.

    >>> seen = []
    >>> with told(lambda done, total: seen.append((done, total))):
    ...     tell(1, 5)
    >>> tell(2, 5)  # nobody listens
    >>> seen
    [(1, 5)]
    """
    token = _TOLD.set(progress)
    try:
        yield
    finally:
        _TOLD.reset(token)


def tell(done: int, total: int) -> None:
    """Called by a fit between its parts, such as epochs; may raise to stop it."""
    progress = _TOLD.get()
    if progress:
        progress(done, total)
