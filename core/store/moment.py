"""One look at the store: what was asked once while it lasts is not asked again.

Drawing a page asks the same tables for their version dozens of times. Inside `moment` each is asked
once: nothing is read again that was read since it was last written to. What other processes write
shows in the next moment at the latest; what is written inside one shows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SEEN: ContextVar[dict[Hashable, int] | None] = ContextVar("seen", default=None)


@contextmanager
def moment() -> Iterator[None]:
    """What the block reads is as new as its beginning, or newer. One inside another is the same.

    Outside of it, and in other threads, every question is asked anew.
    """
    token = _SEEN.set({}) if _SEEN.get() is None else None
    try:
        yield
    finally:
        if token:
            _SEEN.reset(token)


def once(what: Hashable, ask: Callable[[], int]) -> int:
    """The answer of this moment, asked for when there is none yet."""
    seen = _SEEN.get()
    if seen is None:
        return ask()
    if what not in seen:
        seen[what] = ask()
    return seen[what]


@contextmanager
def written() -> Iterator[None]:
    """After the block, which writes, the moment starts anew."""
    try:
        yield
    finally:
        seen = _SEEN.get()
        if seen is not None:
            seen.clear()
