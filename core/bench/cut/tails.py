"""Chance hits that were promised and that came, under several nulls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.neighbors import cosines
from core.search import fit_null
from core.types import Doubles, Space

EXPECTED = (0.1, 1.0, 10.0)
FOREIGN = 500  # other texts that tell how similar a picture usually is


def tail_rows(name: str, space: Space) -> list[dict[str, Any]]:
    """Every text asks for pictures of which its own is gone: what passes a cut passes by chance."""
    from scipy.stats import kstest

    found = cosines(space.images, space.vectors[space.pairs[:, 1]].T).T.astype(np.float64)
    own = space.pairs[:, :1] == np.arange(space.n_images)
    kept: dict[str, list[list[int]]] = {}
    best = []
    usual = _usual(found, own)
    for row, mine, (mean, sd) in zip(found, own, usual, strict=True):
        x, z = row[~mine], ((row - mean) / sd)[~mine]
        for rule, tail in TAILS.items():
            p = tail(z) if "picture" in rule else tail(x)
            kept.setdefault(rule, []).append([int((len(x) * p <= e).sum()) for e in EXPECTED])
        best.append(-np.expm1(len(x) * np.log1p(-min(_in_use(x).min(), 1 - 1e-9))))
    far = kstest(best, "uniform").statistic
    note = (
        f"{len(found)} texts whose own picture is gone; {{}} without any hit at that level; "
        f"p_value of the best hit: {np.mean(np.array(best) < 0.05):.1%} below 0.05, distance from "
        f"uniform {far:.2f} (Kolmogorov-Smirnov)"
    )
    return [
        {
            "name": f"{name}: chance hits, {rule}, {expected:g} promised",
            "n": space.n_images,
            "d": space.d,
            "value": round(float(np.mean(counts, axis=0)[i]), 3),
            "unit": "hits a query",
            "baseline": expected,
            "ratio": round(float(np.mean(counts, axis=0)[i]) / expected, 3),
            "recall": None,
            "note": note.format(f"{np.mean(np.array(counts)[:, i] == 0):.0%}"),
        }
        for rule, counts in kept.items()
        for i, expected in enumerate(EXPECTED)
    ]


def _usual(found: Doubles, own: Doubles) -> Doubles:
    """(q, 2, n) mean and deviation of each picture's cosines with texts of other pictures."""
    foreign = np.where(own, np.nan, found)[:: -(-len(found) // FOREIGN)]
    usual = np.stack([np.nanmean(foreign, axis=0), np.nanstd(foreign, axis=0)])
    return np.broadcast_to(usual, (len(found), *usual.shape))


def _in_use(x: Doubles) -> Doubles:
    return fit_null(x.astype(np.float32)).p(x)


def _student(x: Doubles) -> Doubles:
    from scipy.special import stdtr

    n = len(x)
    return np.asarray(stdtr(n - 1, -(x - x.mean()) / (x.std(ddof=1) * np.sqrt(1 + 1 / n))))


def _pareto(x: Doubles) -> Doubles:
    from scipy.stats import genpareto

    start = np.quantile(x, 0.9)
    shape, _, scale = genpareto.fit(x[x > start] - start, floc=0)
    return np.where(x > start, 0.1 * genpareto.sf(x - start, shape, 0, scale), 1.0)


def _exponential(x: Doubles) -> Doubles:
    start = np.quantile(x, 0.95)
    excess = (x[x > start] - start).mean()
    return np.where(x > start, 0.05 * np.exp(-np.maximum(x - start, 0) / excess), 1.0)


TAILS: dict[str, Callable[[Doubles], Doubles]] = {
    "the null in use": _in_use,
    "Student-normal": _student,
    "exponential, top 5 %": _exponential,
    "generalised Pareto, top 10 %": _pareto,
    "Student-normal, each picture against other texts": _student,
    "the null in use, each picture against other texts": _in_use,
}
