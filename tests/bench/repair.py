"""Fitting and applying each repair, beside scikit-learn where it has the same map.

SEXTANT_BENCH_ROWS vectors (1,000,000 by default), half of them images, in 512 dimensions.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

import numpy as np

from core.improve import REPAIRS
from core.types.arrays import Floats
from core.types.space import Space
from tests.bench.rows import figures, row

ROWS, D, TAKEN = 1_000_000, 512, 20_000  # rows in all, dimensions, rows for the comparison


def run() -> list[dict[str, Any]]:
    """Seconds to fit and to apply each repair; then whitening against scikit-learn's PCA."""
    space = _space(int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS))
    rows = []
    for name, part in REPAIRS.all().items():
        space = Space(space.vectors, space.ids, space.n_images, space.pairs, encoder=name)
        started = perf_counter()
        fitted = part(space)
        fit = perf_counter() - started
        started = perf_counter()
        for kind in ("image", "text"):
            fitted.rows[kind](space.vectors[space.span(kind)])
        apply = perf_counter() - started
        for what, seconds in (("fit", fit), ("apply", apply)):
            rows.append(row(f"{what} {name}", space.n, D, figures(seconds), "s", "all rows"))
    return [*rows, _against_sklearn(space)]


def _space(n: int) -> Space:
    rng = np.random.default_rng(0)
    vectors = np.empty((n, D), np.float32)
    half = n // 2
    for start in range(0, half, 65_536):
        stop = min(half, start + 65_536)
        vectors[start:stop] = rng.standard_normal((stop - start, D), np.float32)
        noise = rng.standard_normal((stop - start, D), np.float32)
        vectors[half + start : half + stop] = vectors[start:stop] + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.column_stack([np.arange(half), half + np.arange(half)])
    return Space(vectors, tuple(map(str, range(n))), half, pairs)


def _against_sklearn(space: Space) -> dict[str, Any]:
    from sklearn.decomposition import PCA

    rows = space.vectors[: space.n_images][:TAKEN]
    part = Space(np.concatenate([rows, rows]), space.ids[: 2 * len(rows)], len(rows))
    ours = _seconds(lambda: REPAIRS.get("whitening")(part, exponent=1.0, ridge=0.0))
    theirs = _seconds(lambda: PCA(whiten=True, svd_solver="covariance_eigh").fit(_both(rows)))
    note = "baseline: scikit-learn PCA(whiten=True)"
    return row("fit whitening", part.n, D, figures(ours), "s", note, baseline=figures(theirs))


def _both(rows: Floats) -> Floats:
    return np.concatenate([rows, rows])


def _seconds(work: Any) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
