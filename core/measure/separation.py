"""How two sets of items differ: the cosine of their means, and how their neighbors mix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.numerics.sampling import groups
from core.numerics.stats import clustered_error, normal
from core.types import KINDS, Bools, Doubles, Floats, Ints, Kind, Space

MOST = 5_000  # rows of a set that are compared; of more a seeded sample
DRAWS = 200  # random divisions that give the cosine by chance
NEIGHBORS = 10


@dataclass(frozen=True)
class Separation:
    """Two sets of items of one kind, A and B.

    Args:
        kind: of the items.
        n: how many were compared, of A and of B.
        cosine: of the means; `by_chance` is that of two random sets of the same sizes, drawn from
            both together, and `low` the value that 2.5% of those fall below.
        by_chance: see `cosine`.
        low: see `cosine`.
        mixed: share of the nearest neighbors of A's items that lie in B, with its 95% interval
            over the items; its ends are NaN where A has fewer than 10.
        mixed_by_chance: that share where the sets do not differ.
    """

    kind: Kind
    n: tuple[int, int]
    cosine: float
    by_chance: float
    low: float
    mixed: tuple[float, float, float]
    mixed_by_chance: float


def separations(
    space: Space, a: Ints, b: Ints, *, k: int = NEIGHBORS, seed: int = 0
) -> tuple[Separation, ...]:
    """How A and B differ, images and texts apart; a kind that one of them lacks is left out.

    A cosine of means below those of random divisions says that the sets lie in different places;
    neighbors that mix as by chance say that they do not. Items in both sets count in A alone.

    Cost: one product of at most 5,000 by 10,000 rows for each kind.

    Args:
        space: the items.
        a: rows of A.
        b: rows of B.
        k: neighbors of each item.
        seed: of samples and random divisions.

    >>> space = Space(np.repeat(np.eye(2, dtype="f4"), 4, axis=0), tuple("abcdefgh"), 8)
    >>> one = separations(space, np.arange(4), np.arange(4, 8), k=2)[0]
    >>> one.cosine, one.mixed[0], round(one.mixed_by_chance, 3)
    (0.0, 0.0, 0.571)
    """
    rng = np.random.default_rng(seed)
    b = np.setdiff1d(b, a)
    result = []
    for kind in KINDS:
        span = space.span(kind)
        of_a, of_b = (_some(r[(r >= span.start) & (r < span.stop)], rng) for r in (a, b))
        if len(of_a) and len(of_b) and len(of_a) + len(of_b) > k:
            result.append(_separation(space, kind, of_a, of_b, k, rng))
    return tuple(result)


def _separation(
    space: Space, kind: Kind, a: Ints, b: Ints, k: int, rng: np.random.Generator
) -> Separation:
    rows = np.concatenate([a, b])
    vectors, n_a = space.vectors[rows], len(a)
    unit = np.unique(groups(space)[rows], return_inverse=True)[1]
    null = np.array([_cosine(vectors, _divided(unit, n_a, rng)) for _ in range(DRAWS)])
    lies_in_b = np.arange(len(rows)) >= n_a
    mixed = np.empty(n_a)
    for start in range(0, n_a, 1024):
        part = np.arange(start, min(start + 1024, n_a))
        cosines = vectors[part] @ vectors.T
        cosines[np.arange(len(part)), part] = -np.inf
        nearest = np.argpartition(cosines, -k, axis=1)[:, -k:]
        mixed[part] = lies_in_b[nearest].mean(axis=1)
    return Separation(
        kind, (n_a, len(b)), _cosine(vectors, lies_in_b), float(null.mean()),
        float(np.quantile(null, 0.025)), _mean(mixed, unit[:n_a]), len(b) / (len(rows) - 1),
    )  # fmt: skip


def _some(rows: Ints, rng: np.random.Generator) -> Ints:
    return rows if len(rows) <= MOST else np.sort(rng.choice(rows, MOST, replace=False))


def _divided(unit: Ints, n_a: int, rng: np.random.Generator) -> Bools:
    """(m,) a random set of about m - n_a rows: whole groups, as paired items are no two draws."""
    order = np.argsort(rng.random(unit.max() + 1)[unit], kind="stable")
    mask = np.zeros(len(unit), bool)
    mask[order[n_a:]] = True
    return mask


def _cosine(vectors: Floats, in_b: Bools) -> float:
    """Cosine of the means of the rows outside and inside of a mask."""
    weights = np.stack([~in_b / (~in_b).sum(), in_b / in_b.sum()]).astype(np.float32)
    a, b = (weights @ vectors).astype(np.float64)
    return float(np.clip(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12), -1, 1))


def _mean(values: Doubles, unit: Ints) -> tuple[float, float, float]:
    """The mean with its interval; the items of one group are one draw."""
    mean, draws = float(values.mean()), len(np.unique(unit))
    error = clustered_error(values, unit) if draws > 1 else np.nan
    return mean, *normal(mean, error, 0.0, 1.0, draws=draws)
