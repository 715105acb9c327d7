"""Samples of a space and what they leave uncertain: rows, random pairs, and standard errors.

A sample is seeded: the same space gives the same rows. An error is always over items, with items
that hang together through pairs as one draw, because the captions of a picture are no crowd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.types import Doubles, Floats, Ints, Scope, Space, per_space

BLOCK = 4096
ERROR_ROWS = 5000  # rows that a standard error is estimated from
PARTNERS = 512  # rows that each of those is compared with where that is needed


def sampled_rows(space: Space, scope: Scope, most: int, seed: int) -> Ints:
    """At most `most` rows of a scope, sorted: all of them, or a seeded sample without repeats."""
    span = space.span(scope)
    rows = np.arange(span.start, span.stop)
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


@per_space
def thinned(space: Space, most: int, seed: int = 0) -> tuple[Space, Ints]:
    """At most `most` images and as many texts as a space of their own, and their rows here.

    For what costs n^2 and depends on n anyway: neighbourhoods are compared at equal size.
    """
    if max(space.n_images, space.n - space.n_images) <= most:
        return space, np.arange(space.n)
    kept = [sampled_rows(space, scope, most, seed) for scope in ("image", "text")]
    rows = np.concatenate(kept)
    return space.subset(rows), rows


@per_space
def groups(space: Space) -> Ints:
    """(n,) number of the group of each item: items hang together through pairs.

    Captions of one picture are not so many independent draws, and a split for a test must not run
    through them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(space.pairs):
        return np.arange(space.n)
    image, text = space.pairs.T
    links = coo_array((np.ones(len(image), np.int8), (image, text)), shape=(space.n, space.n))
    found: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return found


def items_error(space: Space, influences: Mapping[Scope, Callable[[Ints], Doubles]]) -> float:
    """Standard error, over other items of the same kind, of a statistic of some scopes' rows.

    Args:
        space: where the rows are.
        influences: for each scope, a function from row numbers to how much each row moves the
            statistic when it counts 1/n; constants do not matter.

    Items that hang together through pairs are one draw. At most `ERROR_ROWS` rows are asked for.
    """
    draws = _draws(space, tuple(influences))
    sums = np.zeros(draws.kept)
    for scope, influence in influences.items():
        rows, place, of = draws.rows[scope]
        moved = influence(rows) if len(rows) else np.zeros(0)
        moved = moved - (moved.mean() if len(moved) else 0.0)
        sums += np.bincount(place, weights=moved, minlength=draws.kept) / of
    return float(np.sqrt(draws.groups * sums.var(ddof=1)))


@dataclass(frozen=True, slots=True)
class _Draws:
    """`kept` of `groups`; for each scope its rows in those, the group of each, and of how many."""

    groups: int
    kept: int
    rows: Mapping[Scope, tuple[Ints, Ints, int]]


@per_space
def _draws(space: Space, scopes: tuple[Scope, ...]) -> _Draws:
    """What a standard error looks at; the same for every statistic of the same scopes."""
    spans = {scope: np.arange(*space.span(scope).indices(space.n)) for scope in scopes}
    label = groups(space)
    names = np.unique(np.concatenate([label[rows] for rows in spans.values()]))
    if len(names) < 2:
        label = names = np.arange(space.n)
    total = sum(map(len, spans.values()))
    kept = names
    if total > ERROR_ROWS:
        count = max(2, len(names) * ERROR_ROWS // total)
        kept = np.sort(np.random.default_rng(0).choice(names, count, replace=False))
    found = {}
    for scope, rows in spans.items():
        place = np.searchsorted(kept, label[rows]).clip(max=len(kept) - 1)
        inside = kept[place] == label[rows]
        found[scope] = rows[inside], place[inside], len(rows)
    return _Draws(len(names), len(kept), found)


@dataclass(frozen=True, slots=True)
class PairMean:
    """Mean of a function of the cosine over pairs of different rows.

    `error` is its standard error for other items of the same kind; it holds the error of having
    looked at `pairs` random pairs too unless `exact`.
    """

    value: float
    error: float
    pairs: int
    exact: bool


def pair_mean(
    space: Space, scope: Scope, kernel: Callable[[Doubles], Doubles], *, pairs: int, seed: int = 0
) -> PairMean:
    """Mean of `kernel(cosine)` over pairs i != j: all of them when at most `pairs`, else random.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "c"), 3)
    >>> pair_mean(space, "image", np.exp, pairs=100).value
    1.0
    """
    span = space.span(scope)
    n = span.stop - span.start
    if n * (n - 1) // 2 <= pairs:
        means = _row_means(space.vectors[span], kernel)
        error = items_error(space, {scope: lambda rows: 2 * means[rows - span.start]})
        return PairMean(float(means.mean()), error, n * (n - 1) // 2, True)
    drawn = kernel(random_cosines(space, scope, pairs, seed))
    partners = sampled_rows(space, scope, PARTNERS, seed)

    def influence(rows: Ints) -> Doubles:
        values = kernel((space.vectors[rows] @ space.vectors[partners].T).astype(np.float64))
        others = rows[:, None] != partners
        return 2 * (values * others).sum(axis=1) / others.sum(axis=1)

    error = np.hypot(drawn.std(ddof=1) / np.sqrt(pairs), items_error(space, {scope: influence}))
    return PairMean(float(drawn.mean()), float(error), pairs, False)


@per_space
def random_cosines(space: Space, scope: Scope, pairs: int, seed: int) -> Doubles:
    """(pairs,) cosines of two different random rows, drawn with replacement."""
    vectors = space.vectors[space.span(scope)]
    n = len(vectors)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, n, pairs)
    second = (first + rng.integers(1, n, pairs)) % n
    result = np.empty(pairs)
    for start in range(0, pairs, BLOCK):
        part = slice(start, start + BLOCK)
        result[part] = np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]])
    return result


def _row_means(vectors: Floats, kernel: Callable[[Doubles], Doubles]) -> Doubles:
    """Mean of the kernel between each row and all others."""
    n = len(vectors)
    step = max(1, (1 << 22) // n)
    sums = np.empty(n)
    for start in range(0, n, step):
        values = kernel((vectors[start : start + step] @ vectors.T).astype(np.float64))
        here = np.arange(len(values))
        values[here, here + start] = 0.0
        sums[start : start + step] = values.sum(axis=1)
    return sums / (n - 1)
