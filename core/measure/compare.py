"""Two measurements of the same quantities: how far they are apart, and whether by more than chance.

Many quantities grow with the number of items: two spaces are compared at the same number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from core.measure.findings import estimate, format_value
from core.numerics.stats import difference_interval
from core.types import Finding, Space

UNKNOWN = "No difference shown: there is no interval for one of them."
COMPARE_AID = (
    "Two values differ where the 95% interval of their difference excludes 0. Both sides are "
    "measured on the same number of images and of texts."
)


@dataclass(frozen=True)
class Contrast:
    """The same quantity in two spaces."""

    a: Finding
    b: Finding

    @property
    def difference(self) -> float:
        """A less B."""
        return self.a.value - self.b.value

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the difference (see `stats.difference_interval`).

        NaN ends where one has no interval.

        >>> from core.types import Reference
        >>> a, b = (Finding("image", v, v - 3, v + 4, Reference(0, ""), "", "") for v in (9, 1))
        >>> Contrast(a, b).interval
        (3.0, 13.0)
        """
        a, b = ((f.value, f.low, f.high) for f in (self.a, self.b))
        return difference_interval(a, b)

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        low, high = self.interval
        return low > 0 or high < 0  # False for NaN

    @property
    def size(self) -> float:
        """The difference in half-widths of its interval: above 1 it excludes 0; -1 for unknown."""
        low, high = self.interval
        if not isfinite(low):
            return -1.0
        half = self.difference - low if self.difference > 0 else high - self.difference
        return abs(self.difference) / half if half > 0 else inf if self.difference else 0.0

    @property
    def sentence(self) -> str:
        """The difference with its interval, and whether the two differ."""
        low, high = self.interval
        if not isfinite(low):
            return UNKNOWN
        if self.differs:
            more = "above" if self.difference > 0 else "below"
            ends = (low, high) if self.difference > 0 else (-high, -low)
            return f"A is {estimate(abs(self.difference), *ends)} {more} B."
        return (
            f"No difference shown: A less B is {format_value(self.difference, low, high)}, with 0 "
            "in the interval."
        )


def compare(a: Iterable[Finding], b: Iterable[Finding]) -> tuple[Contrast, ...]:
    """The findings that both have, in the order of the first."""
    others = {(f.name, f.scope): f for f in b}
    return tuple(Contrast(f, others[f.name, f.scope]) for f in a if (f.name, f.scope) in others)


def by_size(contrasts: Iterable[Contrast]) -> tuple[Contrast, ...]:
    """The clearest difference first; those without an interval last."""
    return tuple(sorted(contrasts, key=lambda c: -c.size))


def rarefied(a: Space, b: Space) -> tuple[Space, Space]:
    """Both spaces at the same number of images and of texts: random parts of the larger.

    The texts of an image stay with it as far as their number allows. A kind that one of them lacks
    stays as it is: there is nothing to compare it with.

    >>> rows = np.eye(6, dtype=np.float32)
    >>> a = Space(rows, tuple("abcdef"), 4)
    >>> [(s.n_images, s.n - s.n_images) for s in rarefied(a, a.subset(np.array([0, 1, 4, 5])))]
    [(2, 2), (2, 2)]
    """
    images = min(a.n_images, b.n_images)
    a, b = _some_images(a, images), _some_images(b, images)
    texts = min(space.n - space.n_images for space in (a, b))
    return _some_texts(a, texts), _some_texts(b, texts)


def _some_images(space: Space, count: int) -> Space:
    """So many random images, their texts, and the texts without an image."""
    if count in (0, space.n_images):
        return space
    keep = np.ones(space.n, bool)
    keep[: space.n_images] = False
    keep[np.random.default_rng(0).choice(space.n_images, count, replace=False)] = True
    image, text = space.pairs.T
    keep[text] = False
    keep[text[keep[image]]] = True
    return space.subset(np.flatnonzero(keep))


def _some_texts(space: Space, count: int) -> Space:
    """All images and so many random texts."""
    texts = space.n - space.n_images
    if count in (0, texts):
        return space
    chosen = space.n_images + np.random.default_rng(0).choice(texts, count, replace=False)
    return space.subset(np.concatenate([np.arange(space.n_images), chosen]))
