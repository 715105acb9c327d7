"""NNN and CSLS beside `nnn-retrieval` and `kiez`: the same ranking, and the time.

kiez 0.5 asks for numpy<2, so that no extra can name it, but runs with today's numpy and, without
its checks of fitted estimators, with today's scikit-learn: `pip install --no-deps kiez
class-resolver`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from core.improve.hub_corrections import HUB_CORRECTIONS, QueryBank
from core.numerics.neighbors import top_k
from core.types.arrays import Floats, Ints
from tests.bench.rows import figures, row

ITEMS, QUERIES, D, K = 10_000, 2000, 512, 10
BANK, ALPHA = 128, 0.75  # of NNN: queries averaged, and their weight
ROUNDS = 3
NONE = np.empty((0, 2), np.int64)


def run() -> list[dict[str, Any]]:
    """Rows for the libraries that are installed."""
    items, queries = _rows(ITEMS, 0), _rows(QUERIES, 1)
    cases = {
        "nnn": ("nnn", "nnn-retrieval", _their_nnn, {"k": BANK, "alpha": ALPHA}),
        "csls": ("kiez", "kiez CSLS, exact neighbors", _their_csls, {"k": K}),
    }
    rows = []
    for name, (module, library, theirs, settings) in cases.items():
        if find_spec(module) is None:
            continue
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            rows.append(_compared(name, library, theirs, settings, items, queries))
    return rows


def _compared(
    name: str,
    library: str,
    theirs: Callable[[Floats, Floats], Ints],
    settings: dict[str, Any],
    items: Floats,
    queries: Floats,
) -> dict[str, Any]:
    seconds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        started = perf_counter()
        ours, biases = _ours(name, settings, items, queries)
        between = perf_counter()
        found = theirs(items, queries)
        seconds.append((between - started, perf_counter() - between))
    _same_ranking(ours, found, queries @ items.T - biases)
    mine, other = (median(side) for side in zip(*seconds, strict=True))
    return row(
        f"{name}: fit and search", len(items), D, figures(mine), "s",
        f"baseline: {library}; {len(queries):,} queries, the same ranking",
        baseline=figures(other), ratio=median(a / b for a, b in seconds),
    )  # fmt: skip


def _ours(
    name: str, settings: dict[str, Any], items: Floats, queries: Floats
) -> tuple[Ints, Floats]:
    bank = QueryBank(items, queries, items, NONE, NONE)
    biases = HUB_CORRECTIONS.get(name)(bank, **settings).astype(np.float32)
    return top_k(queries, items, K, offset=biases)[0], biases


def _their_nnn(items: Floats, queries: Floats) -> Ints:
    from nnn import NNNRanker, NNNRetriever

    ranker = NNNRanker(
        NNNRetriever(D), items, queries, alternate_ks=BANK, batch_size=1024, alternate_weight=ALPHA
    )
    return ranker.search(queries, K)[1]


def _their_csls(items: Floats, queries: Floats) -> Ints:
    from kiez import Kiez
    from kiez.hubness_reduction import csls
    from kiez.neighbors import neighbor_algorithm_base

    for module in (csls, neighbor_algorithm_base):
        vars(module)["check_is_fitted"] = lambda *arguments, **settings: None
    near = {"algorithm": "brute", "metric": "cosine", "n_jobs": -1}
    part = Kiez(n_candidates=K, algorithm="SklearnNN", algorithm_kwargs=near, hubness="CSLS")
    part.fit(queries, items)
    return part.kneighbors()[1]


def _same_ranking(ours: Ints, theirs: Ints, scores: Floats) -> None:
    """Their order is that of our scores; kiez orders the nearest by cosine and no others."""
    own = np.take_along_axis(scores, theirs, axis=1)
    assert (np.diff(own, axis=1) < 1e-5).all(), "another order"
    whole = np.sort(np.take_along_axis(scores, ours, axis=1), axis=1)
    assert (own.max(axis=1) <= whole[:, -1] + 1e-5).all(), "a better result than the first"


def _rows(n: int, seed: int) -> Floats:
    """Items near a hundred centers that lean one way: some are hubs."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(9).standard_normal((100, D))
    rows = centers[rng.integers(0, 100, n)] + 1.5 * rng.standard_normal((n, D)) + 0.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
