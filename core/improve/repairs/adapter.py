from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

import numpy as np

from core.errors import TooFew
from core.improve.batches import Captions, alike, at_random, captions_of, topics_of
from core.improve.contrastive import Slopes, against_mixtures, of_mixtures, pairs_apart
from core.improve.fitting import report_progress
from core.improve.repairs import FittedRepair, Layer, RowMap, affine, repair
from core.registry import Choices, Range
from core.types import KINDS, Doubles, Floats, Space

LEAST = 16  # images with a text
VALIDATED = 0.2  # share of the images that decide when to stop
PATIENCE = 8  # epochs without a gain
MOST, VALIDATING = 20_000, 1000  # images to train on; to validate with, and among
CERTAIN = 2.0  # standard errors by which validation must be better than the identity
HIDDEN, ADDED = 128, 0.2  # units of a residual head, and their weight
MIX_TEMPERATURE, MIX_BETA, M3_BETA = 0.07, 0.5, 0.2  # of m2-Mix; its Beta distribution within m3
M3 = (5.0, 5.0, 10.0)  # weights of the mixtures of images, of texts, of both, to that of m2-Mix
BETAS, TINY = (0.9, 0.999), 1e-8  # of Adam

Loss: TypeAlias = Callable[[Floats, Floats], Slopes]


