"""Synthetic spaces of any size with a realistic spectrum, cone, gap, labels, hubs and copies."""

from __future__ import annotations

import numpy as np

from core.types.arrays import Doubles, Floats, Ints
from core.types.space import Space

D, LABELS = 512, 100
DECAY = 0.8  # the variance along direction i falls as i^-0.8
CONE, GAP = 0.7, 0.4  # lengths of the common mean and of the modality gap; rows have length 1
PART = {"label": 0.35, "item": 0.75, "own": 0.55}  # weights of the components of a row
HUBS, COPIES = 0.001, 0.01  # shares of the images
BLOCK = 16_384


def synthetic(n: int, seed: int = 0) -> Space:
    """A space of n items, half of them images; image i belongs to text i.

    Labels fall off as 1 / rank, so that the largest has a fifth of the items and the smallest a
    five-hundredth. A hub is an image near the mean of its kind, a copy repeats another image.
    """
    half = n // 2
    rng = np.random.default_rng(seed)
    basis: Floats = np.linalg.qr(rng.standard_normal((D, D)))[0].astype(np.float32)
    powers = np.arange(1.0, D + 1) ** (-DECAY / 2)
    scales: Floats = (powers / np.linalg.norm(powers)).astype(np.float32)
    shares = 1 / np.arange(1.0, LABELS + 1)
    codes: Ints = rng.choice(LABELS, half, p=shares / shares.sum())
    centers: Floats = rng.standard_normal((LABELS, D), np.float32) * scales
    middle = np.linalg.qr(rng.standard_normal((D, 2)))[0].T * [[CONE], [GAP / 2]]
    vectors = np.empty((2 * half, D), np.float32)
    for start in range(0, half, BLOCK):
        rows = slice(start, min(start + BLOCK, half))
        shared = PART["label"] * centers[codes[rows]]
        shared += PART["item"] * scales * rng.standard_normal(shared.shape, np.float32)
        _fill(vectors[:half][rows], shared, scales, basis, middle[0] + middle[1], rng)
        _fill(vectors[half:][rows], shared, scales, basis, middle[0] - middle[1], rng)
    _plant(vectors[:half], rng)
    names = [f"label {i:02}" for i in range(LABELS)]
    return Space(
        vectors,
        tuple(f"{i:07}" for i in range(2 * half)),
        half,
        np.stack([np.arange(half), half + np.arange(half)], axis=1),
        tuple((names[c],) for c in codes) + ((),) * half,
        rng.lognormal(4, 0.5, half).astype(np.int64) + 5,
        encoder="synthetic",
    )


def _fill(
    out: Floats,
    shared: Floats,
    scales: Floats,
    basis: Floats,
    middle: Doubles,
    rng: np.random.Generator,
) -> None:
    """Unit rows of one kind: shared part of a pair, own part of the item, mean of the kind."""
    own = PART["own"] * scales * rng.standard_normal(shared.shape, np.float32)
    np.matmul(shared + own, basis, out=out)
    out += middle.astype(np.float32)
    out /= np.linalg.norm(out, axis=1, keepdims=True)


def _plant(images: Floats, rng: np.random.Generator) -> None:
    """Turn some images into hubs and some into copies of others."""
    n = len(images)
    center = images[:BLOCK].mean(axis=0)
    order = rng.permutation(n)
    hubs, copies = order[: int(n * HUBS)], order[int(n * HUBS) : int(n * (HUBS + COPIES))]
    images[hubs] = 0.6 * images[hubs] + 0.4 * center
    images[hubs] /= np.linalg.norm(images[hubs], axis=1, keepdims=True)
    images[copies] = images[order[-len(copies) :]]
