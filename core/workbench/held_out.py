"""The held-out rows of a collection: nothing is fitted on them, and they alone are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.improve import random_half
from core.measure import HELD_OUT
from core.types import Bools

if TYPE_CHECKING:
    from core.store import EncodedCollection


def held_out_rows(opened: EncodedCollection) -> Bools:
    """(n,) those of the stored split, else a random half of the items, pairs together."""
    held_out = opened.held_out()
    return random_half(opened.space) if held_out is None else held_out


def held_out_words(opened: EncodedCollection) -> str:
    """What a sentence calls their pairs."""
    return "a random half of the items:" if opened.held_out() is None else HELD_OUT
