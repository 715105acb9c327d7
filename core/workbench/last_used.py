"""When each collection was last used, in a file beside the jobs: the order of the cards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import time

EVERY_S = 60.0  # a use is noted again after so long


class LastUsed:
    """Times in seconds since 1970, by collection; shared by all processes of a home.

    Args:
        path: of the file; created with the first use. A file that cannot be read or written only
            costs the order.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._noted: tuple[str, float, int] | None = None  # name, when, state of the file

    def note(self, name: str) -> None:
        """A collection is used now."""
        known = self._noted
        if known and known[0] == name and known[2] == self._state() and time() - known[1] < EVERY_S:
            return
        self._note(name)
        self._noted = name, time(), self._state()

    def forget(self, name: str) -> None:
        """A collection is no more."""
        times = self.times()
        if times.pop(name, None) is not None:
            self._write(times)

    def _state(self) -> int:
        """Changes when any process writes the file."""
        with suppress(OSError):
            return self._path.stat().st_mtime_ns
        return 0

    def _note(self, name: str) -> None:
        times = self.times()
        if time() - times.get(name, 0.0) < EVERY_S and max(times, key=times.__getitem__) == name:
            return
        self._write(times | {name: time()})

    def _write(self, times: Mapping[str, float]) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(times), encoding="utf-8")
            draft.replace(self._path)

    def times(self) -> dict[str, float]:
        """When each collection was last used; those that never were are not in it."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(stored, dict):
            return {}
        return {name: float(at) for name, at in stored.items() if isinstance(at, int | float)}
