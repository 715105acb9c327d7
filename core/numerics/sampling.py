"""Samples of a space and their uncertainty: rows, random pairs, and standard errors.

Samples are seeded: the same space gives the same rows. Standard errors are over items, and items
connected through pairs count as one draw: the captions of one image are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.numerics.stats import LEAST_DRAWS, Z
from core.types import Bools, Doubles, Floats, Ints, Scope, Space, per_space

BLOCK = 4096
ERROR_ROWS = 5000  # rows that a standard error is estimated from
PARTNERS = 512  # rows that each of those is compared with in `pair_mean`


def sampled_rows(space: Space, scope: Scope, most: int, seed: int) -> Ints:
    """At most `most` rows of a scope, sorted: all of them, or a seeded sample without repeats."""
    span = space.span(scope)
    rows = np.arange(span.start, span.stop)
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


@per_space
def thinned(space: Space, most: int) -> tuple[Space, Ints]:
    """At most `most` images and as many texts as a space of their own, and their rows here.

    For statistics that cost n^2 and depend on n: neighborhoods are compared at equal size.
    """
    if max(space.n_images, space.n - space.n_images) <= most:
        return space, np.arange(space.n)
    rows = np.concatenate([sampled_rows(space, scope, most, 0) for scope in ("image", "text")])
    return space.subset(rows), rows


@per_space
def groups(space: Space) -> Ints:
    """(n,) group number of each item: the items connected through pairs are one group.

    The captions of one image are not independent draws, and a train/test split must not separate
    them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(space.pairs):
        return np.arange(space.n)
    image, text = space.pairs.T
    if np.bincount(text).max() == 1:  # each text has one image: no graph is needed
        first = np.arange(space.n)
        first[text] = image
        number: Ints = np.cumsum(first == np.arange(space.n)) - 1
        return number[first]
    links = coo_array((np.ones(len(image), np.int8), (image, text)), shape=(space.n, space.n))
    result: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return result


def half_of_groups(linked: Ints, rng: np.random.Generator) -> Bools:
    """(n,) a random half of the groups, as a mask over their items; of two or more never all.

    Args:
        linked: (n,) group number of each item, from 0 without gaps (see `groups`).
        rng: draws the groups.

    >>> half = half_of_groups(np.array([0, 0, 1, 1]), np.random.default_rng(0))  # one of two
    >>> int(half.sum()), bool(half[0] == half[1])
    (2, True)
    """
    drawn = rng.permutation(int(linked.max(initial=-1)) + 1)
    return np.asarray(drawn[linked] % 2 == 0)


def split_groups(linked: Ints, is_image: Bools, every: int) -> Bools:
    """(n,) one part of a random split that keeps connected items together: a group in `every`.

    Stratified: groups of images alone, of texts alone and of both are divided evenly. Seeded. One
    of the parts may lack a kind where there are few groups.

    Args:
        linked: (n,) group number of each item (see `groups`).
        is_image: (n,) whether it is an image.
        every: 2 for halves, 5 for a fifth held out.

    >>> linked, is_image = np.array([3, 3, 5, 5, 8, 8, 9, 9]), np.arange(8) % 2 == 0
    >>> part = split_groups(linked, is_image, 2)  # two of the four pairs
    >>> int(part.sum()), bool((part[::2] == part[1::2]).all())
    (4, True)
    """
    names, place = np.unique(linked, return_inverse=True)
    images = np.bincount(place, weights=is_image, minlength=len(names)) > 0
    texts = np.bincount(place, weights=~is_image, minlength=len(names)) > 0
    order = np.lexsort((np.random.default_rng(0).random(len(names)), images + 2 * texts))
    chosen = np.zeros(len(names), bool)
    chosen[order[::every]] = True
    return np.asarray(chosen[place])


def items_error(space: Space, influences: Mapping[Scope, Callable[[Ints], Doubles]]) -> float:
    """Standard error of a statistic of some scopes' rows, over other items of the same kind.

    Items connected through pairs are one draw, and single items where all are connected. At most
    `ERROR_ROWS` rows are evaluated.

    Args:
        space: where the rows are.
        influences: for each scope, a function from row numbers (m,) to the influence (m,) of each
            row on the statistic when it has weight 1/n; constants do not matter.

    Returns:
        The error in the unit of the statistic; infinitesimal jackknife. NaN for fewer than
        `LEAST_DRAWS` draws in one of the scopes.

    >>> space, values = Space(np.eye(10, dtype="f4"), tuple("abcdefghij"), 10), np.arange(10) % 2
    >>> error = items_error(space, {"image": lambda rows: values[rows]})  # of their mean
    >>> round(error, 6)  # standard deviation sqrt(10 / 4 / 9), over sqrt(10)
    0.166667
    >>> items_error(space.subset(np.arange(9)), {"image": lambda rows: values[rows]})
    nan
    """
    draws = _draws(space, tuple(influences))
    if draws.fewest < LEAST_DRAWS:
        return float("nan")
    sums = np.zeros(draws.sampled)
    for scope, influence in influences.items():
        rows, place, of = draws.rows[scope]
        moved = influence(rows) if len(rows) else np.zeros(0)
        moved = moved - (moved.mean() if len(moved) else 0.0)
        sums += np.bincount(place, weights=moved, minlength=draws.sampled) / of
    return float(np.sqrt(draws.groups * sums.var(ddof=1)))


