from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.improve.repairs import FittedRepair, affine, repair
from core.numerics.labels import HINT, classes
from core.registry import Range
from core.types import KINDS, Bools, Doubles, Floats, Ints, Space

LEAST = 2  # images of a label: one has no shape


@repair(
    title="Add rows of rare labels to fit on (GGEUR)",
    family="Labels",
    source="Ma, Dai, Huang, Chen. Geometric Knowledge-Guided Localized Global Distribution "
    "Alignment for Federated Learning. CVPR 2025.",
)
def rare_labels(
    train: Space,
    *,
    least: Annotated[int, Range(0, 10_000, "images of a label to fit on; 0 adds none")] = 50,
) -> FittedRepair:
    """Adds synthetic images of rare labels, with a text each, to what the next steps are fitted on.

    A synthetic row is a real one, moved as the rows of its label differ from one another: a draw
    from their covariance around that row, shrunk towards a sphere where the label is small
    (Ledoit, Wolf 2004). An image and its text are moved together. Synthetic rows are in no
    collection, and without a step behind it this one changes nothing. Cost m d for each row added
    to a label of m images; nothing a query.

    Args:
        train: (n, d) rows to fit on, with labels of images.
        least: labels with at least two and fewer images than this get the rest.

    Raises:
        TooFew: no label has two images.

    >>> labels = ("x",), ("x",), (), ()
    >>> space = Space(np.eye(4, dtype=np.float32), tuple("abcd"), 3, labels=labels)
    >>> rare_labels(space, least=5).train.n_images  # three more of x
    6
    """
    labeled = classes(train, "image", least=LEAST)
    if not labeled.names:
        raise TooFew("Augmentation", 1, "label with two images to fit on", 0, HINT)
    stay = {kind: affine(np.zeros(train.d)) for kind in KINDS}
    rng = np.random.default_rng(0)
    text_of = np.full(train.n, -1)
    text_of[train.pairs[::-1, 0]] = train.pairs[::-1, 1]  # the first text of an image
    drawn = [
        _drawn(train, labeled.of_class(i), text_of, least - size, rng)
        for i, size in enumerate(labeled.sizes)
        if size < least
    ]
    if not drawn:
        return FittedRepair(stay)
    sources, images, texts = (np.concatenate(each) for each in zip(*drawn, strict=True))
    return FittedRepair(stay, train=_with(train, sources, images, texts, text_of))


def _drawn(
    space: Space, rows: Ints, text_of: Ints, count: int, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """The rows that `count` images are drawn around, those images, and a text for each.

    Rows without a text get the zero vector as text.
    """
    sources = rows[np.arange(count) % len(rows)]
    images = space.vectors[rows].astype(np.float64)
    has_text = text_of[rows] >= 0
    texts = np.where(has_text[:, None], space.vectors[text_of[rows]], 0.0).astype(np.float64)
    weights = rng.standard_normal((count, len(rows)))
    there = np.arange(count) % len(rows)
    new_texts = _around(texts, has_text, there, weights, rng)
    everyone = np.ones(len(rows), bool)
    return sources, _around(images, everyone, there, weights, rng), new_texts


def _around(
    rows: Doubles, counted: Bools, there: Ints, weights: Doubles, rng: np.random.Generator
) -> Floats:
    """(count, d) unit rows: rows[there] and a draw from the shrunk covariance of those counted."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    n, d = int(counted.sum()), rows.shape[1]
    if n < LEAST:
        return rows[there].astype(np.float32)
    apart = np.where(counted[:, None], rows - rows[counted].mean(axis=0), 0.0)
    shrunk = ledoit_wolf_shrinkage(apart[counted], assume_centered=True) if n < 2 * d else 0.0
    shrunk = min(1.0, max(0.0, shrunk))  # of two rows it is 0, which rounding may miss
    sphere = np.sqrt(shrunk * (apart**2).sum() / n / d)
    moved = np.sqrt((1 - shrunk) / n) * (weights @ apart)
    moved += rows[there] + sphere * rng.standard_normal((len(there), d))
    moved[~counted[there]] = 0.0
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0).astype(np.float32)


def _with(space: Space, sources: Ints, images: Floats, texts: Floats, text_of: Ints) -> Space:
    """The space with more images, and with the texts that are not zero."""
    with_text = np.flatnonzero(texts.any(axis=1))
    place = np.concatenate(
        [
            np.arange(space.n_images), np.full(len(images), -1),
            np.arange(space.n_images, space.n), np.full(len(with_text), -1),
        ]
    )  # fmt: skip
    origin = np.concatenate(
        [
            np.arange(space.n_images), sources,
            np.arange(space.n_images, space.n), text_of[sources[with_text]],
        ]
    )  # fmt: skip
    more = len(images)
    last = space.n + more + np.arange(len(with_text))
    pairs = [space.pairs + np.array([0, more]), np.column_stack([space.n_images + with_text, last])]
    ids = [space.ids[i] if i >= 0 else f"synthetic-{n:07}" for n, i in enumerate(place)]
    lengths = space.text_lengths
    return replace(
        space,
        vectors=np.concatenate([space.images, images, space.texts, texts[with_text]]),
        ids=tuple(ids),
        n_images=space.n_images + more,
        pairs=np.concatenate(pairs),
        labels=tuple(space.labels[i] for i in origin) if space.labels else (),
        text_lengths=lengths[origin[origin >= space.n_images] - space.n_images]
        if len(lengths)
        else lengths,
        offset=space.offset[origin],
        held_out=space.held_out[origin] if len(space.held_out) else space.held_out,
        copies=space.copies[origin] if len(space.copies) else space.copies,
    )
