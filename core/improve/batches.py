"""Batches of images with their texts to train on: at random, or of one topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.numerics.kmeans import centers_of, nearest_center
from core.numerics.sampling import groups
from core.types import Bools, Doubles, Floats, Ints, Space

TOPICS, OF_TOPIC = 20, 200  # topics at least, and images of one
LEAST = 8  # images of a topic on average
MARGINS = 10  # bins of equal width
SAME = 0.95  # cosine from which two images, or two texts, are too alike to tell apart


@dataclass(frozen=True)
class Captions:
    """Images and the texts of each: those of image i are texts[starts[i] : starts[i + 1]]."""

    images: Ints
    texts: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def owner(self) -> Ints:
        """(t,) the image of each text."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @property
    def own(self) -> Bools:
        """(b, t) whether a text is the image's."""
        return np.asarray(self.owner == np.arange(len(self))[:, None])

    def places(self, chosen: Ints) -> Ints:
        """The places in `texts` of the texts of some images, image after image."""
        sizes = np.diff(self.starts)[chosen]
        before = np.cumsum(sizes) - sizes
        return np.arange(sizes.sum()) + np.repeat(self.starts[chosen] - before, sizes)

    def some(self, chosen: Ints) -> Captions:
        """Some of the images with all their texts."""
        ends = np.cumsum(np.diff(self.starts)[chosen])
        starts = np.concatenate([[0], ends])
        return Captions(self.images[chosen], self.texts[self.places(chosen)], starts)

    def with_one(self, places: Ints) -> Captions:
        """Some of the texts, each with its image."""
        images = self.images[self.owner[places]]
        return Captions(images, self.texts[places], np.arange(len(places) + 1))


def captions_of(space: Space) -> Captions:
    """One image of each group of pairs, with its texts.

    >>> pairs = np.array([[0, 2], [0, 3], [1, 2]])  # both images have the text 2
    >>> found = captions_of(Space(np.eye(4, dtype=np.float32), tuple("abcd"), 2, pairs))
    >>> found.images.tolist(), found.texts.tolist()
    ([0], [2, 3])
    """
    pairs = space.pairs[np.argsort(space.pairs[:, 0], kind="stable")]
    images, starts = np.unique(pairs[:, 0], return_index=True)
    every = Captions(images, pairs[:, 1], np.append(starts, len(pairs)))
    return every.some(np.sort(np.unique(groups(space)[images], return_index=True)[1]))


def at_random(captions: Captions, size: int, rng: np.random.Generator) -> Iterator[Ints]:
    """All images in batches, in a new order: the place of one text of each."""
    order = rng.permutation(len(captions))
    count = np.diff(captions.starts)
    drawn = captions.starts[:-1] + (rng.random(len(captions)) * count).astype(np.int64)
    for start in range(0, len(order) - 1, size):
        yield drawn[order[start : start + size]]


@dataclass(frozen=True)
class Topics:
    """Texts by topic, for batches of one topic (TAS-Balanced; Hofstätter et al., SIGIR 2021).

    Args:
        texts: (t,) places of texts, topic after topic.
        images: (t,) the image of each.
        rarity: (t,) of each 1 over the texts of its topic with about its margin.
        starts: where each topic starts, and t.
    """

    texts: Ints
    images: Ints
    rarity: Doubles
    starts: Ints

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Ints]:
        """Batches from topics drawn at random, together about as many images as there are.

        Within a topic every bin of margins is drawn as often, so that easy and hard pairs are as
        frequent. An image is in a batch once: the place of the text that was drawn for it.
        """
        left = len(np.unique(self.images))
        while left > 0:
            topic = rng.integers(len(self.starts) - 1)
            part = slice(self.starts[topic], self.starts[topic + 1])
            drawn = np.argsort(rng.exponential(size=part.stop - part.start) / self.rarity[part])
            first = np.unique(self.images[part][drawn], return_index=True)[1]
            chosen = drawn[np.sort(first)[:size]]
            left -= len(chosen)
            yield self.texts[part][chosen]


def topics_of(space: Space, captions: Captions) -> Topics:
    """Topics by k-means on the mean text of each image; a topic with one image is left out.

    The margin of a pair is its cosine less the highest of its text with another image of the topic,
    by the vectors as they are: they are the teacher of the paper.
    """
    sums = np.add.reduceat(space.vectors[captions.texts], captions.starts[:-1], axis=0)
    means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    k = max(1, min(max(TOPICS, len(means) // OF_TOPIC), len(means) // LEAST))
    topic = nearest_center(means, centers_of(means, k))
    parts = []
    for members in (np.flatnonzero(topic == i) for i in range(k)):
        if len(members) > 1:
            places = captions.places(members)
            margins = _margins(space, captions, members, places)
            width = max(float(np.ptp(margins)), 1e-12) / MARGINS
            bins = np.minimum((margins - margins.min()) / width, MARGINS - 1).astype(np.int64)
            parts.append((places, 1 / np.bincount(bins)[bins]))
    texts = np.concatenate([places for places, _ in parts])
    starts = np.cumsum([0, *(len(places) for places, _ in parts)])
    rarity = np.concatenate([each for _, each in parts])
    return Topics(texts, captions.owner[texts], rarity, starts)


def _margins(space: Space, captions: Captions, members: Ints, places: Ints) -> Floats:
    cosines = space.vectors[captions.images[members]] @ space.vectors[captions.texts[places]].T
    own = captions.owner[places] == members[:, None]
    return cosines.T[own.T] - np.where(own, -np.inf, cosines).max(axis=0)


def alike(images: Floats, texts: Floats, batch: Captions) -> Bools:
    """(b, t) whether a text or its image is nearly one of the image's: it cannot be a negative."""
    same = texts @ texts.T > SAME
    near = np.logical_or.reduceat(same, batch.starts[:-1], axis=0)
    return np.asarray(near | (images @ images.T > SAME)[:, batch.owner])
