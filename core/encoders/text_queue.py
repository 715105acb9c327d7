"""A few texts of many callers at once: those who wait are encoded together, in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition

import numpy as np

from core.types import Floats

KNOWN = 1024  # rows that stay in memory


class TextQueue:
    """Rows of texts by an encoder that runs one batch at a time.

    Whoever finds it free encodes for all who wait by then: a batch of eight short texts takes about
    twice as long as one text. The last rows are kept.

    Args:
        encode: gives one row for each of several texts.

    >>> queue = TextQueue(lambda texts: np.array([[len(text)] for text in texts], np.float32))
    >>> queue.rows(["a", "bbb"]).tolist()
    [[1.0], [3.0]]
    """

    def __init__(self, encode: Callable[[Sequence[str]], Floats]) -> None:
        self._encode = encode
        self._changed, self._busy = Condition(), False
        self._waiting: list[tuple[tuple[str, ...], Future[Floats]]] = []
        self._known: dict[str, Floats] = {}

    def rows(self, texts: Sequence[str]) -> Floats:
        """(n, d) rows of n texts. Raises what `encode` raises."""
        asked: Future[Floats] = Future()
        with self._changed:
            self._waiting.append((tuple(texts), asked))
            self._changed.wait_for(lambda: asked.done() or not self._busy)
            if not asked.done():
                self._busy = True
                taken, self._waiting = self._waiting, []
        if not asked.done():
            self._serve(taken, asked)
        return asked.result()

    def _serve(self, taken: list[tuple[tuple[str, ...], Future[Floats]]], own: object) -> None:
        """Encode what all who wait have asked for; after an error the others try by themselves."""
        try:
            texts = dict.fromkeys(text for asked, _ in taken for text in asked)
            new = [text for text in texts if text not in self._known]
            if new:
                self._known |= dict(zip(new, self._encode(new), strict=True))
            for asked, future in taken:
                future.set_result(np.stack([self._known[text] for text in asked]))
        finally:
            with self._changed:
                self._busy = False
                self._waiting += [(a, f) for a, f in taken if not f.done() and f is not own]
                while len(self._known) > KNOWN:
                    self._known.pop(next(iter(self._known)))
                self._changed.notify_all()
