"""Cuts judged on pictures they were not learnt from; half of the queries have lost their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.numerics.neighbors import cosines
from core.search.background_queries import BackgroundQueries, null_tail
from core.search.calibration import Calibration, calibrate
from core.search.cutoff import EXPECTED, by_chance, by_pairs
from core.search.null import fit_null
from core.types.arrays import Bools, Doubles, Floats, Ints
from core.types.space import Space

SPLITS, RESAMPLES = 4, 1000
FIRST = (1, 5, 10, 20)
LEVELS = (0.3, EXPECTED)
LEARNT, IN_USE = "learnt from pairs", "both must agree"
TOLD = 200  # captions that tell what is chance
FIXED = ("fixed cosine with the best F0.5 while learning", "fixed cosine with the same promise")


@dataclass(frozen=True)
class CutoffScore:
    """One split: what was learnt from one half of the pictures, and the other half's queries.

    Args:
        learnt: the calibration.
        space: the collection.
        told: captions of the same half, that tell what is chance.
        fixed: cosines chosen on the same half, in the order of `FIXED`.
        vectors: (q, d) queries.
        groups: (q,) rows of their pictures.
        found: (q, n) cosines; -inf where the own picture was taken away.
        own: (q, n) which picture is the own one, where it was left.
    """

    learnt: Calibration
    space: Space
    told: BackgroundQueries
    fixed: tuple[float, float]
    vectors: Floats
    groups: Ints
    found: Doubles
    own: Bools

    def scores(self) -> Doubles:
        """(q, n) cosines as the calibration's adapter sees them."""
        a, b = self.learnt.line(self.vectors)
        return a[:, None] * self.found + b[:, None]

    def counts(self) -> dict[str, Doubles]:
        """By cut, (q, 3): true matches kept, all that is kept, true matches there are."""
        shape = null_tail(self.space, self.told, "image", None)
        known = [row[np.isfinite(row)].astype(np.float32) for row in self.found]
        nulls = [fit_null(row, shape) for row in known]
        n = self.found.shape[1]
        learnt = [by_pairs(self.learnt, v).cosines["image"] for v in self.vectors]
        cuts = {LEARNT: learnt}
        for level in LEVELS:
            cut = [by_chance({"image": x}, n, level).cosines["image"] for x in nulls]
            cuts[f"chance hits: {level:g}"] = cut
        cuts[IN_USE] = list(np.maximum(learnt, cuts[f"chance hits: {EXPECTED:g}"]))
        cuts |= {rule: [x] * len(nulls) for rule, x in zip(FIXED, self.fixed, strict=True)}
        ordered = -np.sort(-self.found, axis=1)
        cuts |= {f"first {k}": list(ordered[:, k - 1]) for k in FIRST}
        return {rule: _counted(self.found, self.own, np.array(x)) for rule, x in cuts.items()}


def cut_rows(name: str, space: Space) -> list[dict[str, Any]]:
    """F0.5 of each cut, what the learnt one promised and kept, what its score adds to PR-AUC."""
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
            f"precision {hit / max(kept, 1):.1%}, {kept / len(counted):.2f} kept a query, "
            f"{empty:.0%} of the queries without their picture get none, {false:.0%} of those "
            f"with it; "
            f"difference from both in agreement {low:+.3f} to {high:+.3f}"
        )
        rows.append(_row(space, f"{name}: F0.5, {rule}", value, ours[0], hit / there, note))
    return [*rows, *_promises(name, space, parts), _area(name, space, parts)]


