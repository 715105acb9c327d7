"""The parts of one picture or text, in the space where the whole lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core.errors import InputError
from core.types.arrays import Floats

EMPTY = (
    "a an and are as at be by for from has have he her his in into is it its of on onto or she "
    "so some that the their them there these they this those to up was were while who with"
)
"""Words that show nothing."""


@dataclass(frozen=True)
class Tokens:
    """Vectors of the places of a picture, row by row, or of the words of a text.

    Args:
        vectors: (t, d) float32 unit vectors.
        grid: rows and columns of the places; (0, 0) for a text.
        words: the words; "" stands for what belongs to none, such as the marks of the ends.
        weights: (t,) where the whole is the weighted sum of its parts; empty where it is not.
        view: what of a picture the places cover: "whole", "centre" (the central square), or
            "padded" (the picture in the middle of a square).

    Raises:
        InputError: lengths that do not go together.
    """

    vectors: Floats
    grid: tuple[int, int] = (0, 0)
    words: tuple[str, ...] = ()
    weights: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    view: str = "whole"

    def __post_init__(self) -> None:
        n = len(self.vectors)
        if n != (len(self.words) or self.grid[0] * self.grid[1]):
            raise InputError(f"{n} tokens do not match {self.grid} places or {self.words}.")
        if len(self.weights) not in (0, n):
            raise InputError(f"{len(self.weights)} weights do not match {n} tokens.")

    @property
    def adds_up(self) -> bool:
        """Whether the whole is the weighted sum of its parts, so that shares are exact."""
        return len(self.weights) > 0

    def shares(self, vector: Floats) -> Floats:
        """(t,) what each part adds to the cosine of the whole with a vector; their sum is it.

        >>> halves = Tokens(np.eye(2, dtype=np.float32), (1, 2), (), np.float32([0.8, 0.6]))
        >>> halves.shares(np.float32([0.0, 1.0])).round(2)
        array([0. , 0.6], dtype=float32)

        Raises:
            InputError: the whole is not the sum of its parts.
        """
        if not self.adds_up:
            raise InputError("This encoder's whole is not the sum of its parts: no shares.")
        found: Floats = self.weights * (self.vectors @ vector)
        return found

    def spoken(self) -> Tokens:
        """The words that show something; all of them where none does, and of a picture all.

        >>> Tokens(np.eye(3, dtype=np.float32), words=("a", "dog", "")).spoken().words
        ('dog',)
        """
        kept = [shows(word) for word in self.words]
        if not any(kept):
            return self
        words = tuple(w for w, k in zip(self.words, kept, strict=True) if k)
        weights = self.weights[kept] if self.adds_up else self.weights
        return replace(self, vectors=self.vectors[kept], words=words, weights=weights)


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """What a collection keeps of token vectors.

    Args:
        items: how many have some.
        bytes_per_item: their mean size.
        poolings: how many items were pooled in which way, by its name; see `core.pooling`.
    """

    items: int = 0
    bytes_per_item: float = 0.0
    poolings: Mapping[str, int] = field(default_factory=dict)


def shows(word: str) -> bool:
    """Whether a word stands for something that a picture can show.

    >>> [shows(word) for word in ("dog", "The", "'", "")]
    [True, False, False, False]
    """
    return any(c.isalnum() for c in word) and word.lower() not in EMPTY.split()


def added_up(parts: Floats, grid: tuple[int, int] = (0, 0), words: tuple[str, ...] = ()) -> Tokens:
    """Tokens of a whole that is the sum of its parts, made to length 1.

    >>> tokens = added_up(np.float32([[3, 0], [0, 4]]), (1, 2))
    >>> tokens.weights.round(2), (tokens.weights @ tokens.vectors).round(2)
    (array([0.6, 0.8], dtype=float32), array([0.6, 0.8], dtype=float32))
    """
    lengths = np.maximum(np.linalg.norm(parts, axis=1, keepdims=True), 1e-12)
    whole = max(float(np.linalg.norm(parts.sum(axis=0))), 1e-12)
    unit = (parts / lengths).astype(np.float32)
    return Tokens(unit, grid, words, (lengths[:, 0] / whole).astype(np.float32))
