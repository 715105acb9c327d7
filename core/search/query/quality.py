"""How well image queries find images here, measured by the collection's labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.numerics.labels import classes
from core.numerics.neighbors import top_k
from core.numerics.stats import normal
from core.types import Bools, Doubles, Floats, Ints, Query, Space, per_space

K, LEAST = 5, 20  # hits per query; labeled images
QUERIES, ITEMS = 1000, 20_000  # images as queries, and to be found, at most

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class LabelAgreement:
    """Label precision@5 of image queries: the share of the 5 nearest images with the same label.

    Args:
        images: of images as queries, with its 95% interval.
        captions: of the means of their captions as queries; None where too few have any.
        gain: images minus captions, on the same images.
        chance: of random images.
        n: number of queries.
    """

    images: Interval
    captions: Interval | None
    gain: Interval | None
    chance: float
    n: int

    def sentence(self, *, with_text: bool) -> str:
        """Why an image is a poor query here, with a text beside it or not; "" for a good one."""
        value, low, high = self.images
        precision = f"Label precision@{K} of image queries is {value:.0%} ({low:.0%} to {high:.0%})"
        if low <= self.chance:
            return f"{precision}, the chance level {self.chance:.0%}: images are poor queries here."
        if self.gain and self.captions and self.gain[2] < 0:
            return (
                f"{precision}, of their captions as queries {self.captions[0]:.0%} (chance level "
                f"{self.chance:.0%})." + ("" if with_text else " Add a text to the query.")
            )
        return ""


@per_space
def neighbor_label_agreement(space: Space) -> LabelAgreement | None:
    """Label precision@5 of image queries; None with fewer than 20 images or two labels.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    >>> labels = (("a",),) * 10 + (("b",),) * 10
    >>> space = Space(rows, tuple(map(str, range(20))), 20, labels=labels)
    >>> neighbor_label_agreement(space).images
    (1.0, 1.0, 1.0)
    """
    labels = classes(space, "image", least=2)
    if len(labels.names) < 2 or len(labels.rows) < LEAST:
        return None
    rng = np.random.default_rng(0)
    items = np.sort(rng.permutation(len(labels.rows))[:ITEMS])
    rows, codes = labels.rows[items], labels.codes[items]
    queries = np.sort(rng.permutation(len(rows))[:QUERIES])
    sizes = np.bincount(codes)
    chance = float(((sizes[codes[queries]] - 1) / (len(rows) - 1)).mean())
    images = _precision(space.take(rows[queries]), space.take(rows), codes, queries)
    means, has = _captions(space, rows[queries])
    if has.sum() < LEAST:
        return LabelAgreement(_interval(images), None, None, chance, len(queries))
    captions = _precision(means[has], space.take(rows), codes, queries[has])
    gain = _interval(images[has] - captions, -1)
    return LabelAgreement(_interval(images), _interval(captions), gain, chance, len(queries))


def image_query_warning(space: Space, query: Query) -> str:
    """The warning for a query in which an image finds images; "" for all others."""
    by_image = {
        bool(part.image or (part.item and space.row[part.item] < space.n_images))
        for part in query.parts
        if part.weight > 0
    }
    if True not in by_image or "image" not in query.kinds:
        return ""
    agreement = neighbor_label_agreement(space)
    return agreement.sentence(with_text=False in by_image) if agreement else ""


def _precision(vectors: Floats, items: Floats, codes: Ints, queries: Ints) -> Doubles:
    """(q,) share of each query's nearest items with its label, itself excluded."""
    near = top_k(vectors, items, K, exclude=queries)[0]
    return np.asarray((codes[near] == codes[queries][:, None]).mean(axis=1))


def _captions(space: Space, rows: Ints) -> tuple[Floats, Bools]:
    """(q, d) mean unit vector of each image's captions, and which images have any."""
    place = np.full(space.n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    image, text = space.pairs.T
    at = place[image]
    sums = np.zeros((len(rows), space.d), np.float64)
    np.add.at(sums, at[at >= 0], space.take(text[at >= 0]))
    lengths = np.linalg.norm(sums, axis=1)
    has = lengths > 1e-6
    return (sums / np.where(has, lengths, 1)[:, None]).astype(np.float32), has


def _interval(values: Doubles, low: float = 0.0) -> Interval:
    value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return value, *normal(value, error, low, 1.0)
