"""Clusters by density on a layout, or by k-means of the vectors, and their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.measure.keyness import Occurrences, key_terms, name_of, same_stem
from core.numerics.kmeans import centers_of, nearest_center
from core.types import KINDS, Doubles, Floats, Ints, Space

SAMPLE = 10_000  # points that clusters are found among; the others join the nearest
LARGEST = 40  # clusters that are kept, the largest ones
MEANS = 20  # of k-means where no number is given
MIN_SHARE = 0.01  # of the points: a smaller group is no cluster
OTHER = -1
IN_NAME, MOST_WORDS = 2, 6  # words of a name by the encoder; with more where clusters share these
FITTING = 0.2  # of all images: those that a word fits best
ERROR = 0.05  # share of clusters without an own word that get a name by the encoder


@dataclass(frozen=True)
class Clusters:
    """Clusters of the items of a space.

    Args:
        of: (n,) the cluster of each row, -1 for none; the largest is 0.
        sizes: (c,) items in each.
        centers: (c, 2) where each lies on the layout: the median of its points.
        names: (c,) what its captions say that others do not, else what the encoder says, each
            once; "" before they are named.
        sampled: points that they were found among.
        by: (c,) "captions", "encoder", or "" where neither separates it from the others.
        words: that the encoder chose from; 0 where it was not asked.
    """

    of: Ints
    sizes: Ints
    centers: Floats
    names: tuple[str, ...]
    sampled: int
    by: tuple[str, ...] = ()
    words: int = 0

    @property
    def lacks_names(self) -> bool:
        """Whether captions name not all, and the encoder was not asked."""
        return not self.words and "" in self.by

    @property
    def naming(self) -> str:
        """Which names are not from captions, in sentences; "" where all are."""
        encoder, none, n = self.by.count("encoder"), self.by.count(""), len(self.names)
        if none and not self.words:
            return (
                f"{none} of {n} clusters have no name: no caption says what the others do not, and "
                "the encoder was not asked."
            )
        by_encoder = (
            f"{encoder} of {n} names are by the encoder: those of {self.words:,} words that fit "
            "the images better than those of the other clusters (zero-shot, 5% error)."
        )
        numbered = f"For {none} of {n} no word stands out; they keep a number."
        return " ".join([by_encoder] * bool(encoder) + [numbered] * bool(none))

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
        smallest: points in the smallest cluster; without, 1% of all, at least 5.
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
    clusters: Clusters,
    found: Occurrences,
    by_encoder: Sequence[Sequence[str]] = (),
    words: int = 0,
) -> Clusters:
    """The clusters with names: the words over-represented in each against all others.

    Args:
        clusters: without names.
        found: the words of items; see `core.measure.keyness`.
        by_encoder: (c,) words for those whose captions say nothing, as of `words_by_encoder`.
        words: that these were chosen from.
    """
    names: list[str] = []
    by: list[str] = []
    for c in range(len(clusters.sizes)):
        inside = found.mask(clusters.rows(c))
        name = name_of(key_terms(found, inside, ~inside))
        by.append("captions" if name else "")
        if not name and by_encoder and by_encoder[c]:
            own = by_encoder[c]
            tried = [", ".join(own[:most]) for most in range(IN_NAME, len(own) + 1)] or [own[0]]
            name = next((one for one in tried if one not in names), tried[0])
            by[-1] = "encoder"
        name = name or f"Cluster {c + 1}"
        names.append(f"{name} ({c + 1})" if name in names else name)
    return replace(clusters, names=tuple(names), by=tuple(by), words=words)


def words_by_encoder(
    clusters: Clusters, space: Space, words: Sequence[str], vectors: Floats, candidates: int = 0
) -> tuple[tuple[str, ...], ...]:
    """Words for the images of each cluster, by zero-shot: the best first, none where none fits.

    A word's score is the cosine with the mean of a cluster's images, less the mean of that over the
    clusters: a word that is near all images names none of them. It has to stand out three times:
    among the scores of all words (in units of their median absolute deviation) and over what a
    random group of as many images scores (in standard errors of their mean), both at 5% after
    Bonferroni; and half of the images have to be among the fifth of all that the word fits best.
    Measured on the demo images and Flickr8k, with captions hidden: 87 to 100% of clusters get a
    name, 0 to 6% of random groups of as many images, of groups of two or three images 18%.

    Args:
        clusters: of the space.
        space: the items; clusters without images get no words.
        words: (w,) to choose from.
        vectors: (w, d) unit rows of them.
        candidates: how many of the words, from the first, may be a name; 0 for all. The others
            show how words score that do not fit.

    Returns:
        (c,) up to six words each, no two of one stem.

    >>> rows = np.eye(8, 40, dtype="f4")[np.repeat(np.arange(8), 5)]
    >>> space, places = Space(rows, tuple(map(str, range(40))), 40), np.zeros((40, 2), np.float32)
    >>> found = clusters_of(places, np.repeat(np.arange(8), 5), 40)
    >>> words = [f"word {i}" for i in range(40)]
    >>> words_by_encoder(found, space, words, np.eye(40, dtype="f4"))[3]
    ('word 3',)
    """
    c = len(clusters.sizes)
    of = clusters.of[: space.n_images]
    groups = [np.flatnonzero(of == cluster) for cluster in range(c)]
    have = [cluster for cluster in range(c) if len(groups[cluster])]
    if len(have) < 2 or not len(words):
        return ((),) * c
    images = space.images
    means = np.stack([images[groups[cluster]].mean(axis=0, dtype=np.float64) for cluster in have])
    scores = (means - means.mean(axis=0)) @ vectors.T.astype(np.float64)
    away = scores - np.median(scores, axis=1, keepdims=True)
    among_words = away / np.maximum(1.4826 * np.median(np.abs(away), axis=1, keepdims=True), 1e-12)
    of_all = images[_sample(len(images), 0)] @ vectors.T
    sizes = np.array([[len(groups[cluster])] for cluster in have])
    errors = np.maximum(of_all.std(axis=0), 1e-6) / np.sqrt(sizes)
    high = np.quantile(of_all, 1 - FITTING, axis=0)
    sure = np.minimum(among_words, scores / errors)[:, : candidates or len(words)]
    result: list[tuple[str, ...]] = [()] * c
    for cluster, row in zip(have, sure, strict=True):
        rows = groups[cluster][_sample(len(groups[cluster]), 0)]

        def fits(word: int, rows: Ints = rows) -> bool:
            own = images[rows] @ vectors[word]
            return bool(np.quantile(own, 0.5, method="lower") > high[word])

        result[cluster] = _standing_out(row, words, fits)
    return tuple(result)


def _standing_out(
    sure: Doubles, words: Sequence[str], fits: Callable[[int], bool]
) -> tuple[str, ...]:
    from scipy.stats import norm

    names: list[str] = []
    for at in np.argsort(-sure, kind="stable").tolist():
        if sure[at] < norm.isf(ERROR / len(sure)) or len(names) == MOST_WORDS:
            break
        if fits(at) and not any(same_stem(words[at], name) for name in names):
            names.append(words[at])
    return tuple(names)


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
