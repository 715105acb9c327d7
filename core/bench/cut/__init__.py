"""Whether chance keeps its promise, and what a cut that follows the query is worth.

Real pictures and texts through the starter: the part of Flickr8k that its heads never saw, and one
picture for each of 600 ImageNet classes, asked for by name. A picture of which only the own texts
are known is a match for no other text, so precision is a lower bound. Without those files, a cloud
of pairs whose queries differ in how far they reach.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core import encoders
from core.bench.cut.cuts import cut_rows
from core.bench.cut.tails import tail_rows
from core.bench.stages.known import BATCH, DATA, ENCODER, encoded, unseen
from core.types import Space


def run() -> list[dict[str, Any]]:
    """Rows on chance hits, then on cuts, for each collection."""
    return [row for name, space in _collections() for row in rows(name, space)]


def rows(name: str, space: Space) -> list[dict[str, Any]]:
    """All rows of one collection, whose texts each belong to one picture."""
    return [*tail_rows(name, space), *cut_rows(name, space)]


def _collections() -> list[tuple[str, Space]]:
    folder = Path(os.environ.get("SEXTANT_TEST_DATA") or DATA)
    if not (folder / "flickr8k-800" / "items.jsonl").is_file():
        return [("made up", made_up())]
    space, names, _ = encoded(folder / "flickr8k-800")
    images = np.flatnonzero([unseen(name) for name in names])
    texts = space.pairs[np.isin(space.pairs[:, 0], images), 1]
    found = [("flickr8k-800, held out", space.subset(np.concatenate([images, texts])))]
    if (folder / "imagenet-600" / "items.jsonl").is_file():
        found.append(("imagenet-600, by name", _by_name(folder / "imagenet-600")))
    return found


def _by_name(folder: Path) -> Space:
    lines = [json.loads(x) for x in (folder / "items.jsonl").read_text("utf-8").splitlines()]
    encoder, n = encoders.load(ENCODER), len(lines)
    vectors = [
        encoder.encode_images([Image.open(folder / x["image"]) for x in lines[i : i + BATCH]])
        for i in range(0, n, BATCH)
    ]
    vectors.append(encoder.encode_texts([f"a photo of a {x['label']}" for x in lines]))
    pairs = np.column_stack([np.arange(n), n + np.arange(n)])
    return Space(np.concatenate(vectors), tuple(f"{i:05}" for i in range(2 * n)), n, pairs)


def made_up(n: int = 400, d: int = 32, seed: int = 0) -> Space:
    """Pairs of a picture and a text; each text leans on a common direction by its own amount."""
    rng = np.random.default_rng(seed)
    pictures = rng.standard_normal((n, d))
    texts = pictures + rng.uniform(0.6, 1.6, (n, 1)) * rng.standard_normal((n, d))
    texts += rng.uniform(0, 2, (n, 1)) * pictures.mean(axis=0) * np.sqrt(n)
    vectors = np.concatenate([pictures, texts])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.column_stack([np.arange(n), n + np.arange(n)])
    return Space(vectors.astype(np.float32), tuple(f"{i:05}" for i in range(2 * n)), n, pairs)
