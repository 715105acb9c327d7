"""Class means and variances, and the geometry of the means.

Formulas of neural collapse (Papyan, Han, Donoho 2020) on rows of any length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.numerics.labels import BLOCK, Classes, class_sums, class_totals, label_codes
from core.numerics.sampling import groups
from core.numerics.stats import clustered_error
from core.types import Doubles, Floats, Ints, Kind, Space, per_space

RTOL = 1e-10  # eigenvalues of the scatter of the means below this share of the largest count as 0
ERROR_ROWS = 5000  # that a standard error is estimated from, about
LEAST_GROUPS = 50  # images for a standard error
SHUFFLES = 199  # of the labels
PROJECTED = 64  # random directions that shuffled labels are compared in
LABELS_SHOW = 0.01  # p-value up to which labels show in the vectors
SHUFFLED_GROUPS = 5000


@dataclass(frozen=True)
class ClassMeans:
    """Classes as their `sizes`, their `means` (K, d), and mean squared deviation `spreads`."""

    sizes: Ints
    means: Doubles
    spreads: Doubles

    @cached_property
    def centered(self) -> Doubles:
        """(K, d) the means around their own mean, so that every class has the same weight."""
        return self.means - self.means.mean(axis=0)

    @cached_property
    def whitening(self) -> Doubles:
        """(d, r) eigenvectors of the scatter of the means over the roots of its values; r < K."""
        _, s, directions = np.linalg.svd(self.centered / np.sqrt(len(self.means)), False)
        if not s[0] > 1e-6:
            return np.empty((self.means.shape[1], 0))
        used = np.flatnonzero(s**2 > RTOL * s[0] ** 2)[: len(self.means) - 1]
        return directions[used].T / s[used]


@dataclass(frozen=True)
class WithinClass:
    """Within-class variation, in units of the scatter of the means.

    `nc1` is trace(Sw pinv(Sb)) / K, `error` its standard error over rows, `squares` (rows,) the
    squared distance of each row to its class mean.
    """

    nc1: float
    error: float
    squares: Doubles


def space_class_means(space: Space, given: Classes) -> ClassMeans:
    """Class means where classes hold all rows of their labels, from shared sums."""
    return _from_sums(given, *class_totals(space, given.kind, given.names))


def class_means(vectors: Floats, given: Classes) -> ClassMeans:
    """Class means and spreads, from one pass over the rows."""
    return _from_sums(given, *class_sums(vectors, given))


def _from_sums(given: Classes, sums: Doubles, squares: Doubles) -> ClassMeans:
    means = sums / given.sizes[:, None]
    spreads = squares / given.sizes - (means**2).sum(axis=1)
    return ClassMeans(given.sizes, means, np.maximum(spreads, 0.0))


def sampled_groups(linked: Ints, most: int = ERROR_ROWS) -> Ints:
    """Places of the items of some whole groups, about `most` items: all, or a seeded sample."""
    if len(linked) <= most:
        return np.arange(len(linked))
    numbers = np.unique(linked)
    chosen = np.random.default_rng(0).choice(
        numbers, max(2, len(numbers) * most // len(linked)), False
    )
    return np.flatnonzero(np.isin(linked, chosen))


def mean_error(moved: Doubles, linked: Ints, n: int) -> float:
    """Standard error of a mean over n items, from the influence of some, by group.

    NaN below `LEAST_GROUPS` groups.
    """
    if len(np.unique(linked)) < LEAST_GROUPS:
        return float("nan")
    return clustered_error(moved, linked) * float(np.sqrt(len(moved) / n))


@per_space
def labels_p(space: Space, kind: Kind, names: tuple[str, ...]) -> float:
    """p-value of the variance between labels, against labels shuffled between images.

    Items connected through pairs are shuffled together: the captions of an image are alike
    whatever its label. In a random projection, which costs the same at every width.
    """
    from scipy.sparse import csr_array

    place = {name: i for i, name in enumerate(names)}
    coded = label_codes(space)
    renumbered = np.array([place.get(name, -1) for name in coded.names] + [-1], np.int64)
    span = space.span(kind)
    code = renumbered[coded.codes[span]]
    rows = np.flatnonzero(code >= 0)
    numbers, first, group = np.unique(
        groups(space)[span][rows], return_index=True, return_inverse=True
    )
    rng = np.random.default_rng(0)
    if len(numbers) > SHUFFLED_GROUPS:
        some = rng.choice(len(numbers), SHUFFLED_GROUPS, replace=False)
        inside = np.isin(group, some)
        rows, group = rows[inside], group[inside]
        numbers, first, group = np.unique(group, return_index=True, return_inverse=True)
    of, g = code[rows][first], len(numbers)
    sizes = np.bincount(group, minlength=g).astype(np.float64)
    member = csr_array((np.ones(len(rows)), (group, np.arange(len(rows)))), shape=(g, len(rows)))
    centered = space.vectors[span][rows].astype(np.float64)
    centered -= centered.mean(axis=0)
    if space.d > PROJECTED:
        centered = centered @ rng.standard_normal((space.d, PROJECTED))
    sums = member @ centered

    def between(labels: Ints) -> float:
        choose = csr_array((np.ones(g), (labels, np.arange(g))), shape=(len(names), g))
        each = choose @ sums
        return float(((each**2).sum(axis=1) / np.maximum(choose @ sizes, 1.0)).sum())

    found = between(of)
    beyond = sum(between(rng.permutation(of)) >= found - 1e-12 for _ in range(SHUFFLES))
    return (1 + beyond) / (1 + SHUFFLES)


def within(
    vectors: Floats, given: Classes, of: ClassMeans, linked: Ints | None = None
) -> WithinClass:
    """NC1 and its influence by row. Deviations are computed first, so that nothing cancels.

    `linked` is the group of each row, for the standard error: by default each is its own.
    """
    linked = np.arange(len(given.rows)) if linked is None else linked
    codes, count = given.codes, len(given.names)
    n, w = len(codes), of.whitening
    narrow = w.astype(np.float32)  # enough for deviations; the means were summed in float64
    means = of.means.astype(np.float32)
    norms, squares = np.empty(n), np.empty(n)
    scatter = np.zeros((w.shape[1], w.shape[1]))
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        off = vectors[given.rows[part]] - means[codes[part]]
        z = off @ narrow
        squares[part] = np.einsum("ij,ij->i", off, off)
        norms[part] = np.einsum("ij,ij->i", z, z, dtype=np.float64)
        scatter += z.T @ z
    nc1 = float(norms.mean()) / count
    rows = sampled_groups(linked)
    code = codes[rows]
    z = (vectors[given.rows[rows]] - of.means[code]) @ w
    pull = (of.centered @ w @ (scatter / n))[code]
    moved = norms[rows] / count - 2 * n / (of.sizes[code] * count**2) * (pull * z).sum(axis=1)
    return WithinClass(nc1, mean_error(moved, linked[rows], n), squares)


def simplex_error(means: Doubles) -> float:
    """NC2: distance of the centered means' normalized Gram matrix from a simplex's; 0 to sqrt 2.

    >>> round(simplex_error(np.eye(4)), 6), round(gram_error(np.eye(10), centered=False), 6)
    (0.0, 0.320364)
    """
    return gram_error(means, centered=True)


def gram_error(means: Doubles, *, centered: bool) -> float:
    """|| G / |G| - (I - 11'/K) / sqrt(K - 1) || of the means' Gram matrix G, centered or not.

    From K x d alone: only the trace of G, its norm and the length of the mean enter.
    """
    a = means - means.mean(axis=0) if centered else means
    gram = a.T @ a if a.shape[1] < len(a) else a @ a.T
    count = len(a)
    inner = (a**2).sum() - (a.sum(axis=0) ** 2).sum() / count
    return float(np.sqrt(max(0.0, 2 - 2 * inner / (np.linalg.norm(gram) * np.sqrt(count - 1)))))


def orthogonal_error(means: Doubles) -> float:
    """Distance of the means' normalized Gram matrix from the identity's, the means as they are.

    >>> round(orthogonal_error(np.eye(4)), 6)
    0.0
    """
    gram = means.T @ means if means.shape[1] < len(means) else means @ means.T
    inner = (means**2).sum() / (np.linalg.norm(gram) * np.sqrt(len(means)))
    return float(np.sqrt(max(0.0, 2 - 2 * inner)))


def duality_error(texts: Doubles, means: Doubles) -> float:
    """NC3: distance of centered text prototypes and centered means, each scaled to norm 1."""
    w, a = texts - texts.mean(axis=0), means - means.mean(axis=0)
    lengths = np.linalg.norm(w) * np.linalg.norm(a)
    if not lengths > 0:
        return float(np.sqrt(2))
    return float(np.sqrt(max(0.0, 2 - 2 * (w * a).sum() / lengths)))


def cosines(rows: Doubles) -> Doubles:
    """Cosines of all pairs of rows, one for each pair; a row of zeros has cosine 0 with all."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    upper = np.triu_indices(len(rows), 1)
    return np.clip((unit @ unit.T)[upper], -1, 1)


def cdnv(of: ClassMeans) -> float:
    """Median over pairs of classes of (v_k + v_l) / (2 |mu_k - mu_l|^2); equal means excluded."""
    lengths = (of.centered**2).sum(axis=1)
    apart = lengths[:, None] + lengths - 2 * of.centered @ of.centered.T
    upper = np.triu_indices(len(lengths), 1)
    apart = apart[upper]
    sums = (of.spreads[:, None] + of.spreads)[upper]
    distinct = apart > 1e-10
    return float(np.median(sums[distinct] / (2 * apart[distinct]))) if distinct.any() else np.inf


def free_lengths(sizes: Ints, weight: float = 5e-4, feature: float = 5e-4) -> Doubles:
    """(K, 3) |w|^2, |h|^2 and w.h of free features and one linear layer trained on these sizes.

    The minimum of mean squared error with both decays (Dang et al. 2023); a class that is too small
    collapses to 0.

    >>> free_lengths(np.array([1000, 400, 90, 10]))[0].round(4).tolist()
    [30.8728, 0.0309, 0.9763]
    """
    total, n = float(sizes.sum()), sizes.astype(np.float64)
    w = np.sqrt(n * feature / weight) - total * feature
    h = np.sqrt(weight / (n * feature)) - total * weight / n
    both = 1 - total * np.sqrt(weight * feature / n)
    return np.where((n > total**2 * weight * feature)[:, None], np.stack([w, h, both], 1), 0.0)


def slope(x: Doubles, y: Doubles) -> tuple[float, float] | None:
    """Least-squares slope and its standard error; None below 3 points or without variance.

    >>> slope(np.array([0., 1., 2.]), np.array([1., 3., 5.]))
    (2.0, 0.0)
    """
    if len(x) < 3 or not np.ptp(x) > 1e-9:
        return None
    off = x - x.mean()
    value = float(off @ y / (off @ off))
    residual = y - y.mean() - value * off
    return value, float(np.sqrt(residual @ residual / (len(x) - 2) / (off @ off)))


def agreement(rows: Floats, means: Doubles, words: Doubles) -> float:
    """NC4: share of rows whose nearest center and nearest text are of one label."""
    near = (rows @ means.T - (means**2).sum(axis=1) / 2).argmax(axis=1)
    return float((near == (rows @ words.T).argmax(axis=1)).mean())
