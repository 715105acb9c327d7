"""Cutoffs evaluated on held-out images; half of the queries have their own image removed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.numerics.neighbors import cosines as similarities
from core.search.background_queries import BackgroundQueries, null_tail
from core.search.calibration import Calibration, calibrate
from core.search.cutoff import EXPECTED, by_chance, by_pairs
from core.search.null import fit_null
from core.types.arrays import Bools, Doubles, Floats, Ints
from core.types.space import Space
from tests.bench.rows import row

SPLITS, RESAMPLES = 4, 1000
FIRST = (1, 5, 10, 20)
LEVELS = (0.3, EXPECTED)
CALIBRATED, IN_USE = "calibrated on pairs", "both (the default)"
BACKGROUND = 200  # captions that the null distribution is estimated from
FIXED = ("fixed cosine, best F0.5 on the fitting half", "fixed cosine, same miss rate")


@dataclass(frozen=True)
class CutoffScore:
    """One split: calibrated on one half of the images, evaluated on the other half's queries.

    Args:
        calibration: fitted on the first half.
        space: the collection.
        background: captions of the first half, for the null distribution.
        fixed: cosines chosen on the first half, in the order of `FIXED`.
        vectors: (q, d) queries.
        groups: (q,) rows of their images.
        cosines: (q, n); -inf where the query's own image was removed.
        own: (q, n) whether an image is the query's own, where it was not removed.
    """

    calibration: Calibration
    space: Space
    background: BackgroundQueries
    fixed: tuple[float, float]
    vectors: Floats
    groups: Ints
    cosines: Doubles
    own: Bools

    def scores(self) -> Doubles:
        """(q, n) cosines as the calibration's adapter maps them."""
        a, b = self.calibration.line(self.vectors)
        return a[:, None] * self.cosines + b[:, None]

    def counts(self) -> dict[str, Doubles]:
        """By rule, (q, 3): true matches above the cutoff, items above it, true matches in all."""
        shape = null_tail(self.space, self.background, "image", None)
        known = [row[np.isfinite(row)].astype(np.float32) for row in self.cosines]
        nulls = [fit_null(row, shape) for row in known]
        n = self.cosines.shape[1]
        by_calibration = [by_pairs(self.calibration, v).cosines["image"] for v in self.vectors]
        cutoffs = {CALIBRATED: by_calibration}
        for level in LEVELS:
            cutoffs[f"chance hits: {level:g}"] = [
                by_chance({"image": x}, n, level).cosines["image"] for x in nulls
            ]
        cutoffs[IN_USE] = list(np.maximum(by_calibration, cutoffs[f"chance hits: {EXPECTED:g}"]))
        cutoffs |= {rule: [x] * len(nulls) for rule, x in zip(FIXED, self.fixed, strict=True)}
        ordered = -np.sort(-self.cosines, axis=1)
        cutoffs |= {f"first {k}": list(ordered[:, k - 1]) for k in FIRST}
        return {rule: _counted(self.cosines, self.own, np.array(x)) for rule, x in cutoffs.items()}


def cut_rows(name: str, space: Space) -> list[dict[str, Any]]:
    """F0.5 of each cutoff, recall against the calibrated miss rate, PR-AUC of the adapted score."""
    parts = [judge(space, seed) for seed in range(SPLITS)]
    weights = _resample(np.concatenate([part.groups for part in parts]))
    by_part = [part.counts() for part in parts]
    counts = {rule: np.concatenate([c[rule] for c in by_part]) for rule in by_part[0]}
    ours = _quality(counts[IN_USE], weights)
    rows = []
    for rule, counted in counts.items():
        value, sample = _quality(counted, weights)
        low, high = np.quantile(sample - ours[1], [0.025, 0.975])
        hit, kept, there = counted.sum(axis=0)
        empty = float((counted[counted[:, 2] == 0, 1] == 0).mean())
        false = float((counted[counted[:, 2] > 0, 1] == 0).mean())
        note = (
            f"precision {hit / max(kept, 1):.1%}, {kept / len(counted):.2f} matches per query, no "
            f"match for {empty:.0%} of the queries without their image and {false:.0%} of those "
            f"with it; difference from the default {low:+.3f} to {high:+.3f}"
        )
        rows.append(_row(space, f"{name}: F0.5, {rule}", value, ours[0], hit / there, note))
    return [*rows, *_promises(name, space, parts), _area(name, space, parts)]


