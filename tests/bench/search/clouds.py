"""Synthetic image vectors in clusters, with text and image queries across a modality gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.types.arrays import Floats, Ints

D, BLOCK = 512, 16_384
DECAY = 0.8  # the variance along direction i falls as i^-0.8
CONE, GAP = 0.7, 0.8  # common component of all images, and of all texts, of unit rows


@dataclass(frozen=True)
class Cloud:
    """n image rows in clusters, and queries of which every other one is a text.

    `clusters` (n,) and `query_clusters` (q,) are the numbers of the clusters; a text lies off the
    cone of the images, on the far side of a modality gap.
    """

    images: Floats
    clusters: Ints
    queries: Floats
    query_clusters: Ints


def cloud(n: int, q: int = 60, seed: int = 0) -> Cloud:
    """A cloud in a cone, with a power-law spectrum and clusters of very different sizes."""
    rng = np.random.default_rng(seed)
    basis: Floats = np.linalg.qr(rng.standard_normal((D, D)))[0].astype(np.float32)
    scales = np.arange(1.0, D + 1) ** (-DECAY / 2)
    basis *= (scales / np.linalg.norm(scales)).astype(np.float32)[:, None]
    m = max(20, n // 500)
    centers = rng.standard_normal((m, D), np.float32)
    shares = np.arange(1.0, m + 1) ** -0.7
    clusters = rng.choice(m, n, p=shares / shares.sum())
    cone, gap = np.linalg.qr(rng.standard_normal((D, 2)))[0].T.astype(np.float32)
    images = np.empty((n, D), np.float32)
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        own = rng.standard_normal((rows.stop - start, D), np.float32)
        np.matmul(0.7 * centers[clusters[rows]] + 0.7 * own, basis, out=images[rows])
        images[rows] += CONE * cone
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    targets = rng.choice(n, q, replace=False)
    content = images[targets] - images[targets] @ cone[:, None] * cone
    queries = content + 0.5 * rng.standard_normal((q, D), np.float32) @ basis
    queries[::2] = 0.5 * queries[::2] + GAP * gap + 0.2 * cone
    queries[1::2] += CONE * cone
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    return Cloud(images, clusters, queries, clusters[targets])
