"""Real pictures and captions: what two steps find of them, and how long an answer takes."""

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

ASKED = 200
WORDS = ("a dog on a beach", "two people riding bicycles", "red car", "children playing in snow")


def real() -> list[dict[str, Any]]:
    """Captions of Flickr8k against its pictures and captions; no rows where there are none."""
    try:
        space, _, _ = encoded(Path(os.environ.get("SEXTANT_TEST_DATA") or DATA) / "flickr8k-800")
    except InputError as error:
        return [row("real data", np.empty((0, 0), np.float32), None, "", note=str(error))]
    queries = space.texts[:: max(1, len(space.texts) // ASKED)]
    truth = list(top_k(queries, space.vectors, K)[0])
    rows = []
    for name, find in (
        ("exact, resident", lambda q: top_k(q[None], space.vectors, K)[0][0]),
        ("exact in two steps", lambda q: two_bit.top_k(space, q, K)[0]),
    ):
        ours, plain = in_turn(find, partial(blas, space.vectors), queries)
        ratio = median(a / b for a, b in zip(ours, plain, strict=True))
        recall = recall_of(find, queries, truth)
        note = "captions against pictures and captions; the starter encodes"
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


def answers(space: Space) -> list[dict[str, Any]]:
    """From words to a whole answer: the starter's text tower, hits, null, histogram and hubs."""
    encoder = load(ENCODER)
    rng = np.random.default_rng(0)

    def answer(words: str) -> None:
        own = encoder.encode_texts([words])[0]
        # The made space has more dimensions than the starter: any unit vector costs the same.
        search(space, np.pad(own, (0, space.d - len(own))))

    answer(WORDS[0])
    times = [seconds(partial(answer, f"{WORDS[i % 4]} {rng.integers(99)}")) for i in range(20)]
    alone = [seconds(partial(encoder.encode_texts, [f"{WORDS[i % 4]} {i}"])) for i in range(20)]
    p95 = 1000 * float(np.quantile(times, 0.95))
    note = f"p95 {p95:.0f} ms; baseline: the text tower alone"
    return [
        row(
            "from words to an answer",
            space.vectors,
            1000 * median(times),
            "ms",
            1000 * median(alone),
            median(times) / median(alone),
            note=note,
        )
    ]
