"""Fitting and applying each repair, beside scikit-learn where it has the same map.

SEXTANT_BENCH_ROWS vectors (1,000,000 by default), half of them images, in 512 dimensions. Images
have one of 200 labels, most of which are rare.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from core.improve import REPAIRS, Recipe, Step
from core.types.arrays import Floats
from core.types.space import Space
from tests.bench.cost import measured
from tests.bench.rows import figures, row

ROWS, D, TAKEN = 1_000_000, 512, 20_000  # rows in all, dimensions, rows for the comparison
LABELS = 200


def run() -> list[dict[str, Any]]:
    """Seconds and memory to fit and to apply each repair; then whitening against scikit-learn's."""
    space = _space(int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS))
    rows = []
    for name, part in REPAIRS.all().items():
        given = Space(
            space.vectors, space.ids, space.n_images, space.pairs, space.labels,
            text_lengths=space.text_lengths, encoder=name,
        )  # fmt: skip
        fit, fit_memory, fitted = measured(lambda p=part, s=given: p(s))
        recipe = Recipe((Step(name, {}),), (fitted,))
        apply, apply_memory, _ = measured(lambda r=recipe, s=given: r.space(s, query_kind="text"))
        for what, seconds, memory in (("fit", fit, fit_memory), ("apply", apply, apply_memory)):
            note = "all rows"
            rows.append(row(f"{what} {name}", space.n, D, figures(seconds), "s", note))
            note = "most in memory beside the vectors, by them"
            share = figures(memory / space.vectors.nbytes)
            rows.append(row(f"{what} {name}, memory", space.n, D, share, "", note))
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
    drawn = np.minimum(rng.zipf(1.3, half), LABELS).tolist()
    labels = [(f"label {i}",) for i in range(LABELS + 1)]
    return Space(
        vectors, tuple(map(str, range(n))), half, pairs,
        tuple(labels[i] for i in drawn) + ((),) * half,
        text_lengths=(100 * np.exp(5 * vectors[half:, 0])).astype(np.int64) + 1,
    )  # fmt: skip


def _against_sklearn(space: Space) -> dict[str, Any]:
    from sklearn.decomposition import PCA

    rows = space.vectors[: space.n_images][:TAKEN]
    part = Space(np.concatenate([rows, rows]), space.ids[: 2 * len(rows)], len(rows))
    ours = measured(lambda: REPAIRS.get("whitening")(part, exponent=1.0, ridge=0.0))[0]
    theirs = measured(lambda: PCA(whiten=True, svd_solver="covariance_eigh").fit(_both(rows)))[0]
    note = "baseline: scikit-learn PCA(whiten=True)"
    return row("fit whitening", part.n, D, figures(ours), "s", note, baseline=figures(theirs))


def _both(rows: Floats) -> Floats:
    return np.concatenate([rows, rows])
