"""Statistics of numbers, without a space.

Confidence intervals, clustered and jackknife standard errors, AUC, average precision by chance,
rank correlation with a permutation test, the spread of group rates, the share of items unseen in a
sample, and ranges of about equally many numbers.
"""

from __future__ import annotations

from math import hypot

import numpy as np

from core.types import Bools, Doubles, Ints

Z = 1.959964  # two-sided 95% quantile of a normal distribution
SHUFFLED = 2000  # items in a permutation test, at most
FOLDS = 50  # of a jackknife
LEAST_DRAWS = 10  # items, those connected through pairs as one, for the error of a mean
SMOOTHED = 1.0  # groups that count as one draw each in the design effect of a share
RESAMPLES = 400  # of a bootstrap, and of the null distribution of `macro_std`
DIGITS = 4, 7, 10, 17  # of the ends of ranges: as few as tell them apart


def family_z(size: int) -> float:
    """The normal quantile at which `size` intervals hold together with 95% (Bonferroni).

    >>> round(family_z(1), 6) == round(Z, 6), round(family_z(20), 2)
    (True, 3.02)
    """
    from scipy.special import ndtri

    return float(ndtri(1 - 0.025 / max(1, size)))


def normal(
    value: float,
    error: float,
    low: float = -np.inf,
    high: float = np.inf,
    z: float = Z,
    *,
    draws: int = LEAST_DRAWS,
) -> tuple[float, float]:
    """The 95% interval of a normal estimate, within the bounds of what is estimated.

    Args:
        value: the estimate. It is in the interval, also where it is beyond a bound.
        error: its standard error, of the same unit; NaN for none.
        low: smallest possible value.
        high: largest possible value.
        z: the normal quantile; that of a family of intervals is `family_z`.
        draws: independent ones that the error is estimated from, where they may be few.

    Returns:
        Both ends; NaN for a NaN error, and for fewer than `LEAST_DRAWS` draws: the error of a mean
        of so few is too uncertain, and often too small, for an interval that covers.

    >>> [round(x, 3) for x in normal(0.9, 0.1, 0.0, 1.0)]  # 0.9 - 1.96 * 0.1, cut at 1
    [0.704, 1.0]
    >>> normal(0.9, float("nan"))
    (nan, nan)
    """
    if np.isnan(error) or draws < LEAST_DRAWS:
        return float("nan"), float("nan")
    return max(low, min(value, value - z * error)), min(high, max(value, value + z * error))


def difference_interval(
    a: tuple[float, float, float], b: tuple[float, float, float], z: float = Z
) -> tuple[float, float]:
    """The 95% interval of a less b, two independent estimates (MOVER: Zou, Donner 2008).

    They differ by more than chance where it excludes 0. Two intervals that overlap may still
    differ: half-widths add as squares. Of the same items measured twice the estimates mostly agree,
    and the interval is too wide.

    Args:
        a: a value with the ends of its 95% interval.
        b: the same of the other.
        z: the normal quantile of the difference; that of a family of differences is `family_z`.

    Returns:
        Its ends; NaN where one of the two has no interval.

    >>> difference_interval((9.0, 6.0, 13.0), (1.0, -2.0, 5.0))  # 8 - hypot(3, 4), 8 + hypot(4, 3)
    (3.0, 13.0)
    >>> difference_interval((9.0, 6.0, 13.0), (1.0, np.nan, np.nan))
    (nan, nan)
    """
    if not np.isfinite([*a, *b]).all():
        return float("nan"), float("nan")
    below = z / Z * hypot(a[0] - a[1], b[2] - b[0])
    above = z / Z * hypot(a[2] - a[0], b[0] - b[1])
    return a[0] - b[0] - below, a[0] - b[0] + above


def wilson(hits: float, of: float, z: float = Z) -> tuple[float, float]:
    """The 95% interval of a proportion (Wilson 1927).

    >>> [round(x, 3) for x in wilson(0, 10)]
    [0.0, 0.278]
    """
    share, z2 = hits / of, z * z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = z / (1 + z2 / of) * np.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def clustered_error(values: Doubles, clusters: Ints) -> float:
    """Cluster-robust standard error of the mean.

    >>> clustered_error(np.array([1.0, 1.0, 3.0, 3.0]), np.array([7, 7, 9, 9]))
    1.0
    """
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=values - values.mean())
    groups = len(sums)
    return float(np.sqrt(groups / (groups - 1) * (sums**2).sum()) / len(values))


