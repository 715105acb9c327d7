"""Several vectors an item against one: recall, bytes and time.

Recall is measured on the images of flickr8k-800 held out from the starter's training, and on those
of coco-mini, which were in it, with the 95% interval of the difference to one vector (paired
bootstrap over images). Text tokens are whole words, except in rows named word pieces. Fidelity is
the share of the exact multi-vector top ten that a method finds. The synthetic items have a planted
result and are many.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from core.numerics.multivector import best_matches, pool
from core.types.arrays import Floats, Ints
from core.types.space import Space
from core.types.tokens import Pooling
from tests.bench.multivector.clouds import Known, real, synthetic
from tests.bench.multivector.ways import Ask, Bag, exact, reranked, ways
from tests.bench.stages import PLAIN, measured
from tests.bench.stages.known import Task, directed

SINGLE = "single vector"
SIZES = (3000, 64, 49, 60)  # items, dimensions, tokens of each, queries
TIMED = 20


def run() -> list[dict[str, Any]]:
    """Rows on real images in both directions, on synthetic items, and on reading from the store."""
    rows: list[dict[str, Any]] = []
    for name, known in real().items():
        rows += [*_recall(name, known), *_costs(f"{name}, text to image", known)]
    many = synthetic(*SIZES)
    return [*rows, *_costs("synthetic items", many), _stored(many.images)]


def _recall(name: str, known: Known) -> Iterable[dict[str, Any]]:
    """Recall and mAP of every method in both directions, against one vector."""
    n = len(known.owner)
    vectors = np.concatenate([known.images.whole, known.captions.whole])
    first = len(known.images.whole)
    pairs = np.column_stack([known.owner, first + np.arange(n)])
    space = Space(vectors, tuple(f"{i:06}" for i in range(len(vectors))), first, pairs)
    few = [pool(parts, Pooling()) for parts in known.images.parts]
    images, means = Bag(known.images.whole, few), (known.patch_mean, known.text_mean)
    sides = {
        "text to image": (known.captions, known.images, means[::-1]),
        "image to text": (images, known.captions, means),
    }
    note = "in the training set of the starter" if "coco" in name else "held-out images"
    for way, (queries, items, of_both) in sides.items():
        task = directed(f"{name}, {way}", space, np.ones(space.n, bool), note, way)
        found = {name_: way_(items)[0](queries) for name_, way_ in ways(*of_both).items()}
        if known.pieces:
            whole = queries is known.captions
            one, many = (known.pieces, items) if whole else (queries, known.pieces)
            found["single + MaxSim rerank, word pieces"] = reranked(many)[0](one)
            found["exact multi-vector, word pieces"] = exact(many)(one)
        stages = {name: _stage(scores) for name, scores in found.items()}
        yield from measured(task, {PLAIN: stages.pop(SINGLE), **stages})


def _stage(scores: Floats) -> Any:
    order: Ints = np.argsort(-scores, axis=1, kind="stable")

    def stage(task: Task) -> Ints:
        return order

    return stage


def _costs(name: str, known: Known) -> Iterable[dict[str, Any]]:
    """Fidelity, recall@10, bytes and milliseconds of every method."""
    queries, items = known.captions, known.images
    best = _top(exact(items)(queries), 10)
    alone: float | None = None
    for way_name, way in ways(known.text_mean, known.patch_mean).items():
        ask, size = way(items)
        scores = ask(queries)
        same = [len(set(a) & set(b)) / 10 for a, b in zip(_top(scores, 10), best, strict=True)]
        own = scores[np.arange(len(known.owner)), known.owner][:, None]
        right = 100 * float(((scores > own).sum(axis=1) < 10).mean())
        ms = _ms(ask, queries)
        alone = alone or ms
        note = (
            f"{size:,.0f} bytes an item; recall is the share of the exact multi-vector top 10; "
            f"recall@10 {right:.1f}%"
        )
        yield {
            "name": f"{name}: {way_name}", "n": len(items.whole), "d": items.whole.shape[1],
            "value": round(ms, 3), "unit": "ms a query", "baseline": round(alone, 3),
            "ratio": round(ms / alone, 2), "recall": round(float(np.mean(same)), 3), "note": note,
        }  # fmt: skip


def _stored(items: Bag, hits: int = 400) -> dict[str, Any]:
    """Reading the pooled tokens of a shortlist from a collection on disk, against memory."""
    from tempfile import TemporaryDirectory

    from core.store.home import Home
    from core.types.item import Passport

    few = [pool(parts, Pooling()) for parts in items.parts]
    ids, d = [f"{i:06}" for i in range(len(few))], items.whole.shape[1]
    passport = Passport("synthetic", "w", "p", d)
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as place:
        collection = Home(place).create("synthetic")
        collection.write_vectors(passport, ids, items.whole)
        collection.tokens.write(passport, ids, few, Pooling().name)
        collection.optimize()
        times, quick = [], []
        for _ in range(10):
            rows = rng.choice(len(few), hits, replace=False).tolist()
            started = perf_counter()
            read = collection.tokens.read(passport, [ids[i] for i in rows])
            times.append(1000 * (perf_counter() - started))
            started = perf_counter()
            best_matches(items.parts[0][:5], list(read.values()))
            quick.append(1000 * (perf_counter() - started))
    return {
        "name": f"read the tokens of {hits} hits from the store", "n": len(few), "d": d,
        "value": round(median(times), 2), "unit": "ms", "baseline": round(median(quick), 3),
        "ratio": round(median(times) / median(quick), 1), "recall": None,
        "note": f"at most {Pooling().keep} vectors an item; the baseline is MaxSim over them",
    }  # fmt: skip


def _top(scores: Floats, k: int) -> list[list[int]]:
    best: list[list[int]] = np.argsort(-scores, axis=1, kind="stable")[:, :k].tolist()
    return best


def _ms(ask: Ask, queries: Bag) -> float:
    """Median milliseconds of one query at a time."""
    times = []
    for at in range(min(TIMED, len(queries.parts))):
        one = queries.one(at)
        started = perf_counter()
        ask(one)
        times.append(1000 * (perf_counter() - started))
    return median(times)
