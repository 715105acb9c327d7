"""Spaces of any size like a real one: its spectrum, cone, gap, pairs, labels, hubs and copies."""

from __future__ import annotations

import numpy as np

from core.types.arrays import Doubles, Floats, Ints
from core.types.space import Space

D, LABELS = 512, 100
DECAY = 0.8  # the variance along direction i falls as i^-0.8
CONE, GAP = 0.7, 0.4  # lengths of what all items share and of what parts the kinds; rows have 1
PART = {"label": 0.35, "item": 0.75, "own": 0.55}  # of a row: its label, its pair, itself
HUBS, COPIES = 0.001, 0.01  # shares of the images
BLOCK = 16_384


def made(n: int, seed: int = 0) -> Space:
    """A space of n items, half of them images; image i belongs to text i.

    Labels fall off as 1 / rank, so that the largest has a fifth of the items and the smallest a
    five-hundredth. A hub is an image near the centre of its kind, a copy one that repeats another
    image but for rounding.
    """
    half = n // 2
    rng = np.random.default_rng(seed)
    basis: Floats = np.linalg.qr(rng.standard_normal((D, D)))[0].astype(np.float32)
    powers = np.arange(1.0, D + 1) ** (-DECAY / 2)
    scales: Floats = (powers / np.linalg.norm(powers)).astype(np.float32)
    shares = 1 / np.arange(1.0, LABELS + 1)
    codes: Ints = rng.choice(LABELS, half, p=shares / shares.sum())
    centres: Floats = rng.standard_normal((LABELS, D), np.float32) * scales
    middle = np.linalg.qr(rng.standard_normal((D, 2)))[0].T * [[CONE], [GAP / 2]]
    vectors = np.empty((2 * half, D), np.float32)
    for start in range(0, half, BLOCK):
        rows = slice(start, min(start + BLOCK, half))
        shared = PART["label"] * centres[codes[rows]]
        shared += PART["item"] * scales * rng.standard_normal(shared.shape, np.float32)
        _fill(vectors[:half][rows], shared, scales, basis, middle[0] + middle[1], rng)
        _fill(vectors[half:][rows], shared, scales, basis, middle[0] - middle[1], rng)
    _spoil(vectors[:half], rng)
    names = [f"label {i:02}" for i in range(LABELS)]
    return Space(
        vectors,
        tuple(f"{i:07}" for i in range(2 * half)),
        half,
        np.stack([np.arange(half), half + np.arange(half)], axis=1),
        tuple((names[c],) for c in codes) + ((),) * half,
        rng.lognormal(4, 0.5, half).astype(np.int64) + 5,
        encoder="made",
    )


def _fill(
    out: Floats,
    shared: Floats,
    scales: Floats,
    basis: Floats,
    middle: Doubles,
    rng: np.random.Generator,
) -> None:
    """Unit rows of one kind: what a pair shares, what is the item's own, and the kind's centre."""
    own = PART["own"] * scales * rng.standard_normal(shared.shape, np.float32)
    np.matmul(shared + own, basis, out=out)
    out += middle.astype(np.float32)
    out /= np.linalg.norm(out, axis=1, keepdims=True)


def _spoil(images: Floats, rng: np.random.Generator) -> None:
    """Some images become hubs and some copies of others."""
    n = len(images)
    centre = images[:BLOCK].mean(axis=0)
    drawn = rng.permutation(n)
    hubs, copies = drawn[: int(n * HUBS)], drawn[int(n * HUBS) : int(n * (HUBS + COPIES))]
    images[hubs] = 0.6 * images[hubs] + 0.4 * centre
    images[hubs] /= np.linalg.norm(images[hubs], axis=1, keepdims=True)
    images[copies] = images[drawn[-len(copies) :]]