def jackknife(value: float, without: Doubles, sizes: Ints) -> float:
    """Standard error of a statistic from its values without each fold of items.

    The delete-a-group jackknife for folds of unequal size (Busing, Meijer, van der Leeden 1999),
    raised by the ratio of Student's t to the normal quantile, so that `normal` gives the 95%
    interval. It is about the value at this number of items: a statistic that grows with it is
    biased, and the bias is not corrected.

    Args:
        value: the statistic of all items.
        without: (folds,) the statistic without each fold.
        sizes: (folds,) items of each fold.

    >>> x = np.array([1.0, 2.0, 3.0, 6.0])
    >>> without = np.array([np.delete(x, i).mean() for i in range(4)])
    >>> error = jackknife(3.0, without, np.ones(4))  # that of a mean, for 3 degrees of freedom
    >>> round(float(error / (x.std(ddof=1) / 2)), 3)
    1.624
    """
    from scipy.stats import t

    if len(sizes) < 2:
        return float("nan")
    rest = sizes.sum() / sizes - 1
    pseudo = (rest + 1) * value - rest * without
    center = len(sizes) * value - ((1 - sizes / sizes.sum()) * without).sum()
    variance = float(((pseudo - center) ** 2 / rest).mean())
    return float(np.sqrt(variance) * t.ppf(0.975, len(sizes) - 1) / Z)


@dataclass(frozen=True, slots=True)
class _Draws:
    """`sampled` of `groups`; for each scope its rows in those, each row's group, and its size.

    `fewest` are the groups of the scope with the fewest.
    """

    groups: int
    fewest: int
    sampled: int
    rows: Mapping[Scope, tuple[Ints, Ints, int]]


@per_space
def _draws(space: Space, scopes: tuple[Scope, ...]) -> _Draws:
    """The rows that a standard error uses; the same for every statistic of the same scopes."""
    spans = {scope: np.arange(*space.span(scope).indices(space.n)) for scope in scopes}
    group = groups(space)
    numbers = np.unique(np.concatenate([group[rows] for rows in spans.values()]))
    if len(numbers) < 2:
        group = numbers = np.arange(space.n)
    total = sum(map(len, spans.values()))
    sample = numbers
    if total > ERROR_ROWS:
        count = max(2, len(numbers) * ERROR_ROWS // total)
        sample = np.sort(np.random.default_rng(0).choice(numbers, count, replace=False))
    result = {}
    for scope, rows in spans.items():
        place = np.searchsorted(sample, group[rows]).clip(max=len(sample) - 1)
        inside = sample[place] == group[rows]
        result[scope] = rows[inside], place[inside], len(rows)
    fewest = min(len(np.unique(group[rows])) for rows in spans.values())
    return _Draws(len(numbers), fewest, len(sample), result)


@dataclass(frozen=True, slots=True)
class PairMean:
    """Mean of a function of the cosine over pairs of different rows.

    `error` is its standard error over other items of the same kind (see `items_error`); unless
    `exact`, it includes the sampling error of `pairs` random pairs.
    """

    value: float
    error: float
    pairs: int
    exact: bool


def pair_mean(
    space: Space, scope: Scope, kernel: Callable[[Doubles], Doubles], *, pairs: int
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
    drawn = kernel(_scope_cosines(space, scope, pairs))
    partners = sampled_rows(space, scope, PARTNERS, 0)

    def influence(rows: Ints) -> Doubles:
        values = kernel((space.vectors[rows] @ space.vectors[partners].T).astype(np.float64))
        others = rows[:, None] != partners
        return 2 * (values * others).sum(axis=1) / others.sum(axis=1)

    error = np.hypot(drawn.std(ddof=1) / np.sqrt(pairs), items_error(space, {scope: influence}))
    return PairMean(float(drawn.mean()), float(error), pairs, False)


def random_pair_cosines(
    one: Floats, other: Floats | None = None, *, pairs: int = 50_000
) -> Doubles:
    """(pairs,) cosines of a random row of `one` with one of `other`, or with a different one of it.

    Pairs are drawn with replacement.
    """
    n = len(one)
    rng = np.random.default_rng(0)
    first = rng.integers(0, n, pairs)
    if other is None:
        second = (first + rng.integers(1, n, pairs)) % n
    else:
        second = rng.integers(0, len(other), pairs)
    right = one if other is None else other
    result = np.empty(pairs)
    for start in range(0, pairs, BLOCK):
        part = slice(start, start + BLOCK)
        result[part] = np.einsum("ij,ij->i", one[first[part]], right[second[part]])
    return result


@per_space
def _scope_cosines(space: Space, scope: Scope, pairs: int) -> Doubles:
    """`random_pair_cosines` of a scope, shared by every kernel."""
    return random_pair_cosines(space.vectors[space.span(scope)], pairs=pairs)


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
