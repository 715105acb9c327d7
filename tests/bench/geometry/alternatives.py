"""The same numbers by a direct computation or from a library, at a size that it can handle.

python -m tests.bench.geometry.alternatives prints JSON. Both sides measure the same fresh space;
the alternative computes all pairs of both kinds where ours may sample.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from core.measure.diagnostics import DIAGNOSTICS
from core.numerics.labels import classes
from core.types.arrays import Doubles, Floats, Kind
from core.types.result import Finding
from core.types.space import Space
from tests.bench.geometry.synthetic import synthetic
from tests.bench.rows import figures, row

ITEMS = 20_000
KINDS: tuple[Kind, ...] = ("image", "text")
BLOCK = 1000


def alternatives(n: int) -> list[dict[str, Any]]:
    """A row each: our seconds, theirs, and both values of the images."""
    space = synthetic(n)
    return [_compared(space, *what) for what in ALTERNATIVES if what[2] is not None]


def _compared(
    space: Space, name: str, how: str, direct: Callable[[Space, Kind], float]
) -> dict[str, Any]:
    fresh = replace(space, encoder=name)  # another key, so that nothing is cached
    started = perf_counter()
    findings: tuple[Finding, ...] = DIAGNOSTICS.get(name)(fresh)
    ours = perf_counter() - started
    started = perf_counter()
    value, _ = (direct(space, kind) for kind in KINDS)
    theirs = perf_counter() - started
    mine = next((f for f in findings if f.scope == "image"), findings[0])
    note = (
        f"baseline: {how}; {value:.4g}, ours {mine.value:.4g} ({mine.low:.4g} to {mine.high:.4g})"
    )
    title = f"{name}, against the alternative"
    return row(title, space.n, space.d, figures(ours), "s", note, baseline=figures(theirs))


def _pair_mean(space: Space, kind: Kind, kernel: Callable[[Floats], Floats]) -> float:
    rows = space.vectors[space.span(kind)]
    n, total = len(rows), 0.0
    for start in range(0, n, BLOCK):
        values = kernel(rows[start : start + BLOCK] @ rows.T)
        total += float(values.sum(dtype=np.float64)) - float(np.trace(values, start))
    return total / (n * (n - 1))


def _mean_cosine(space: Space, kind: Kind) -> float:
    return _pair_mean(space, kind, lambda cosines: cosines)


def _uniformity(space: Space, kind: Kind) -> float:
    return float(np.log(_pair_mean(space, kind, lambda cosines: np.exp(4 * cosines - 4))))


def _effective_rank(space: Space, kind: Kind) -> float:
    s = np.linalg.svd(space.vectors[space.span(kind)].astype(np.float64), compute_uv=False)
    p = s / s.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def _neighbors(space: Space, kind: Kind, k: int) -> tuple[Doubles, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    rows = space.vectors[space.span(kind)]
    index = NearestNeighbors(n_neighbors=k + 1, algorithm="brute", metric="cosine").fit(rows)
    distances, lists = index.kneighbors(rows)
    return distances[:, 1:], lists[:, 1:]


def _near_duplicates(space: Space, kind: Kind) -> float:
    return float((1 - _neighbors(space, kind, 1)[0][:, 0] >= 0.97 - 1e-6).mean())


def _hubness(space: Space, kind: Kind) -> float:
    from scipy.stats import skew

    lists = _neighbors(space, kind, 10)[1]
    return float(skew(np.bincount(lists.ravel(), minlength=len(lists))))


def _neural_collapse(space: Space, kind: Kind) -> float:
    given = classes(space, kind, least=5)
    parts = [space.vectors[given.of_class(i)].astype(np.float64) for i in range(len(given.names))]
    means = np.stack([part.mean(axis=0) for part in parts])
    inside = sum((part - mean).T @ (part - mean) for part, mean in zip(parts, means, strict=True))
    between = np.cov(means.T, bias=True)
    rank = len(parts) - 1
    values, directions = np.linalg.eigh(between)
    inverse = directions[:, -rank:] / values[-rank:] @ directions[:, -rank:].T
    return float(np.trace(inside / sum(map(len, parts)) @ inverse)) / len(parts)


def _rate_reduction(space: Space, kind: Kind) -> float:
    given = classes(space, kind, least=5)
    parts = [space.vectors[given.of_class(i)].astype(np.float64) for i in range(len(given.names))]

    def rate(x: Doubles) -> float:
        scale = x.shape[1] / 0.5 / len(x)
        return float(np.linalg.slogdet(np.eye(x.shape[1]) + scale * x.T @ x)[1])

    whole = np.concatenate(parts)
    return rate(whole) - sum(len(part) / len(whole) * rate(part) for part in parts)


def _subgroup_recall(space: Space, kind: Kind) -> float:
    """Recall@10 by label from the sorted scores of all captions; computed once, for the images."""
    if kind == "text":
        return 0.0
    image, text = space.pairs.T
    hits = np.empty(len(text))
    for start in range(0, len(text), BLOCK):
        scores = space.vectors[text[start : start + BLOCK]] @ space.images.T
        first = np.argsort(-scores, axis=1)[:, :10]
        hits[start : start + BLOCK] = (first == image[start : start + BLOCK, None]).any(axis=1)
    names = np.array([space.labels[i][0] for i in image])
    _, group, counts = np.unique(names, return_inverse=True, return_counts=True)
    names[counts[group] < 20] = "other"
    _, group, counts = np.unique(names, return_inverse=True, return_counts=True)
    rates = np.bincount(group, hits) / counts
    return float(np.sqrt(counts @ (rates - hits.mean()) ** 2 / counts.sum()))


def _two_nn() -> Callable[[Space, Kind], float] | None:
    """scikit-dimension's, where it is installed (it comes with the tests)."""
    try:
        import skdim
    except ImportError:
        return None

    def fitted(space: Space, kind: Kind) -> float:
        rows = space.vectors[space.span(kind)].astype(np.float64)
        rows = np.unique(rows, axis=0)  # it accepts no duplicates
        return float(skdim.id.TwoNN(discard_fraction=0.1).fit(rows).dimension_)

    return fitted


ALTERNATIVES: tuple[tuple[str, str, Any], ...] = (
    ("mean_cosine", "all pairs", _mean_cosine),
    ("uniformity", "all pairs", _uniformity),
    ("effective_rank", "singular values of all rows", _effective_rank),
    ("near_duplicates", "scikit-learn's neighbors of all", _near_duplicates),
    ("hubness", "scikit-learn's neighbors of all, SciPy's skewness", _hubness),
    ("intrinsic_dimension", "scikit-dimension's TwoNN", _two_nn()),
    ("neural_collapse", "scatter matrices in float64", _neural_collapse),
    ("rate_reduction", "log determinants of all labels in float64", _rate_reduction),
    ("subgroup_recall", "sorted scores of all captions", _subgroup_recall),
)

if __name__ == "__main__":
    json.dump(alternatives(ITEMS), sys.stdout)