def folds(groups: Ints, first: Bools | None = None, count: int = FOLDS) -> Ints:
    """(n,) a random one of at most `count` folds for each item; a group is in one fold.

    Args:
        groups: (n,) group number of each item.
        first: (n,) items whose groups are to be divided evenly; there are as many folds as such
            groups, at most.
        count: of folds.

    >>> sorted(np.bincount(folds(np.array([7, 7, 8, 9]), count=2)).tolist()) in ([1, 3], [2, 2])
    True
    """
    numbers, place = np.unique(groups, return_inverse=True)
    chosen = np.ones(len(numbers), bool) if first is None else np.zeros(len(numbers), bool)
    if first is not None:
        chosen[place[first]] = True
    random = np.random.default_rng(0).random(len(numbers))
    order = np.lexsort((random, ~chosen))
    fold = np.empty(len(numbers), np.int64)
    fold[order] = np.arange(len(numbers)) % max(1, min(count, int(chosen.sum())))
    return np.asarray(fold[place])


def jackknife_error(without: Doubles) -> float:
    """Standard error of a statistic from its values without each fold (delete-a-group jackknife).

    It is raised by the ratio of Student's t to the normal quantile for this number of folds, so
    that `normal` gives the 95% interval. NaN for a single fold.

    >>> round(jackknife_error(np.array([1.0, 2.0, 3.0])) * Z, 3)  # sqrt(2/3 * 2) * 4.303
    4.968
    """
    count = len(without)
    variance = (count - 1) / count * ((without - without.mean()) ** 2).sum()
    return float(np.sqrt(variance)) * _widened(count)


def two_way_error(values: Doubles, without: Doubles, kept: Bools, clusters: Ints) -> float:
    """Standard error of a mean over queries when queries and candidates are both drawn anew.

    The jackknife over folds counts the luck of a query with its candidates twice: once among the
    queries, once among the candidates. One of them is subtracted (Cameron, Gelbach, Miller 2011).

    Args:
        values: (q,) one for each query.
        without: (q, folds) the same without the candidates of each fold.
        kept: (q, folds) whether the query is in another fold.
        clusters: (q,) queries of one cluster are drawn together.

    Returns:
        The error, widened as by `jackknife_error`; at least that of the queries alone. NaN where
        all queries are in one fold.

    >>> values, kept = np.array([1.0, 0.0]), np.array([[False, True], [True, False]])
    >>> without = np.repeat(values[:, None], 2, axis=1)  # no candidate matters: queries alone do
    >>> round(two_way_error(values, without, kept, np.arange(2)) * Z, 3)  # 1 / 2 * 12.706
    6.353
    """
    count, of = kept.shape[1], kept.sum(axis=0)
    if count < 2 or not of.all():
        return float("nan")
    both = jackknife_error((kept * without).sum(axis=0) / of)
    queries = jackknife_error((kept * values[:, None]).sum(axis=0) / of)
    changed = kept * (without - values[:, None])
    order = np.argsort(clusters, kind="stable")
    start = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    luck = (np.add.reduceat(changed[order], start, axis=0) ** 2).sum() / len(values) ** 2
    return float(np.sqrt(max(queries**2, both**2 - luck * _widened(count) ** 2)))


def best_left_out(values: Doubles, next_values: Doubles, fold: Ints, count: int) -> Doubles:
    """(q, folds) values of each query's best candidate without each fold: the next best's there.

    >>> best_left_out(np.array([5.0]), np.array([4.0]), np.array([1]), 3).tolist()
    [[5.0, 4.0, 5.0]]
    """
    result = np.repeat(values[:, None], count, axis=1)
    result[np.arange(len(values)), fold] = next_values
    return result


def _widened(count: int) -> float:
    """Student's t over the normal quantile for `count` folds."""
    from scipy.stats import t

    return float(t.ppf(0.975, count - 1) / Z) if count > 1 else float("nan")


