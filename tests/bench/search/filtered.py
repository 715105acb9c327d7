"""Recall and time by selectivity and by the relation of filter and query."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from core.search.index import faiss_ivf, two_bit
from core.types.arrays import Bools, Floats, Ints
from core.types.space import Space
from tests.bench.search.clouds import Cloud
from tests.bench.search.timing import in_turn, recall_of, row
from tests.bench.search.ways import K

SHARES = 1.0, 0.3, 0.1, 0.01, 0.001, 0.0001
QUERIES = 4
Find = Callable[[Bools, Floats], Ints]


def filtered(space: Space, cloud: Cloud) -> list[dict[str, Any]]:
    """Rows for each path, selectivity and kind of filter; numpy is a product and a mask."""
    paths: dict[str, Find] = {
        "two steps": lambda mask, query: two_bit.top_k(space, query, K, mask=mask)[0],
        "approximate (IVF)": lambda mask, query: faiss_ivf.top_k(space, query, K, mask=mask)[0],
    }
    rows = []
    for kind in ("random", "near", "far"):
        for share in SHARES:
            if share == 1 and kind != "random":
                continue
            for name, find in paths.items():
                rows.append(_one(name, find, space.vectors, cloud, kind, share))
    return rows


def _one(
    name: str, find: Find, images: Floats, cloud: Cloud, kind: str, share: float
) -> dict[str, Any]:
    ours: list[float] = []
    plain: list[float] = []
    recalls = []
    for at, query in enumerate(cloud.queries[:QUERIES]):
        mask = _mask(images, cloud, kind, share, at)
        truth = _masked(images, mask, query)
        passing = partial(find, mask)
        recalls.append(recall_of(passing, query[None], [truth]))
        a, b = in_turn(passing, partial(_masked, images, mask), query[None])
        ours, plain = ours + a, plain + b
    return row(
        f"{name}, {100 * share:g}% pass, {kind}",
        images,
        1000 * median(ours),
        "ms",
        1000 * median(plain),
        median(a / b for a, b in zip(ours, plain, strict=True)),
        float(np.mean(recalls)),
        f"{int(mask.sum()):,} rows pass; baseline: numpy, every cosine and a mask",
    )


def _mask(images: Floats, cloud: Cloud, kind: str, share: float, at: int) -> Bools:
    """Rows that pass: random ones; those nearest to the cluster of the query; or the farthest."""
    n = len(images)
    allowed = max(K // 2, round(share * n))
    rng = np.random.default_rng(at)
    if kind == "random":
        first: Ints = rng.permutation(n)[:allowed]
    else:
        own = cloud.clusters == cloud.query_clusters[at]
        similarity = images @ images[own].mean(axis=0)
        similarity = np.where(own, 2, similarity) if kind == "near" else -similarity
        first = np.argsort(-similarity, kind="stable")[:allowed]
    mask = np.zeros(n, bool)
    mask[first] = True
    return mask


def _masked(images: Floats, mask: Bools, query: Floats) -> Ints:
    scores = np.where(mask, images @ query, -np.inf)
    best = np.argpartition(-scores, K)[:K]
    best = best[np.argsort(-scores[best])]
    rows: Ints = best[np.isfinite(scores[best])]
    return rows
