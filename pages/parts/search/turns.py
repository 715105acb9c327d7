"""Turns of searches: a few run at a time, in the order in which they came.

More at a time only take each other's processor: with 32 visitors all results came later than one
after another. A run that takes long does not keep the others waiting.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import Busy
from pages.parts import formatting

AT_ONCE = max(2, (os.cpu_count() or 2) // 2)
MOST_WAITING = 64
LONG_S = 5.0  # a run that takes longer does not count
STEP_S = 0.5  # between two updates of the number of searches ahead


class Turns:
    """Who runs and who waits, of all sessions."""

    def __init__(self, at_once: int = AT_ONCE, most: int = MOST_WAITING) -> None:
        self._at_once, self._most = at_once, most
        self._changed = Condition()
        self._running: dict[object, float] = {}
        self._waiting: list[object] = []

    @contextmanager
    def turn(self, waits: Callable[[int], None] = lambda before: None) -> Iterator[None]:
        """Wait for a turn, which ends with the block.

        Args:
            waits: called every half second of the wait with the number of those before; may raise.

        Raises:
            Busy: too many wait already.
        """
        own = object()
        with self._changed:
            if len(self._waiting) >= self._most:
                raise Busy(len(self._waiting))
            self._waiting.append(own)
        try:
            while not self._begins(own):
                waits(self._waiting.index(own))
            yield
        finally:
            with self._changed:
                if own in self._waiting:
                    self._waiting.remove(own)
                self._running.pop(own, None)
                self._changed.notify_all()

    def _begins(self, own: object) -> bool:
        with self._changed:
            if self._changed.wait_for(lambda: self._is_next(own), STEP_S):
                self._waiting.remove(own)
                self._running[own] = monotonic()
                self._changed.notify_all()
                return True
            return False

    def _is_next(self, own: object) -> bool:
        short = sum(since > monotonic() - LONG_S for since in self._running.values())
        return short < self._at_once and self._waiting[0] is own


@contextmanager
def turn(place: DeltaGenerator) -> Iterator[None]:
    """Wait for a turn of this server, which ends with the block.

    Args:
        place: shows how many searches are ahead; another query typed meanwhile ends the run there.

    Raises:
        Busy: too many wait already.
    """
    said = False

    def show(before: int) -> None:
        nonlocal said
        said = True
        others = formatting.count(before + 1, "other search", "other searches")
        place.caption(f":material/hourglass_top: Waiting for {others}")

    with _turns().turn(show):
        if said:
            place.empty()
        yield


@st.cache_resource(show_spinner=False)
def _turns() -> Turns:
    return Turns()