def share_interval(share: float, error: float, groups: Ints, z: float = Z) -> tuple[float, float]:
    """The 95% interval of a mean of numbers from 0 to 1 (Wilson), from its standard error.

    The number of draws is the one that gives this error (Korn and Graubard 1998). Near 0 and 1 the
    error itself cannot be estimated: each group then counts as one draw.

    Args:
        share: the mean.
        error: its standard error.
        groups: (n,) group of each number.
        z: the normal quantile; that of a family of intervals is `family_z`.

    >>> [round(x, 3) for x in share_interval(1.0, 0.0, np.arange(24) // 2)]
    [0.758, 1.0]
    """
    if not np.isfinite(error):
        return float("nan"), float("nan")
    sizes = np.unique(groups, return_counts=True)[1]
    draws = float(sizes.sum() ** 2 / (sizes**2).sum())
    spread = share * (1 - share)
    design = error**2 * draws / spread if spread > 1e-12 else 1.0
    known = draws * min(share, 1 - share)  # groups' worth of the rarer outcome
    draws /= (known * design + SMOOTHED) / (known + SMOOTHED)
    low, high = wilson(share * draws, draws, z)
    return min(low, share), max(high, share)


def auc(
    positive: Doubles, negative: Doubles, groups: tuple[Ints, Ints] | None = None
) -> tuple[float, float]:
    """Area under the ROC curve (ties half), and its standard error (DeLong 1988).

    With the `groups` of the positives and of the negatives, items of a group are one draw; NaN for
    a single group.

    >>> auc(np.array([1.0, 3.0]), np.array([0.0, 2.0]))[0]
    0.75
    """
    above = _share_below(np.sort(negative), positive)
    below = 1 - _share_below(np.sort(positive), negative)
    value = float(above.mean())
    own = groups or (np.arange(len(above)), np.arange(len(below)))
    if min(len(np.unique(g)) for g in own) < 2:
        return value, float("nan")
    return value, float(np.hypot(clustered_error(above, own[0]), clustered_error(below, own[1])))


def chance_precision(n: int, relevant: Ints) -> float:
    """Average precision of a random order, expected, mean over queries.

    What an average precision is read against. With one relevant item among n it is the harmonic
    number H_n / n, and 1 where all are relevant: see Bestgen. Exact Expected Average Precision of
    the Random Baseline. PBML 2015.

    Args:
        n: items in the order of each query.
        relevant: (q,) how many of them are relevant, from 1 to n.

    >>> round(chance_precision(2, np.array([1])), 6)  # first or second place: (1 + 1/2) / 2
    0.75
    >>> chance_precision(3, np.array([3]))
    1.0
    """
    harmonic = float((1 / np.arange(1, n + 1)).sum())
    beyond = (relevant - 1) / max(1, n - 1) * (n - harmonic)
    return float(((harmonic + beyond) / n).mean())


def ranks(values: Doubles) -> Doubles:
    """Ranks scaled to 0..1; equal values share their mean rank.

    >>> ranks(np.array([5.0, 7.0, 5.0, 9.0])).tolist()
    [0.25, 0.625, 0.25, 0.875]
    """
    from scipy.stats import rankdata

    result: Doubles = (rankdata(values) - 0.5) / len(values)
    return result


def rank_correlation(x: Doubles, y: Doubles) -> tuple[float, Doubles]:
    """Correlation of ranks (Spearman 1904), and (n,) the influence of each item at weight 1/n.

    >>> round(rank_correlation(ranks(np.arange(4.0)), ranks(-np.arange(4.0)))[0], 6)
    -1.0
    """
    a, b = x - x.mean(), y - y.mean()
    sa, sb = a.std(), b.std()
    if min(sa, sb) < 1e-9:
        return 0.0, np.zeros(len(x))
    value = float(np.clip((a * b).mean() / (sa * sb), -1, 1))
    moved = a * b + _shifts(x, b) + _shifts(y, a)
    return value, moved / (sa * sb)