def judge(space: Space, seed: int) -> CutoffScore:
    """Learn from one half of the pictures; every second query of the other loses its own."""
    rng = np.random.default_rng(seed)
    pairs = space.pairs[rng.permutation(len(space.pairs))]
    first = (rng.permutation(space.n_images) < space.n_images // 2)[pairs[:, 0]]
    learnt = calibrate(replace(space, pairs=pairs[first]), seed=seed)
    if learnt is None:
        raise ValueError("the collection has too few pairs to learn a cut from half of them")
    halves = [_asked(space, part) for part in (pairs[first], pairs[~first])]
    found, own = halves[0]
    levels = np.quantile(found[own], np.linspace(0.3, 0.99, 70))
    tried = [_f(_counted(found, own, np.full(len(found), x)).sum(axis=0)) for x in levels]
    every = (space.vectors[pairs[first, 0]] * space.vectors[pairs[first, 1]]).sum(axis=1)
    fixed = float(levels[int(np.argmax(tried))]), float(np.quantile(every, learnt.usual or 0.5))
    rest, few = pairs[~first], pairs[first][:TOLD]
    told = BackgroundQueries(space.vectors[few[:, 1]], few[:, 1:], f"half of the captions {seed}")
    asks = space.vectors[rest[:, 1]]
    return CutoffScore(learnt, space, told, fixed, asks, rest[:, 0], *halves[1])


def _asked(space: Space, pairs: Ints) -> tuple[Doubles, Bools]:
    found = cosines(space.images, space.vectors[pairs[:, 1]].T).T.astype(np.float64)
    own = pairs[:, :1] == np.arange(space.n_images)
    gone = np.arange(len(pairs))[:, None] % 2 == 0
    return np.where(own & gone, -np.inf, found), own & ~gone


def _counted(found: Doubles, own: Bools, least: Doubles) -> Doubles:
    kept = (found >= least[:, None]) & np.isfinite(found)
    columns = [(kept & own).sum(axis=1), kept.sum(axis=1), own.sum(axis=1)]
    return np.column_stack(columns).astype(np.float64)


def _f(sums: Doubles) -> Doubles:
    """F0.5 from (..., 3) sums: 1.25 hits / (0.25 there + kept)."""
    hit, kept, there = np.moveaxis(sums, -1, 0)
    return np.asarray(1.25 * hit / np.maximum(0.25 * there + kept, 1e-12))


def _resample(groups: Ints) -> Doubles:
    """(RESAMPLES, q) how often each query counts when pictures are drawn again."""
    place = np.unique(groups, return_inverse=True)[1]
    n = int(place.max()) + 1
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    return np.asarray(counts[:, place], np.float64)


def _quality(counted: Doubles, weights: Doubles) -> tuple[float, Doubles]:
    return float(_f(counted.sum(axis=0))), _f(weights @ counted)


def _promises(name: str, space: Space, parts: list[CutoffScore]) -> list[dict[str, Any]]:
    """Share of true matches that the learnt cut keeps, against what it promised."""
    rows = []
    for miss in (0.1, 0.3, 0.5):
        kept = []
        for part in parts:
            least = np.array([part.learnt.cosine(v, miss) for v in part.vectors])
            hit, _, there = _counted(part.found, part.own, least).sum(axis=0)
            kept.append(hit / there)
        note = f"{SPLITS} splits: {min(kept):.1%} to {max(kept):.1%}"
        value = float(np.mean(kept))
        rows.append(_row(space, f"{name}: true matches kept, learnt", value, 1 - miss, value, note))
    return rows


def _area(name: str, space: Space, parts: list[CutoffScore]) -> dict[str, Any]:
    """PR-AUC over all queries and pictures: the adapter's score against the cosine."""
    from sklearn.metrics import average_precision_score

    areas = np.array(
        [
            [
                average_precision_score(part.own[seen], score[seen])
                for score in (part.scores(), part.found)
            ]
            for part in parts
            for seen in [np.isfinite(part.found)]
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
    return {
        "name": name,
        "n": space.n_images,
        "d": space.d,
        "value": round(value, 4),
        "unit": "share",
        "baseline": round(baseline, 4),
        "ratio": round(value / baseline, 3),
        "recall": None if recall is None else round(float(recall), 4),
        "note": note,
    }
