"""One limit for what files decode to, counted over all threads of the process.

A few bytes of a file may stand for gigabytes of pixels, rows or text. What is decoded waits until
it fits; what would not fit at all is rejected before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from threading import Condition

from core.errors import UnreadableFile

MAX_RATIO = 200
RATIO_FREE = 10_000_000  # bytes up to which any ratio is harmless
DEFAULT_GB = 1.0
_HONEST = 20  # times that texts and tables of people are packed, at most
_GB = 10**9


class _Held:
    """Bytes that are being decoded now."""

    def __init__(self) -> None:
        self.size = 0
        self.changed = Condition()


_HELD = _Held()


def total() -> int:
    """Bytes that all threads may decode at a time: $SEXTANT_MEMORY (`--memory`) gigabytes, or 1."""
    with suppress(ValueError, OverflowError):
        return max(int(float(os.environ.get("SEXTANT_MEMORY", DEFAULT_GB)) * _GB), _GB // 10)
    return int(DEFAULT_GB * _GB)


@contextmanager
def hold(name: str, size: int) -> Iterator[None]:
    """Wait until `size` bytes may be decoded, and keep others from them meanwhile.

    Raises:
        UnreadableFile: it is more than all threads may have together.

    >>> with hold("a.webp", 1_000_000):
    ...     pass
    """
    if size > total():
        raise UnreadableFile(name, _refusal(f"to decode it takes {size_of(size)}", size))
    with _HELD.changed:
        _HELD.changed.wait_for(lambda: _HELD.size + size <= max(total(), size))
        _HELD.size += size
    try:
        yield
    finally:
        with _HELD.changed:
            _HELD.size -= size
            _HELD.changed.notify_all()


def check(name: str, decoded: int, packed: int, ratio: int = _HONEST, *, whole: int = 0) -> None:
    """Reject what decodes to more than all threads may have, from a file that is no such size.

    Args:
        name: of the file, in messages.
        decoded: bytes in memory, copies included.
        packed: bytes of the file.
        ratio: how many times as much as its own size any file may take.
        whole: what all of the file decodes to, where `decoded` is a part of it.

    Raises:
        UnreadableFile: a few bytes stand for too many.
    """
    if decoded > max(total(), ratio * packed):
        needed = max(decoded, whole)
        what = f"{size_of(packed)} of it stand for {size_of(needed)}"
        raise UnreadableFile(name, _refusal(what, needed))


def bomb(unpacked: int, packed: int) -> str:
    """The objection to an archive that decompresses too far."""
    ratio = unpacked / max(packed, 1)
    return f"it decompresses {ratio:,.0f} times to {size_of(unpacked)}; allowed: {MAX_RATIO} times"


def size_of(count: int) -> str:
    """A number of bytes in kB, MB or GB.

    >>> size_of(1_500_000_000), size_of(2_500_000), size_of(8_888)
    ('1.5 GB', '2.5 MB', '8.9 kB')
    """
    if count < _GB // 10_000:
        return f"{count / 1e3:.1f} kB"
    return f"{count / _GB:.1f} GB" if count >= _GB else f"{count / 1e6:.1f} MB"


def _refusal(what: str, needed: int) -> str:
    allow = f"To allow it, add: --memory {ceil(needed / _GB + 0.1)}"
    return f"{what}; allowed: {size_of(total())}. {allow}"