def shuffled_p(x: Doubles, y: Doubles, shuffles: int, groups: Ints) -> float:
    """Two-sided p-value of a rank correlation by permutation; at least 1 / (1 + shuffles).

    Whole groups change places: items of one group may have similar x and similar y. Groups of at
    most `SHUFFLED` items are permuted; the null distribution is scaled to the number of all.

    Args:
        x: (n,) ranks.
        y: (n,) ranks.
        shuffles: number of permutations.
        groups: (n,) group number of each item.

    >>> shuffled_p(ranks(np.arange(40.0)), ranks(np.arange(40.0)), 99, np.arange(40))
    0.01
    """
    rng = np.random.default_rng(0)
    order = np.lexsort((y, x))  # so that neither the items' nor the groups' order matters
    _, first, place = np.unique(groups[order], return_index=True, return_inverse=True)
    group = np.argsort(np.argsort(first))[place]
    drawn = rng.permutation(len(first))
    taken = np.cumsum(np.bincount(group)[drawn]) <= SHUFFLED
    used = np.isin(group, drawn[: max(2, int(taken.sum()))])
    a, b = x[order][used], y[order][used]
    group = np.unique(group[used], return_inverse=True)[1]
    a, b = a - a.mean(), b - b.mean()
    observed = abs(np.corrcoef(x, y)[0, 1]) if min(x.std(), y.std()) > 1e-9 else 0.0
    scale = max(1e-12, float(np.sqrt((a @ a) * (b @ b)))) * np.sqrt(len(x) / len(a))
    b = b[np.argsort(group, kind="stable")]
    keys = rng.random((shuffles, group.max() + 1))
    null = np.array([abs(a[np.argsort(key[group], kind="stable")] @ b) for key in keys]) / scale
    return float((1 + (null >= observed - 1e-12).sum()) / (1 + shuffles))


def macro_std(rates: Doubles, counts: Doubles, style: str = "population") -> float:
    """Mean over classes (C, G) of the weighted standard deviation of their groups' rates.

    >>> round(macro_std(np.array([[0.9, 0.7]]), np.array([[80.0, 20.0]])), 6)
    0.08
    """
    total = counts.sum(axis=-1, keepdims=True)
    mean = (counts * rates).sum(axis=-1, keepdims=True) / total
    variance = (counts * (rates - mean) ** 2).sum(axis=-1) / total[..., 0]
    if style == "nist":
        filled = (counts > 0).sum(axis=-1)
        variance = np.where(filled > 1, variance * filled / np.maximum(filled - 1, 1), 0.0)
    return float(np.sqrt(variance).mean())


def chance_std(mean: float, counts: Doubles, style: str) -> float:
    """Expected `macro_std` of one class's groups of these sizes when all have the same recall.

    What a measured one is read against, as small groups differ by chance. From seeded draws.

    Args:
        mean: that recall, from 0 to 1.
        counts: (G,) queries of each group; fewer than one count as one.
        style: see `macro_std`.

    >>> by_chance = chance_std(0.5, np.ones(2), "population")  # 1/2 where the rates are 0 and 1
    >>> abs(by_chance - 0.25) < 0.05  # which is half of the time
    True
    >>> chance_std(1.0, np.array([5.0, 9.0]), "population")
    0.0
    """
    sizes = np.maximum(1, np.round(counts)).astype(np.int64)
    drawn = np.random.default_rng(0).binomial(sizes, min(1.0, mean), (RESAMPLES, len(sizes)))
    weight = sizes.astype(np.float64)
    return float(np.mean([macro_std(d / weight, weight, style) for d in drawn]))


