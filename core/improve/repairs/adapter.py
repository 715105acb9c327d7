from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.improve.repairs import FittedRepair, RowMap, repair
from core.numerics.sampling import groups
from core.registry import Range
from core.types import Doubles, Floats, Ints, Space

LEAST = 16  # images with a text
VALIDATED = 0.2  # share of the images that decide when to stop
PATIENCE = 8  # epochs without a gain
MOST, VALIDATING = 20_000, 1000  # images in an epoch, and for validation
CERTAIN = 2.0  # standard errors by which validation must be better than the identity
BETAS, TINY = (0.9, 0.999), 1e-8  # of Adam


@repair(
    title="Train an adapter",
    family="Pairs",
    source="Gao et al. CLIP-Adapter: Better Vision-Language Models with Feature Adapters. IJCV "
    "2024; contrastive loss: Radford et al. Learning Transferable Visual Models from Natural "
    "Language Supervision. ICML 2021.",
)
def adapter(
    train: Space,
    *,
    epochs: Annotated[int, Range(1, 1000, "passes over the images, at most")] = 60,
    rate: Annotated[float, Range(1e-5, 0.1, "learning rate of Adam")] = 1e-3,
    temperature: Annotated[float, Range(0.005, 1.0, "of the softmax over a batch")] = 0.05,
    decay: Annotated[float, Range(0.0, 1.0, "pull of the matrices towards the identity")] = 0.01,
    batch: Annotated[int, Range(8, 4096, "images in a batch, each with one of its texts")] = 256,
) -> FittedRepair:
    """Trains a linear map of images and one of texts so that pairs are found among others.

    Both start at the identity and are trained by the contrastive loss in both directions. A batch
    has an image once, so that no text of its own counts as a wrong one. A fifth of the training
    images decides when to stop, and the identity stays where they show no clear gain. Cost: a batch
    of b takes b d^2 + b^2 d; d^2 a query.

    Args:
        train: (n, d) rows to fit on, with pairs.
        epochs: fewer where the validation images stop to gain.
        rate: higher is faster and less steady.
        temperature: lower attends to the nearest wrong items.
        decay: stronger changes less; for few pairs.
        batch: larger has more wrong items to tell apart.

    Raises:
        TooFew: fewer than 16 images with a text.

    >>> rows = np.eye(16, dtype=np.float32)
    >>> pairs = np.stack([np.arange(16), np.arange(16, 32)], axis=1)
    >>> space = Space(np.concatenate([rows, rows]), tuple(map(str, range(32))), 16, pairs)
    >>> adapter(space).rows["image"].matrix.tolist() == rows.tolist()  # nothing to gain
    True
    """
    texts = _texts_of(train)
    if len(texts) < LEAST:
        raise TooFew("An adapter", LEAST, "images with a text", len(texts), "Add captions first.")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(texts))
    cut = max(LEAST // 4, int(VALIDATED * len(order)))
    validation, training = order[:cut][:VALIDATING], order[cut:]
    heads = _Heads.identity(train.d)
    plain = _score(train, texts, validation, heads)
    best, score, waited = heads.copies(), plain, 0
    for _ in range(epochs):
        drawn = rng.permutation(training)[:MOST]
        for start in range(0, len(drawn) - 1, batch):
            chosen = [texts[i] for i in drawn[start : start + batch]]
            images = np.array([image for image, _ in chosen])
            own = np.array([rng.choice(rows) for _, rows in chosen])
            heads.step(train.vectors[images], train.vectors[own], temperature, rate, decay)
        now = _score(train, texts, validation, heads)
        waited = 0 if now.mean() > score.mean() else waited + 1
        if not waited:
            best, score = heads.copies(), now
        if waited == PATIENCE:
            break
    gain = score - plain
    if gain.mean() <= CERTAIN * gain.std() / np.sqrt(len(gain)):
        best = _Heads.identity(train.d).copies()
    shift = np.zeros(train.d, np.float32)
    return FittedRepair({"image": RowMap(shift, best[0]), "text": RowMap(shift, best[1])})


@dataclass
class _Heads:
    """The two matrices, and Adam's moments of their gradients."""

    matrices: list[Floats]
    first: list[Floats]
    second: list[Floats]
    steps: int = field(default=0)

    @classmethod
    def identity(cls, d: int) -> _Heads:
        first, second = ([np.zeros((d, d), np.float32) for _ in range(2)] for _ in range(2))
        return cls([np.eye(d, dtype=np.float32) for _ in range(2)], first, second)

    def copies(self) -> list[Floats]:
        return [matrix.copy() for matrix in self.matrices]

    def step(
        self, images: Floats, texts: Floats, temperature: float, rate: float, decay: float
    ) -> None:
        """One step down the contrastive loss of a batch of pairs."""
        sides = images, texts
        moved = [rows @ matrix for rows, matrix in zip(sides, self.matrices, strict=True)]
        lengths = [np.linalg.norm(rows, axis=1, keepdims=True) for rows in moved]
        unit = [rows / length for rows, length in zip(moved, lengths, strict=True)]
        logits = unit[0] @ unit[1].T / temperature
        wrong = _softmax(logits, 1) + _softmax(logits, 0)
        wrong[np.diag_indices(len(wrong))] -= 2
        wrong /= 2 * len(wrong) * temperature
        self.steps += 1
        for side, slope in enumerate((wrong @ unit[1], wrong.T @ unit[0])):
            along = np.einsum("ij,ij->i", slope, unit[side])[:, None] * unit[side]
            gradient = sides[side].T @ ((slope - along) / lengths[side])
            self._adam(side, gradient, rate, decay)

    def _adam(self, side: int, gradient: Floats, rate: float, decay: float) -> None:
        first, second, matrix = self.first[side], self.second[side], self.matrices[side]
        first += (1 - BETAS[0]) * (gradient - first)
        second += (1 - BETAS[1]) * (gradient**2 - second)
        unbiased = first / (1 - BETAS[0] ** self.steps)
        scale = np.sqrt(second / (1 - BETAS[1] ** self.steps)) + TINY
        pull = matrix.copy()
        pull[np.diag_indices(len(pull))] -= 1
        matrix -= rate * (unbiased / scale + decay * pull)


def _softmax(logits: Floats, axis: int) -> Floats:
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    result: Floats = weights / weights.sum(axis=axis, keepdims=True)
    return result


def _texts_of(space: Space) -> list[tuple[int, Ints]]:
    """An image and the rows of its texts, for one image of each group of pairs."""
    if not len(space.pairs):
        return []
    pairs = space.pairs[np.argsort(space.pairs[:, 0], kind="stable")]
    images, start = np.unique(pairs[:, 0], return_index=True)
    first = np.unique(groups(space)[images], return_index=True)[1]
    rows = np.split(pairs[:, 1], start[1:])
    return [(int(images[i]), rows[i]) for i in np.sort(first)]


def _score(space: Space, texts: list[tuple[int, Ints]], chosen: Ints, heads: _Heads) -> Doubles:
    """(m,) mean reciprocal rank of the pairs of each image, both ways, among those of others."""
    images = np.array([texts[i][0] for i in chosen])
    rows = np.concatenate([texts[i][1] for i in chosen])
    of = np.repeat(np.arange(len(chosen)), [len(texts[i][1]) for i in chosen])
    unit = []
    for side, each in enumerate((images, rows)):
        moved = space.vectors[each] @ heads.matrices[side]
        unit.append(moved / np.linalg.norm(moved, axis=1, keepdims=True))
    cosines = unit[0] @ unit[1].T
    own = cosines[of, np.arange(len(rows))]
    cosines[of, np.arange(len(rows))] = -np.inf
    others = np.where(of == np.arange(len(images))[:, None], -np.inf, cosines)
    there = 1 / (1 + (cosines > own).sum(axis=0))
    back = np.array([1 / (1 + (others[i] > value).sum()) for i, value in zip(of, own, strict=True)])
    result: Doubles = np.bincount(of, weights=(there + back) / 2) / np.bincount(of)
    return result
