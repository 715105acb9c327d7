"""One image vector optimized to answer everything: is it named, and what ranks it lower again.

Two attacks on the first image: towards the mean of all texts, and, knowing every text and its
tenth result, towards the first ten of as many texts as possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.improve import HUB_CORRECTIONS, corrected
from core.measure import DIAGNOSTICS
from core.numerics.neighbors import top_k
from core.types.arrays import Doubles
from core.types.space import Space
from core.workbench import Workbench

DATA = Path(__file__).parents[3] / "shared" / "data"
COLLECTIONS = ("flickr8k-800", "coco-mini")
VICTIM, K = 0, 10
STEPS, RATE, SOFT = 300, 0.05, 0.02  # of the ascent; how soft the count of lists is, in cosine
LEAN = 0.5  # of the synthetic space: images lean one way and texts another, as CLIP's do


def run() -> list[dict[str, Any]]:
    """A row for each space, attack and correction; collections only where they are at hand."""
    return [
        _row(f"{name}, {attack}", correction, space)
        for name, clean in _spaces()
        for attack, space in _attacked(clean)
        for correction in ("none", *HUB_CORRECTIONS.all())
    ]


def _attacked(clean: Space) -> Iterator[tuple[str, Space]]:
    yield "clean", clean
    for name, ascend in (("towards the mean", _mean), ("towards all first tens", _first_tens)):
        rows = clean.vectors.copy()
        rows[VICTIM] = ascend(clean)
        yield name, replace(clean, vectors=rows)


def _row(where: str, correction: str, space: Space) -> dict[str, Any]:
    ranked = space if correction == "none" else corrected(space, correction)
    bias = ranked.offset[: space.n_images]
    best, _ = top_k(space.texts, space.images, K, offset=bias if bias.any() else None)
    others = space.pairs[space.pairs[:, 0] == VICTIM, 1] - space.n_images
    strangers = np.delete(best, others, axis=0)
    found = next(f for f in DIAGNOSTICS.get("hub_attack")(ranked) if f.scope == "joint")
    assert found.per_item is not None
    image, text = space.pairs.T
    recall = float((best[text - space.n_images, 0] == image).mean())
    return {
        "collection": where,
        "correction": correction,
        "text queries that have it in their first ten, %": round(
            100 * float((strangers == VICTIM).any(axis=1).mean()), 1
        ),
        "images named": int(found.value),
        "it is named": "yes" if space.ids[VICTIM] in found.detail else "no",
        "text → image R@1, %": round(100 * recall, 1),
    }


def _mean(clean: Space) -> Doubles:
    mean = clean.texts.mean(axis=0, dtype=np.float64)
    return mean / np.linalg.norm(mean)


def _first_tens(clean: Space) -> Doubles:
    """Gradient ascent on a soft count of the texts that have it in their first ten."""
    texts = clean.texts.astype(np.float64)
    tenth = top_k(clean.texts, clean.images, K)[1][:, -1]
    image, best, most = _mean(clean), _mean(clean), -1
    for _ in range(STEPS):
        above = texts @ image - tenth
        if (count := int((above > 0).sum())) > most:
            best, most = image, count
        weight = 1 / np.cosh(np.clip(above / (2 * SOFT), -30, 30)) ** 2
        step = weight @ texts
        image = image + RATE * step / np.linalg.norm(step)
        image /= np.linalg.norm(image)
    return best


def _spaces() -> Iterator[tuple[str, Space]]:
    for name in COLLECTIONS:
        if (DATA / name).exists():
            with TemporaryDirectory() as folder:
                bench = Workbench(folder)
                bench.ingest(name, DATA / name)
                yield name, bench.open(name).space
    yield "synthetic with a gap", _synthetic(1000, 128)


def _synthetic(n: int, d: int) -> Space:
    rng = np.random.default_rng(0)
    own = _unit(rng.standard_normal((n, d)))
    images = _unit(own + 0.6 * _unit(rng.standard_normal((n, d))) + LEAN * np.eye(d)[0])
    texts = _unit(own + 0.6 * _unit(rng.standard_normal((n, d))) - LEAN * np.eye(d)[0])
    pairs = np.column_stack([np.arange(n), n + np.arange(n)])
    rows = np.concatenate([images, texts]).astype(np.float32)
    return Space(rows, tuple(f"{i:06}" for i in range(2 * n)), n, pairs)


def _unit(rows: Doubles) -> Doubles:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