def bootstrap(hits: Bools, place: Ints, group: Ints, clusters: Ints, style: str) -> Doubles:
    """(RESAMPLES,) `macro_std` of one class in bootstrap samples of clusters.

    Args:
        hits: (q,) whether each query succeeded.
        place: (m,) the query of each membership.
        group: (m,) the group of each membership.
        clusters: (q,) queries of one cluster are drawn together.
        style: see `macro_std`.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    many, count = int(cluster.max()) + 1, int(group.max()) + 1
    rng = np.random.default_rng(0)
    result = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, many, many), minlength=many)[cluster[place]]
        counts = np.bincount(group, drawn, count).astype(np.float64)
        right = np.bincount(group, drawn * hits[place], count)
        rates = np.divide(right, counts, out=np.zeros(count), where=counts > 0)
        result[i] = macro_std(rates, counts, style)
    return result


def unseen_share(counts: Ints | Doubles, share: float) -> tuple[float, float]:
    """Share of items that would be in no list if all lists were counted, not only a sample.

    Args:
        counts: (n,) lists of the sample that contain each item.
        share: of all lists that are in the sample, at most 1.

    Returns:
        Two estimates: from a gamma-Poisson distribution of the counts with the sample's mean and
        share of zeros, and from the items counted once or twice (Chao's extrapolation). Neither
        exceeds the share of zeros in the sample.

    >>> unseen_share(np.array([0, 0, 1, 2, 5]), 1.0)
    (0.4, 0.4)
    """
    zero = float((counts == 0).mean())
    if share >= 1 or zero in (0.0, 1.0):
        return zero, zero
    return _unseen_by_gamma(float(counts.mean()), zero, share), _unseen_by_chao(counts, zero, share)


def quantile_ranges(values: Doubles, count: int) -> tuple[Ints, tuple[str, ...]]:
    """Put numbers into ranges of about equally many.

    Equal numbers are in one range, so that there may be fewer ranges than asked for.

    Args:
        values: (n,) numbers; those that are not finite are in no range.
        count: of ranges.

    Returns:
        (n,) the range of each number, -1 for none, and the ranges' names: the least and the
        greatest number in each.

    >>> ranges, names = quantile_ranges(np.array([1.0, 2.0, 3.0, np.nan, 4.0, 5.0, 5.0]), 3)
    >>> ranges.tolist(), names
    ([0, 0, 1, -1, 1, 2, 2], ('1 to 2', '3 to 4', '5'))
    """
    finite = np.isfinite(values)
    ranges = np.full(len(values), -1)
    if not finite.any():
        return ranges, ()
    known = values[finite]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, count + 1)[1:-1]))
    used, ranges[finite] = np.unique(np.searchsorted(edges, known), return_inverse=True)
    low, high = np.full(len(used), np.inf), np.full(len(used), -np.inf)
    np.minimum.at(low, ranges[finite], known)
    np.maximum.at(high, ranges[finite], known)
    for digits in DIGITS:
        names = tuple(_range_name(a, b, digits) for a, b in zip(low, high, strict=True))
        if len(set(names)) == len(names):
            break
    return ranges, names


def _range_name(low: float, high: float, digits: int) -> str:
    return f"{low:,.{digits}g}" + ("" if low == high else f" to {high:,.{digits}g}")


def _share_below(ordered: Doubles, values: Doubles) -> Doubles:
    """(m,) share of the sorted numbers below each value, ties half."""
    both = np.searchsorted(ordered, values) + np.searchsorted(ordered, values, "right")
    shares: Doubles = both / (2 * len(ordered))
    return shares


def _shifts(x: Doubles, other: Doubles) -> Doubles:
    """(n,) influence of each item through the ranks of the items above it."""
    order = np.argsort(x, kind="stable")
    above = np.empty(len(x))
    above[order] = (np.cumsum(other[order][::-1])[::-1] - other[order]) / len(x)
    return above


def _unseen_by_gamma(mean: float, zero: float, share: float) -> float:
    """Solve (1 + mean / r)^-r = share of zeros for r, then raise the mean to that of all lists."""
    from scipy.optimize import brentq

    def excess(log_r: float) -> float:
        r = np.exp(log_r)
        return float(-r * np.log1p(mean / r) - np.log(zero))

    if excess(30.0) >= 0:  # no more zeros than a Poisson distribution has
        return float(np.exp(-mean / share))
    r = np.exp(brentq(excess, -30.0, 30.0, xtol=1e-14))
    return min(zero, float(np.exp(-r * np.log1p(mean / share / r))))


def _unseen_by_chao(counts: Ints | Doubles, zero: float, share: float) -> float:
    once, twice = float((counts == 1).mean()), float((counts == 2).mean())
    unseen = once**2 / (2 * twice) if twice else once * len(counts) / 2
    if not unseen:
        return zero
    new = unseen * -np.expm1(-(1 - share) / share * once / unseen)
    return max(0.0, zero - float(new))
