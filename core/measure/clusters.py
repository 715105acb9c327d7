"""Clusters by density on a layout, or by k-means of the vectors, and their names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.measure.keyness import Occurrences, key_terms, name_of
from core.numerics.kmeans import centers_of, nearest_center
from core.types import KINDS, Floats, Ints, Progress, Space

SAMPLE = 10_000  # points that clusters are found among; the others join the nearest
LARGEST = 40  # clusters that are kept, the largest ones
MEANS = 20  # of k-means where no number is given
MIN_SHARE = 0.01  # of the points: a smaller group is no cluster
OTHER = -1


@dataclass(frozen=True)
class Clusters:
    """Clusters of the items of a space.

    Args:
        of: (n,) the cluster of each row, -1 for none; the largest is 0.
        sizes: (c,) items in each.
        centers: (c, 2) where each lies on the layout: the median of its points.
        names: (c,) what its captions say that others do not, each once; "" before they are named.
        sampled: points that they were found among.
    """

    of: Ints
    sizes: Ints
    centers: Floats
    names: tuple[str, ...]
    sampled: int

    def rows(self, cluster: int) -> Ints:
        """The rows of a cluster, sorted."""
        return np.flatnonzero(self.of == cluster)


def by_density(xy: Floats, *, smallest: int = 0, seed: int = 0) -> Clusters:
    """Clusters of a layout's points: the leaves of HDBSCAN, which also says what is in none.

    It finds the finest groups that one sees on the map, whatever their shape. On more than 10,000
    points it runs on a seeded sample, and each other point has the cluster of the nearest sampled
    one (a k-d tree).

    Source: Campello, Moulavi, Sander. Density-Based Clustering Based on Hierarchical Density
    Estimates. PAKDD 2013; scikit-learn's implementation.

    Args:
        xy: (n, 2) points.
        smallest: points in the smallest cluster; without, 1 % of all, at least 5.
        seed: of the sample.

    >>> noise = np.random.default_rng(0).normal(size=(60, 2)) / 50
    >>> xy = (noise + np.repeat([[0], [1], [2]], 20, axis=0)).astype("f4")
    >>> by_density(xy, smallest=15).sizes.tolist()
    [20, 20, 20]
    """
    from sklearn.cluster import HDBSCAN

    n = len(xy)
    rows = _sample(n, seed)
    share = smallest / n if smallest else MIN_SHARE
    least = max(5, round(share * len(rows)))
    if len(rows) < 2 * least:
        return clusters_of(xy, np.full(n, OTHER), len(rows))
    found = HDBSCAN(
        min_cluster_size=least, min_samples=5, cluster_selection_method="leaf", copy=True
    )
    labels = found.fit_predict(xy[rows])
    return clusters_of(xy, _extended(xy, rows, labels), len(rows))


def by_means(space: Space, xy: Floats, *, k: int = MEANS, seed: int = 0) -> Clusters:
    """Clusters of the vectors: k-means, each kind centered on its mean so that both kinds mix.

    It divides everything, in d dimensions: a cluster may lie in several places on the map. Centers
    are found among a seeded sample of 10,000 rows. Cost: 3 s at 1,000,000 x 512.

    Source: Arthur, Vassilvitskii. k-means++: The Advantages of Careful Seeding. SODA 2007.

    Args:
        space: the items.
        xy: (n, 2) a layout of it, for the centers.
        k: clusters.
        seed: of the sample and the centers.

    >>> rows = np.repeat(np.eye(3, dtype="f4"), 4, axis=0)
    >>> space = Space(rows, tuple("abcdefghijkl"), 12)
    >>> by_means(space, rows[:, :2], k=3).sizes.tolist()
    [4, 4, 4]
    """
    rows = _sample(space.n, seed)
    if not len(rows):
        return clusters_of(xy, np.empty(0, np.int64), 0)
    sample, means = space.vectors[rows].copy(), {}
    for kind in KINDS:
        of_kind = (rows >= space.n_images) == (kind == "text")
        if of_kind.any():
            means[kind] = sample[of_kind].mean(axis=0)
            sample[of_kind] -= means[kind]
    centers = centers_of(sample, min(k, len(rows)), seed=seed)
    of = np.full(space.n, OTHER)
    for kind, mean in means.items():
        span = space.span(kind)
        of[span] = nearest_center(space.vectors[span], centers + mean)  # as if it were subtracted
    return clusters_of(xy, of, len(rows), most=k)


def clusters_of(xy: Floats, of: Ints, sampled: int, most: int = LARGEST) -> Clusters:
    """Clusters without names, from the number of each row's: the largest becomes 0.

    Args:
        xy: (n, 2) points.
        of: (n,) any numbers, negative ones for no cluster.
        sampled: points that they were found among.
        most: how many are kept; what lies beyond is in none.
    """
    sizes = np.bincount(of[of >= 0])
    order = np.argsort(-sizes, kind="stable")[:most]
    order = order[sizes[order] > 0]
    place = np.full(len(sizes) + 1, OTHER)  # the last place is for -1
    place[order] = np.arange(len(order))
    of = place[np.maximum(of, -1)]
    centers = [np.median(xy[of == c], axis=0) for c in range(len(order))]
    return Clusters(
        of, sizes[order], np.array(centers, np.float32).reshape(-1, 2), ("",) * len(order), sampled
    )


def named_clusters(
    clusters: Clusters, found: Occurrences, progress: Progress | None = None
) -> Clusters:
    """The clusters with names: the words over-represented in each against all others.

    Args:
        clusters: without names.
        found: the words of items; see `core.measure.keyness`.
        progress: called with (clusters named, all).
    """
    names: list[str] = []
    for c in range(len(clusters.sizes)):
        if progress:
            progress(c, len(clusters.sizes))
        inside = found.mask(clusters.rows(c))
        name = name_of(key_terms(found, inside, ~inside)) or f"cluster {c + 1}"
        names.append(f"{name} ({c + 1})" if name in names else name)
    return replace(clusters, names=tuple(names))


def _sample(n: int, seed: int) -> Ints:
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))


def _extended(xy: Floats, rows: Ints, labels: Ints) -> Ints:
    """(n,) the label of the nearest sampled point."""
    from scipy.spatial import cKDTree

    if len(rows) == len(xy):
        return labels.astype(np.int64)
    nearest = cKDTree(xy[rows]).query(xy, workers=-1)[1]
    return labels[nearest].astype(np.int64)
