"""The data of the overview's figures: what is drawn of a space whatever its findings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import floor, log2
from typing import Any

import numpy as np

from core.errors import TooFew
from core.measure.findings import PLURAL, SIDES, percent, scopes
from core.measure.pair_check import smoothed
from core.measure.pair_ranks import clusters
from core.numerics.labels import class_totals, classes
from core.numerics.neighbors import SHARED, nearest
from core.numerics.nulls import isotropic_spectrum
from core.numerics.sampling import jackknife, thinned
from core.numerics.spectra import moments
from core.numerics.stats import folds, normal
from core.types import KINDS, Curve, Doubles, Ints, Space

DRAWN = 100_000  # random pairs of an image and a text
FOLDS = 20
K, QUERIES, CANDIDATES = 10, 5000, 10_000  # as the hubness diagnostic has them
CLASSES = 20  # in a heat map, at most
MEMBERS = {"image": 5, "text": 1}  # items of a kind that a label in it needs
IMAGES, TEXTS = "images for texts", "texts for images"
RANDOM = "random: "  # the name of a line's null begins with it


@dataclass(frozen=True)
class Figure:
    """What a figure draws.

    Args:
        lines: curves by name.
        sentence: what they show.
        names: of the rows and columns of `cells`.
        cells: (m, m) values of a heat map.
    """

    lines: Mapping[str, Curve] = field(default_factory=dict)
    sentence: str = ""
    names: tuple[str, ...] = ()
    cells: Doubles = field(default_factory=lambda: np.empty((0, 0)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "lines": {name: line.to_dict() for name, line in self.lines.items()},
            "sentence": self.sentence,
            "names": list(self.names),
            "cells": self.cells.tolist(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Figure:
        """The inverse of `to_dict`.

        >>> Figure.from_dict(Figure(sentence="One.").to_dict()).sentence
        'One.'
        """
        lines = {name: Curve.from_dict(line) for name, line in plain["lines"].items()}
        size = len(plain["names"])
        cells = np.array(plain["cells"], np.float64).reshape(size, size)
        return cls(lines, plain["sentence"], tuple(plain["names"]), cells)


def pair_similarities(space: Space) -> Figure:
    """Density of the cosine of pairs, and of images and texts drawn at random.

    The overlap is the area under both (Inman, Bradley 1989): 2 Phi(-|m1 - m2| / 2s) for two normal
    distributions of one deviation; 1 where pairs cannot be distinguished from random ones.

    Raises:
        TooFew: fewer than two images with a text.
    """
    if len(np.unique(space.pairs[:, 0])) < 2:
        what, found = "images with a text of their own", len(np.unique(space.pairs[:, 0]))
        raise TooFew("The similarity of pairs", 2, what, found, "Add captions.")
    drawn = _any_pairs(space)
    code = space.pairs @ np.array([space.n, 1])
    drawn = drawn[~np.isin(drawn @ np.array([space.n, 1]), code)]
    if not len(drawn):
        what = "images and texts that are no pair"
        raise TooFew("The similarity of pairs", 1, what, 0, "Add captioned images.")
    own, random = _cosines(space, space.pairs), _cosines(space, drawn)
    edges = _edges(own, random)
    densities = smoothed(own, edges), smoothed(random, edges)
    step = edges[1] - edges[0]
    value = overlap(*densities, step)
    fold = folds(clusters(space, np.arange(space.n)), count=FOLDS)
    number = int(fold.max()) + 1
    sides = [fold[pairs] for pairs in (space.pairs, drawn)]
    without = []
    for k in range(number) if number > 1 else ():
        left = [v[(f != k).all(axis=1)] for v, f in zip((own, random), sides, strict=True)]
        if min(map(len, left)) > 1:
            without.append(overlap(smoothed(left[0], edges), smoothed(left[1], edges), step))
    sizes = np.bincount(fold)
    known = len(without) == number
    error = jackknife(value, np.array(without), sizes) if known else float("nan")
    low, high = normal(value, error, 0.0, 1.0)
    x = (edges[1:] + edges[:-1]) / 2
    names = ("pairs", "random pairs")
    return Figure(
        {
            name: Curve(x, y, "cosine of an image and a text", "density")
            for name, y in zip(names, densities, strict=True)
        },
        f"{percent(value, low, high)} of the two densities overlap; 100% would mean that pairs "
        "cannot be distinguished from random ones.",
    )


def overlap(a: Doubles, b: Doubles, step: float) -> float:
    """Area under the lower of two densities in bins of one width, at most 1.

    >>> overlap(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]), 0.5)
    0.5
    """
    return min(1.0, float(np.minimum(a, b).sum() * step))


def spectra(space: Space) -> Figure:
    """Eigenvalues of each kind around its mean, as shares of the variance, against the null.

    The null is the Marchenko-Pastur law: isotropic rows, as many as the larger kind has.

    Raises:
        TooFew: fewer than three images and fewer than three texts.
    """
    lines = {}
    for scope in scopes(space, 3, "The spectrum"):
        m = moments(space, scope)
        values = m.centered_eigen[0]
        lines[PLURAL[scope]] = _spectrum(values[values > 1e-12 * values[0]] / values.sum())
    n = max(space.n_images, space.n - space.n_images)
    even = isotropic_spectrum(n - 1, space.d)
    lines["isotropic"] = _spectrum(even[even > 0])
    half = {name: int(np.searchsorted(np.cumsum(line.y), 0.5)) + 1 for name, line in lines.items()}
    own = " and ".join(f"{half[name]:,} ({name})" for name in lines if name != "isotropic")
    return Figure(
        lines,
        f"Half of the variance lies in the first {own} of {space.d:,} directions, against "
        f"{half['isotropic']:,} for isotropic vectors.",
    )


def hub_tails(space: Space, *, across: bool = False) -> Figure:
    """Share of items in at least so many times the average number of lists, against random lists.

    Lists are those of the hubness diagnostic, score biases included. In random lists N_k is
    binomial.

    Args:
        space: the items.
        across: images for texts and texts for images, in place of each kind among itself.

    Raises:
        TooFew: ten or fewer items of each kind.
    """
    part, _ = thinned(space, CANDIDATES)
    kinds = scopes(part, K + 1, "The distribution of hubs")
    both = part.n - part.n_images > 1 and part.n_images > K
    lines, top = {}, {}
    # Where there are texts, search by text is what counts.
    measured = {IMAGES: SIDES["joint"]} if both else {}
    if across and both and part.n - part.n_images > K:
        measured[TEXTS] = ("image", "text")
    elif not across or not both:
        measured |= {
            f"{PLURAL[s]} among themselves": SIDES[s] for s in kinds if s == "text" or not both
        }
    for name, sides in measured.items():
        lists = nearest(part, *sides, k=SHARED, q=QUERIES, ranked=True)
        target = part.span(sides[1])
        n = target.stop - target.start
        found = lists.indices[:, :K] - target.start
        counts = np.bincount(found[found >= 0], minlength=n)
        mean = float(counts.mean())
        lines[name] = _over(mean, tail(counts))
        even = random_tail(len(lists.queries), min(K / (n - (sides[0] == sides[1])), 1.0))
        lines[f"{RANDOM}{name}"] = _over(mean, even)
        top[name] = counts.max() / mean
    worst = max(top, key=lambda name: top[name])
    return Figure(
        lines,
        f"The largest hub ({worst}) is in {top[worst]:.1f} times as many lists as the average.",
    )


def tail(counts: Ints) -> Curve:
    """Share of items with at least x, for each x from 1 that occurs.

    >>> line = tail(np.array([0, 1, 1, 4]))
    >>> line.x.tolist(), line.y.tolist()
    ([1.0, 4.0], [0.75, 0.25])
    """
    x = np.unique(counts[counts > 0])
    y = 1 - np.searchsorted(np.sort(counts), x) / len(counts)
    return _tail(x.astype(np.float64), y)


def random_tail(lists: int, chance: float) -> Curve:
    """The same where every list holds each item with the same chance: P(Binomial >= x).

    >>> random_tail(2, 0.5).y.tolist()
    [0.75, 0.25]
    """
    from scipy.stats import binom

    x = np.arange(1, lists + 1)
    y = binom.sf(x - 1, lists, chance)
    seen = y > 1e-5
    seen[0] = True
    return _tail(x[seen].astype(np.float64), y[seen])


def class_cosines(space: Space) -> Figure:
    """Cosines of the image mean of each label (rows) with the text mean of each (columns).

    Means are taken around that of their kind, so that the modality gap does not count. The most
    frequent labels are shown, those alike side by side.

    Raises:
        TooFew: fewer than two labels with images and texts enough.
    """
    given = {k: classes(space, k, least=MEMBERS[k], most=space.n) for k in KINDS}
    images = dict(zip(given["image"].names, given["image"].sizes.tolist(), strict=True))
    both = sorted(images.keys() & set(given["text"].names), key=lambda name: (-images[name], name))
    if len(both) < 2:
        what = f"labels with {MEMBERS['image']} or more images, and texts"
        raise TooFew("The map of labels", 2, what, len(both), "Add labels and captions.")
    shown, means = sorted(both[:CLASSES]), []
    for kind, of in given.items():
        place = [of.names.index(name) for name in shown]
        sums = class_totals(space, kind, of.names)[0][place]
        rows = sums / of.sizes[place][:, None] - moments(space, kind).mean
        means.append(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
    order = _similar_first(means[0] @ means[0].T)
    cells = (means[0] @ means[1].T)[np.ix_(order, order)]
    own = int((cells.argmax(axis=1) == np.arange(len(cells))).sum())
    return Figure(
        names=tuple(shown[i] for i in order),
        cells=cells,
        sentence=f"The images of {own} of {len(cells)} labels are closest to the texts of their "
        "own label.",
    )


FIGURES: Mapping[str, Callable[[Space], Figure]] = {
    "pair_similarities": pair_similarities,
    "spectra": spectra,
    "hub_tails": hub_tails,
    "class_cosines": class_cosines,
}


def _any_pairs(space: Space) -> Ints:
    """(m, 2) rows of an image and a text: all where they are few, else random ones."""
    texts = space.n - space.n_images
    if space.n_images * texts <= DRAWN:
        image, text = np.divmod(np.arange(space.n_images * texts), texts)
        return np.stack([image, space.n_images + text], axis=1)
    rng = np.random.default_rng(0)
    images = rng.integers(0, space.n_images, DRAWN)
    return np.stack([images, rng.integers(space.n_images, space.n, DRAWN)], axis=1)


def _cosines(space: Space, pairs: Ints) -> Doubles:
    result = np.empty(len(pairs))
    for start in range(0, len(pairs), 4096):
        image, text = pairs[start : start + 4096].T
        result[start : start + 4096] = np.einsum(
            "ij,ij->i", space.vectors[image], space.vectors[text]
        )
    return result


def _edges(*samples: Doubles) -> Doubles:
    """Edges at multiples of a power of two, so that two spaces share them."""
    spread = max(min(float(s.std()) for s in samples), 1e-3)
    step = 2.0 ** floor(log2(spread / 4))
    low, high = (f(float(f(s)) for s in samples) for f in (min, max))
    pad = 3 * max(float(s.std()) for s in samples) + step
    first, last = floor((low - pad) / step), floor((high + pad) / step) + 2
    return np.arange(first, last, dtype=np.float64) * step


def _spectrum(values: Doubles) -> Curve:
    x = np.arange(1, len(values) + 1, dtype=np.float64)
    return Curve(x, values, "direction", "share of variance", log_x=True, log_y=True)


def _tail(x: Doubles, y: Doubles) -> Curve:
    return Curve(x, y, "lists it is in, or more", "share of items", log_x=True, log_y=True)


def _over(mean: float, line: Curve) -> Curve:
    return replace(line, x=line.x / mean, x_title="times as many lists as the average, or more")


def _similar_first(similarity: Doubles) -> Ints:
    """An order in which similar rows are neighbors (average linkage)."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(similarity) < 3:
        return np.arange(len(similarity))
    distance = np.maximum(1 - (similarity + similarity.T) / 2, 0.0)
    np.fill_diagonal(distance, 0.0)
    return leaves_list(linkage(squareform(distance, checks=False), "average")).astype(np.int64)
