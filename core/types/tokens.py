"""The parts of one picture or text, in the space where the whole lies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Literal, get_args

import numpy as np

from core.errors import BadParameter, InputError
from core.types.arrays import Floats

Clusters = Literal["ward", "kmeans"]
CLUSTER_NAMES: dict[Clusters, str] = {"ward": "Ward's clusters", "kmeans": "k-means"}
MOST = 256  # vectors an item
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
        poolings: how many items were pooled in which way, by its name; see `Pooling`.
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


@dataclass(frozen=True, slots=True)
class Pooling:
    """How many vectors an item keeps of its parts, and how they are put together.

    Args:
        clusters: "ward" or "kmeans".
        keep: at most so many vectors an item; 8 is a tenth of the starter's places.
        ratio: in place of `keep` a share of an item's parts, rounded up; 0 is none.

    Raises:
        BadParameter: no such clusters, or no such number.

    >>> Pooling(ratio=0.25).k(81), Pooling("kmeans", keep=4).k(81)
    (21, 4)
    """

    clusters: Clusters = "ward"
    keep: int = 8
    ratio: float = 0.0

    def __post_init__(self) -> None:
        if self.clusters not in get_args(Clusters):
            raise BadParameter("pool", repr(self.clusters), " or ".join(get_args(Clusters)))
        if not 1 <= self.keep <= MOST:
            raise BadParameter("keep", self.keep, f"1 to {MOST}")
        if not 0 <= self.ratio <= 1:
            raise BadParameter("ratio", self.ratio, "above 0, to 1")

    def k(self, parts: int) -> int:
        """Vectors that an item of so many parts keeps, at most."""
        return ceil(self.ratio * parts) if self.ratio else self.keep

    @property
    def name(self) -> str:
        """What is kept with the vectors, and read back by `named`.

        >>> named(Pooling(ratio=0.25).name)
        Pooling(clusters='ward', keep=8, ratio=0.25)
        """
        size = f"ratio {self.ratio:g}" if self.ratio else f"keep {self.keep}"
        return f"{self.clusters} {size}"

    @property
    def sentence(self) -> str:
        """In words.

        >>> Pooling().sentence, Pooling("kmeans", ratio=0.25).sentence
        ("at most 8 an item by Ward's clusters", '25 % of the parts by k-means')
        """
        size = (
            f"{100 * self.ratio:g} % of the parts" if self.ratio else f"at most {self.keep} an item"
        )
        return f"{size} by {CLUSTER_NAMES[self.clusters]}"


def named(name: str) -> Pooling:
    """The pooling of a name.

    Raises:
        BadParameter: no pooling is called that: an older or a newer version kept it.
    """
    with suppress(KeyError, ValueError):
        method, what, size = name.split()
        clusters = {str(way): way for way in CLUSTER_NAMES}[method]
        if what == "keep":
            return Pooling(clusters, int(size))
        if what == "ratio":
            return Pooling(clusters, ratio=float(size))
    allowed = f"{' or '.join(CLUSTER_NAMES)}, then keep or ratio, then a number"
    raise BadParameter("pooling", repr(name), allowed)
