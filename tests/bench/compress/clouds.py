"""Vectors for the compressors: images in many groups, and texts on the other side of a gap."""

from __future__ import annotations

import numpy as np

from core.types import Floats, Space

D, CENTERS = 512, 200
TEXTS = 20_000  # at most: queries, and what ways that look at queries are fitted on
BLOCK = 65_536


def cloud(n: int) -> Space:
    """n images around 200 centers with variance in few directions, and a text near some."""
    rng = np.random.default_rng(0)
    spread = np.geomspace(1, 0.1, D, dtype=np.float32)
    turn = np.linalg.qr(rng.standard_normal((D, D)))[0].astype(np.float32)
    centers = rng.standard_normal((CENTERS, D)).astype(np.float32) * spread
    side = np.zeros(D, np.float32)
    side[0] = 0.5 * np.linalg.norm(spread)
    texts = min(n, TEXTS)
    vectors = np.empty((n + texts, D), np.float32)
    for start in range(0, n, BLOCK):
        count = min(n, start + BLOCK) - start
        own = rng.standard_normal((count, D), np.float32) * spread
        images: Floats = centers[rng.integers(CENTERS, size=count)] + own
        vectors[start : start + count] = (images + side) @ turn
        few = min(max(0, texts - start), count)
        noise = rng.standard_normal((few, D), np.float32) * spread
        vectors[n + start : n + start + few] = (images[:few] + 0.7 * noise - side) @ turn
    for start in range(0, len(vectors), BLOCK):
        part = vectors[start : start + BLOCK]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    pairs = np.column_stack([np.arange(texts), n + np.arange(texts)])
    return Space(vectors, tuple(map(str, range(len(vectors)))), n, pairs)