@repair(
    title="Train an adapter",
    family="Pairs",
    source="Gao et al. CLIP-Adapter: Better Vision-Language Models with Feature Adapters. IJCV "
    "2024; Oh et al. Geodesic Multi-Modal Mixup for Robust Fine-Tuning. NeurIPS 2023; Gupta et al. "
    "Dual-Encoders for Extreme Multi-Label Classification. ICLR 2024; Hofstätter et al. "
    "Efficiently Teaching an Effective Dense Retriever with Balanced Topic Aware Sampling. SIGIR "
    "2021.",
)
def adapter(
    train: Space,
    *,
    head: Annotated[
        str, Choices(("linear", "residual"), "a matrix, or two layers that are added to the row")
    ] = "residual",
    texts: Annotated[
        str, Choices(("one", "all"), "of an image in a batch; all: by the decoupled softmax")
    ] = "all",
    batches: Annotated[
        str,
        Choices(("random", "topics"), "topics: a batch has images of one topic, by their texts"),
    ] = "random",
    mix: Annotated[
        str, Choices(("none", "m2", "m3"), "wrong items on the arcs between images and texts")
    ] = "m3",
    weight: Annotated[float, Range(0.0, 1.0, "of the mixtures' loss; 0 is none")] = 0.01,
    epochs: Annotated[int, Range(1, 1000, "passes over the images, at most")] = 60,
    rate: Annotated[float, Range(1e-5, 0.1, "learning rate of Adam")] = 1e-3,
    temperature: Annotated[float, Range(0.005, 1.0, "of the softmax over a batch")] = 0.05,
    decay: Annotated[float, Range(0.0, 1.0, "pull of the heads towards the identity")] = 0.01,
    batch: Annotated[int, Range(8, 4096, "images in a batch")] = 256,
) -> FittedRepair:
    """Trains a head of images and one of texts so that pairs are found among others.

    Both start at the identity and are trained by the contrastive loss in both directions. A batch
    has an image once, so that no text of its own counts as a wrong one. A fifth of the training
    images decides when to stop, and the identity stays where they show no clear gain. Cost: a batch
    of b images and t texts takes (b + t) d^2 + b t d; d^2 a query.

    Args:
        train: (n, d) rows to fit on, with pairs.
        head: a residual head is x + 0.2 relu(x A) B, with 128 units.
        texts: all trains on every text of an image at once; none of them competes with another.
        batches: pairs of a topic are hard to tell apart; those that are nearly the same are not
            counted. Easy and hard pairs come up as often, by their margins in these vectors.
        mix: m2-Mix and m3-Mix of the paper; they train with one text of an image.
        weight: 0.001 to 0.05 in the paper; m3-Mix has its further losses at 5, 5 and 10 times it.
        epochs: fewer where the validation images stop to gain.
        rate: higher is faster and less steady.
        temperature: lower attends to the nearest wrong items.
        decay: stronger changes less; for few pairs.
        batch: larger has more wrong items to tell apart; a topic may have fewer.

    Raises:
        TooFew: fewer than 16 images with a text.

    >>> rows = np.eye(16, dtype=np.float32)
    >>> pairs = np.stack([np.arange(16), np.arange(16, 32)], axis=1)
    >>> space = Space(np.concatenate([rows, rows]), tuple(map(str, range(32))), 16, pairs)
    >>> adapter(space).rows["image"].matrix is None  # nothing to gain: rows stay as they are
    True
    """
    every = captions_of(train)
    if len(every) < LEAST:
        raise TooFew("An adapter", LEAST, "images with a text", len(every), "Add captions first.")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(every))
    cut = max(LEAST // 4, int(VALIDATED * len(order)))
    judged = every.some(order[:cut][:VALIDATING])
    captions = every.some(order[cut:][:MOST])
    others = every.some(order[cut:][:VALIDATING])
    topics = topics_of(train, captions) if batches == "topics" else None
    heads = [_Head.new(head, train.d, rng) for _ in KINDS]
    plain = _score(train, judged, others, heads)
    best, score, waited = [one.row_map() for one in heads], plain, 0
    for epoch in range(epochs):
        report_progress(epoch, epochs)
        drawn = topics.batches(batch, rng) if topics else at_random(captions, batch, rng)
        for places in drawn:
            one_each = captions.with_one(places)
            chosen = captions.some(captions.owner[places]) if texts == "all" else one_each
            slopes = _slopes(train, heads, chosen, _apart(train, chosen, temperature, bool(topics)))
            if mix != "none" and weight:
                more = _slopes(train, heads, one_each, _mixtures(mix, temperature, rng))
                slopes = [
                    [one + weight * other for one, other in zip(*both, strict=True)]
                    for both in zip(slopes, more, strict=True)
                ]
            for one, slope in zip(heads, slopes, strict=True):
                one.step(slope, rate, decay)
        now = _score(train, judged, others, heads)
        waited = 0 if now.mean() > score.mean() else waited + 1
        if not waited:
            best, score = [one.row_map() for one in heads], now
        if waited == PATIENCE:
            break
    gain = score - plain
    if gain.mean() <= CERTAIN * gain.std() / np.sqrt(len(gain)):
        return FittedRepair({kind: affine(np.zeros(train.d)) for kind in KINDS})
    return FittedRepair(dict(zip(KINDS, best, strict=True)))


class _Head:
    """A map of rows whose parameters are trained by Adam; at the start it changes nothing.

    Args:
        start: parameters: (d, d) of a linear head; (d, h) and (h, d) of a residual one.
    """

    def __init__(self, start: list[Floats]) -> None:
        self.start = start
        self.now = [one.copy() for one in start]
        self.moments = [(np.zeros_like(one), np.zeros_like(one)) for one in start]
        self.steps = 0

    @classmethod
    def new(cls, name: str, d: int, rng: np.random.Generator) -> _Head:
        if name == "linear":
            return cls([np.eye(d, dtype=np.float32)])
        inner = rng.standard_normal((d, HIDDEN), np.float32) / np.float32(np.sqrt(d))
        return cls([inner, np.zeros((HIDDEN, d), np.float32)])

    def row_map(self) -> RowMap:
        """What the head does to rows, as it is now."""
        now = [one.copy() for one in self.now]
        if len(now) == 1:
            return RowMap(np.zeros(len(now[0]), np.float32), now[0])
        inner, outer = now
        none = np.zeros(HIDDEN, np.float32)
        return RowMap(np.zeros(len(inner), np.float32), layer=Layer(inner, none, ADDED * outer))

    def __call__(self, rows: Floats) -> tuple[Floats, Callable[[Floats], list[Floats]]]:
        """Unit rows, and what turns slopes at them into slopes at the parameters."""
        if len(self.now) == 1:
            moved = rows @ self.now[0]
        else:
            units = np.maximum(rows @ self.now[0], 0)
            moved = rows + ADDED * units @ self.now[1]
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        unit = moved / lengths

        def pull(slope: Floats) -> list[Floats]:
            along = np.einsum("ij,ij->i", slope, unit)[:, None] * unit
            across = (slope - along) / lengths
            if len(self.now) == 1:
                return [rows.T @ across]
            inside = ADDED * (across @ self.now[1].T) * (units > 0)
            return [rows.T @ inside, ADDED * units.T @ across]

        return unit, pull

    def step(self, slopes: list[Floats], rate: float, decay: float) -> None:
        """One step of Adam, and of the pull towards the start."""
        self.steps += 1
        for now, start, slope, (first, second) in zip(
            self.now, self.start, slopes, self.moments, strict=True
        ):
            first += (1 - BETAS[0]) * (slope - first)
            second += (1 - BETAS[1]) * (slope**2 - second)
            unbiased = first / (1 - BETAS[0] ** self.steps)
            scale = np.sqrt(second / (1 - BETAS[1] ** self.steps)) + TINY
            now -= rate * (unbiased / scale + decay * (now - start))


def _slopes(space: Space, heads: list[_Head], batch: Captions, loss: Loss) -> list[list[Floats]]:
    """Slopes of a loss of a batch at the parameters of each head."""
    rows = space.vectors[batch.images], space.vectors[batch.texts]
    (images, pull_images), (texts, pull_texts) = (
        head(each) for head, each in zip(heads, rows, strict=True)
    )
    _, at_images, at_texts = loss(images, texts)
    return [pull_images(at_images), pull_texts(at_texts)]


def _apart(space: Space, batch: Captions, temperature: float, masked: bool) -> Loss:
    """The contrastive loss of a batch; masked, what is nearly the same does not count as wrong."""
    own = batch.own
    wrong = ~own
    if masked:
        wrong &= ~alike(space.vectors[batch.images], space.vectors[batch.texts], batch)
    return lambda images, texts: pairs_apart(images, texts, own, wrong, temperature)


def _mixtures(mix: str, temperature: float, rng: np.random.Generator) -> Loss:
    """m2-Mix or m3-Mix of a batch, with a share that is drawn once."""
    beta = MIX_BETA if mix == "m2" else M3_BETA
    share, other = rng.beta(beta, beta), rng.beta(MIX_BETA, MIX_BETA)

    def loss(images: Floats, texts: Floats) -> Slopes:
        first = against_mixtures(images, texts, share, MIX_TEMPERATURE)
        if mix == "m2":
            return first
        second = of_mixtures(images, texts, other, temperature, M3)
        return first[0] + second[0], first[1] + second[1], first[2] + second[2]

    return loss


def _score(space: Space, judged: Captions, others: Captions, heads: list[_Head]) -> Doubles:
    """(m,) mean reciprocal rank of the pairs of each judged image, both ways.

    Candidates are those that training has moved, too: they may come to be hubs.
    """
    images, texts = (
        head(space.vectors[np.concatenate(rows)])[0]
        for head, rows in zip(
            heads, ((judged.images, others.images), (judged.texts, others.texts)), strict=True
        )
    )
    of, every = judged.owner, np.arange(len(judged.texts))
    there = texts[every] @ images.T
    found = 1 + (there > there[every, of][:, None]).sum(axis=1)
    back = images[: len(judged)] @ texts.T
    own = back[of, every]
    back[of, every] = -np.inf
    back.sort(axis=1)
    above = back.shape[1] - np.array(
        [np.searchsorted(back[i], value, "right") for i, value in zip(of, own, strict=True)]
    )
    result: Doubles = np.bincount(of, (1 / found + 1 / (1 + above)) / 2) / np.bincount(of)
    return result
