"""Calibration of the null distribution, and precision and recall of the per-query cutoff.

Images and texts encoded by the starter: the part of Flickr8k that its heads never saw, COCO's
images, which they saw, and one image for each of 600 ImageNet classes, queried by class name. Only
an image's own texts count as matches, so precision is a lower bound. Without those files, a cloud
of pairs whose queries differ in their typical cosine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.encoders.encoder import load
from core.types.space import Space
from tests.bench.cut.cuts import cut_rows
from tests.bench.cut.subjects import subject_rows
from tests.bench.cut.tails import tail_rows
from tests.bench.stages.known import BATCH, DATA, ENCODER, unseen

COLLECTIONS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "flickr8k-800": ("flickr8k-800, held out", unseen),
    "coco-mini": ("coco-mini, seen by the starter's heads", lambda _: True),
    "imagenet-600": ("imagenet-600, by class name", lambda _: True),
}


def run() -> list[dict[str, Any]]:
    """Rows on chance hits, then on cutoffs, for each collection."""
    every = [row for name, space, _ in _collections() for row in rows(name, space)]
    return every + [row for one in _collections() for row in subject_rows(*one)]


def rows(name: str, space: Space) -> list[dict[str, Any]]:
    """All rows of one collection, whose texts each belong to one image."""
    return [*tail_rows(name, space), *cut_rows(name, space)]


@cache
def _collections() -> list[tuple[str, Space, list[str]]]:
    """Names, spaces and texts."""
    folder = Path(os.environ.get("SEXTANT_TEST_DATA") or DATA)
    collections = []
    for name, (title, kept) in COLLECTIONS.items():
        if (folder / name / "items.jsonl").is_file():
            lines = [line for line in _lines(folder / name) if kept(line["image"])]
            texts = [line.get("captions") or [f"a photo of a {line['label']}"] for line in lines]
            flat = [text for own in texts for text in own]
            collections.append((title, _encoded(folder / name, lines, texts), flat))
    return collections or [("synthetic", synthetic(), [])]


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "items.jsonl").read_text("utf-8").splitlines()]


def _encoded(folder: Path, lines: list[dict[str, Any]], texts: list[list[str]]) -> Space:
    """Images and the texts of each, encoded."""
    encoder, n = load(ENCODER), len(lines)
    files = [folder / line["image"] for line in lines]
    rows = [
        encoder.encode_images([Image.open(file) for file in files[i : i + BATCH]])
        for i in range(0, n, BATCH)
    ]
    vectors = np.concatenate([*rows, encoder.encode_texts([t for own in texts for t in own])])
    owner = np.repeat(np.arange(n), [len(own) for own in texts])
    pairs = np.column_stack([owner, n + np.arange(len(owner))])
    return Space(vectors, tuple(f"{i:05}" for i in range(len(vectors))), n, pairs)


def synthetic(n: int = 400, d: int = 32, seed: int = 0) -> Space:
    """Image-text pairs; each text shares a common direction by its own amount."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((n, d))
    texts = images + rng.uniform(0.6, 1.6, (n, 1)) * rng.standard_normal((n, d))
    texts += rng.uniform(0, 2, (n, 1)) * images.mean(axis=0) * np.sqrt(n)
    vectors = np.concatenate([images, texts])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.column_stack([np.arange(n), n + np.arange(n)])
    return Space(vectors.astype(np.float32), tuple(f"{i:05}" for i in range(2 * n)), n, pairs)