def judge(space: Space, seed: int) -> CutoffScore:
    """Calibrate on one half of the images; every second query of the other loses its own image."""
    rng = np.random.default_rng(seed)
    pairs = space.pairs[rng.permutation(len(space.pairs))]
    first = (rng.permutation(space.n_images) < space.n_images // 2)[pairs[:, 0]]
    calibration = calibrate(replace(space, pairs=pairs[first]), seed=seed)
    if calibration is None:
        raise ValueError("the collection has too few pairs to calibrate on half of them")
    halves = [_queries(space, part) for part in (pairs[first], pairs[~first])]
    cosines, own = halves[0]
    levels = np.quantile(cosines[own], np.linspace(0.3, 0.99, 70))
    tried = [_f(_counted(cosines, own, np.full(len(cosines), x)).sum(axis=0)) for x in levels]
    every = (space.vectors[pairs[first, 0]] * space.vectors[pairs[first, 1]]).sum(axis=1)
    fixed = (
        float(levels[int(np.argmax(tried))]),
        float(np.quantile(every, calibration.usual or 0.5)),
    )
    rest, few = pairs[~first], pairs[first][:BACKGROUND]
    vectors, name = space.vectors[few[:, 1]], f"half of the captions {seed}"
    background = BackgroundQueries(vectors, few[:, 1:], name)
    queries = space.vectors[rest[:, 1]]
    return CutoffScore(calibration, space, background, fixed, queries, rest[:, 0], *halves[1])


def _queries(space: Space, pairs: Ints) -> tuple[Doubles, Bools]:
    values = similarities(space.images, space.vectors[pairs[:, 1]].T).T.astype(np.float64)
    own = pairs[:, :1] == np.arange(space.n_images)
    gone = np.arange(len(pairs))[:, None] % 2 == 0
    return np.where(own & gone, -np.inf, values), own & ~gone


def _counted(cosines: Doubles, own: Bools, cutoff: Doubles) -> Doubles:
    kept = (cosines >= cutoff[:, None]) & np.isfinite(cosines)
    columns = [(kept & own).sum(axis=1), kept.sum(axis=1), own.sum(axis=1)]
    return np.column_stack(columns).astype(np.float64)


def _f(sums: Doubles) -> Doubles:
    """F0.5 from (..., 3) sums: 1.25 hits / (0.25 there + kept)."""
    hit, kept, there = np.moveaxis(sums, -1, 0)
    return np.asarray(1.25 * hit / np.maximum(0.25 * there + kept, 1e-12))


def _resample(groups: Ints) -> Doubles:
    """(RESAMPLES, q) weight of each query in a bootstrap over images."""
    place = np.unique(groups, return_inverse=True)[1]
    n = int(place.max()) + 1
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    return np.asarray(counts[:, place], np.float64)


def _quality(counted: Doubles, weights: Doubles) -> tuple[float, Doubles]:
    return float(_f(counted.sum(axis=0))), _f(weights @ counted)


def _promises(name: str, space: Space, parts: list[CutoffScore]) -> list[dict[str, Any]]:
    """Recall of the calibrated cutoff, against one minus the miss rate it is set to."""
    rows = []
    for miss in (0.1, 0.3, 0.5):
        kept = []
        for part in parts:
            cutoff = np.array([part.calibration.cosine(v, miss) for v in part.vectors])
            hit, _, there = _counted(part.cosines, part.own, cutoff).sum(axis=0)
            kept.append(hit / there)
        note = f"{SPLITS} splits: {min(kept):.1%} to {max(kept):.1%}"
        value = float(np.mean(kept))
        rows.append(_row(space, f"{name}: recall, calibrated", value, 1 - miss, value, note))
    return rows


def _area(name: str, space: Space, parts: list[CutoffScore]) -> dict[str, Any]:
    """PR-AUC over all queries and images: the adapted score against the cosine."""
    from sklearn.metrics import average_precision_score

    areas = np.array(
        [
            [
                average_precision_score(part.own[finite], score[finite])
                for score in (part.scores(), part.cosines)
            ]
            for part in parts
            for finite in [np.isfinite(part.cosines)]
        ]
    )
    gain = areas[:, 0] - areas[:, 1]
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    note = f"{SPLITS} splits: gain {gain.mean():+.3f}, standard error of the mean {error:.3f}"
    value, plain = areas.mean(axis=0)
    return _row(space, f"{name}: PR-AUC, adapted score", float(value), float(plain), None, note)


def _row(
    space: Space, name: str, value: float, baseline: float, recall: float | None, note: str
) -> dict[str, Any]:
    return row(
        name,
        space.n_images,
        space.d,
        round(value, 4),
        "share",
        note,
        baseline=round(baseline, 4),
        ratio=value / baseline,
        recall=None if recall is None else round(float(recall), 4),
    )
