"""Real images and captions: recall of two steps, and the time from a text to its results."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from core.encoders.encoder import load
from core.errors import InputError
from core.numerics.neighbors import top_k
from core.search.engine import search
from core.search.index import two_bit
from core.types.space import Space
from tests.bench.search.timing import in_turn, recall_of, row, seconds
from tests.bench.search.ways import K, blas
from tests.bench.stages.known import DATA, ENCODER, encoded

QUERIES = 200
TEXTS = ("a dog on a beach", "two people riding bicycles", "red car", "children playing in snow")


def real() -> list[dict[str, Any]]:
    """Captions of Flickr8k against its images and captions; no rows where there are none."""
    try:
        space, _, _ = encoded(Path(os.environ.get("SEXTANT_TEST_DATA") or DATA) / "flickr8k-800")
    except InputError as error:
        return [row("real data", np.empty((0, 0), np.float32), None, "", note=str(error))]
    queries = space.texts[:: max(1, len(space.texts) // QUERIES)]
    truth = list(top_k(queries, space.vectors, K)[0])
    rows = []
    for name, find in (
        ("exact, resident", lambda q: top_k(q[None], space.vectors, K)[0][0]),
        ("exact in two steps", lambda q: two_bit.top_k(space, q, K)[0]),
    ):
        ours, plain = in_turn(find, partial(blas, space.vectors), queries)
        ratio = median(a / b for a, b in zip(ours, plain, strict=True))
        recall = recall_of(find, queries, truth)
        note = "captions against images and captions; encoder: the starter"
        rows.append(
            row(
                f"real: {name}",
                space.vectors,
                1000 * median(ours),
                "ms",
                1000 * median(plain),
                ratio,
                recall,
                note,
            )
        )
    return rows


def end_to_end(space: Space) -> list[dict[str, Any]]:
    """From a text to its result: text tower of the starter, hits, null, histogram and hubs."""
    encoder = load(ENCODER)
    rng = np.random.default_rng(0)

    def one(text: str) -> None:
        own = encoder.encode_texts([text])[0]
        # The synthetic space has more dimensions than the starter: any unit vector costs the same.
        search(space, np.pad(own, (0, space.d - len(own))))

    one(TEXTS[0])
    times = [seconds(partial(one, f"{TEXTS[i % 4]} {rng.integers(99)}")) for i in range(20)]
    alone = [seconds(partial(encoder.encode_texts, [f"{TEXTS[i % 4]} {i}"])) for i in range(20)]
    p95 = 1000 * float(np.quantile(times, 0.95))
    note = f"p95 {p95:.0f} ms; baseline: the text tower alone"
    return [
        row(
            "from a text to its result",
            space.vectors,
            1000 * median(times),
            "ms",
            1000 * median(alone),
            median(times) / median(alone),
            note=note,
        )
    ]
