"""Token vectors of an item in the joint space: patch tokens of an image, text tokens of a text."""

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
CLUSTER_NAMES: dict[Clusters, str] = {"ward": "Ward clustering", "kmeans": "k-means"}
MOST = 256  # vectors per item
STOP_WORDS = (
    "a an and are as at be by for from has have he her his in into is it its of on onto or she so "
    "some that the their them there these they this those to up was were while who with"
)


@dataclass(frozen=True)
class Tokens:
    """Vectors of an image's patches, row by row, or of the words of a text.

    Args:
        vectors: (t, d) float32 unit vectors.
        grid: rows and columns of the patches; (0, 0) for a text.
        words: the word of each text token; "" for tokens of no word, such as the end tokens.
        weights: (t,) where the item's vector is the weighted sum of its tokens; else empty.
        view: the part of the image that the patches cover: "whole", "center" (the central square),
            or "padded" (the image in the middle of a square).

    Raises:
        InputError: lengths that do not match.
    """

    vectors: Floats
    grid: tuple[int, int] = (0, 0)
    words: tuple[str, ...] = ()
    weights: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    view: str = "whole"

    def __post_init__(self) -> None:
        n = len(self.vectors)
        if n != (len(self.words) or self.grid[0] * self.grid[1]):
            raise InputError(f"{n} tokens do not match a {self.grid} grid or {self.words}.")
        if len(self.weights) not in (0, n):
            raise InputError(f"{len(self.weights)} weights do not match {n} tokens.")

    @property
    def additive(self) -> bool:
        """Whether the item's vector is the weighted sum of its tokens, so that shares are exact."""
        return len(self.weights) > 0

    def shares(self, vector: Floats) -> Floats:
        """(t,) contribution of each token to the cosine of the item with a vector; sums to it.

        >>> halves = Tokens(np.eye(2, dtype=np.float32), (1, 2), (), np.float32([0.8, 0.6]))
        >>> halves.shares(np.float32([0.0, 1.0])).round(2)
        array([0. , 0.6], dtype=float32)

        Raises:
            InputError: the item's vector is not the sum of its tokens.
        """
        if not self.additive:
            raise InputError("This encoder's vectors are not sums of token vectors: no shares.")
        shares: Floats = self.weights * (self.vectors @ vector)
        return shares

    def content_words(self) -> Tokens:
        """The tokens of content words; all tokens where there are none, and of an image.

        >>> Tokens(np.eye(3, dtype=np.float32), words=("a", "dog", "")).content_words().words
        ('dog',)
        """
        mask = [is_content_word(word) for word in self.words]
        if not any(mask):
            return self
        words = tuple(w for w, content in zip(self.words, mask, strict=True) if content)
        weights = self.weights[mask] if self.additive else self.weights
        return replace(self, vectors=self.vectors[mask], words=words, weights=weights)


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """The token vectors that a collection stores.

    Args:
        items: number of items that have some.
        bytes_per_item: their mean size.
        poolings: number of items by the name of their pooling; see `Pooling`.
    """

    items: int = 0
    bytes_per_item: float = 0.0
    poolings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pooling:
    """How many token vectors are stored per item, and how tokens are clustered into them.

    Args:
        clusters: "ward" or "kmeans".
        keep: vectors per item, at most; 8 is a tenth of the starter's patches.
        ratio: in place of `keep` a share of an item's tokens, rounded up; 0 is none.

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

    @classmethod
    def parse(cls, name: str) -> Pooling:
        """The inverse of `name`.

        Raises:
            BadParameter: no pooling has that name: an older or a newer version stored it.
        """
        with suppress(KeyError, ValueError):
            method, what, size = name.split()
            clusters = {str(known): known for known in CLUSTER_NAMES}[method]
            if what == "keep":
                return cls(clusters, int(size))
            if what == "ratio":
                return cls(clusters, ratio=float(size))
        allowed = f"{' or '.join(CLUSTER_NAMES)}, then keep or ratio, then a number"
        raise BadParameter("pooling", repr(name), allowed)

    def k(self, tokens: int) -> int:
        """Vectors stored for an item of so many tokens, at most."""
        return ceil(self.ratio * tokens) if self.ratio else self.keep

    @property
    def name(self) -> str:
        """Stored with the vectors, and read back by `parse`.

        >>> Pooling.parse(Pooling(ratio=0.25).name)
        Pooling(clusters='ward', keep=8, ratio=0.25)
        """
        size = f"ratio {self.ratio:g}" if self.ratio else f"keep {self.keep}"
        return f"{self.clusters} {size}"

    @property
    def sentence(self) -> str:
        """For a user.

        >>> Pooling().sentence, Pooling("kmeans", ratio=0.25).sentence
        ('at most 8 vectors per item by Ward clustering', '25% of the tokens by k-means')
        """
        size = f"at most {self.keep} vectors per item"
        if self.ratio:
            size = f"{100 * self.ratio:g}% of the tokens"
        return f"{size} by {CLUSTER_NAMES[self.clusters]}"


def is_content_word(word: str) -> bool:
    """Whether a word is a content word, as opposed to a stop word or punctuation.

    >>> [is_content_word(word) for word in ("dog", "The", "'", "")]
    [True, False, False, False]
    """
    return any(c.isalnum() for c in word) and word.lower() not in STOP_WORDS.split()


def additive_tokens(
    parts: Floats, grid: tuple[int, int] = (0, 0), words: tuple[str, ...] = ()
) -> Tokens:
    """Tokens of an item whose vector is the sum of its parts, normalized to length 1.

    >>> tokens = additive_tokens(np.float32([[3, 0], [0, 4]]), (1, 2))
    >>> tokens.weights.round(2), (tokens.weights @ tokens.vectors).round(2)
    (array([0.6, 0.8], dtype=float32), array([0.6, 0.8], dtype=float32))
    """
    lengths = np.maximum(np.linalg.norm(parts, axis=1, keepdims=True), 1e-12)
    total = max(float(np.linalg.norm(parts.sum(axis=0))), 1e-12)
    unit = (parts / lengths).astype(np.float32)
    return Tokens(unit, grid, words, (lengths[:, 0] / total).astype(np.float32))
