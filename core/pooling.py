"""Fewer vectors for an item: parts that are alike become one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

import numpy as np

from core.cells import centres_of, nearest_cell
from core.errors import BadParameter
from core.types import Floats, Ints

Clusters = Literal["ward", "kmeans"]
NAMES: dict[Clusters, str] = {"ward": "Ward's clusters", "kmeans": "k-means"}
MOST = 256  # vectors an item
STARTS = 4  # of k-means: one leaves its clusters 4 % less tight than Ward's on the starter's places


@dataclass(frozen=True, slots=True)
class Pooling:
    """How many vectors an item keeps of its parts, and how they are put together.

    Args:
        clusters: "ward" or "kmeans".
        keep: at most so many vectors an item; 8 is a tenth of the starter's places.
        ratio: in place of `keep` a share of an item's parts, rounded up; 0 is none.

    Raises:
        BadParameter: no such clusters, or no such number.

    >>> Pooling(ratio=0.25).k(81), Pooling("kmeans", keep=4).k(81)
    (21, 4)
    """

    clusters: Clusters = "ward"
    keep: int = 8
    ratio: float = 0.0

    def __post_init__(self) -> None:
        if self.clusters not in get_args(Clusters):
            raise BadParameter("pool", repr(self.clusters), " or ".join(get_args(Clusters)))
        if not 1 <= self.keep <= MOST:
            raise BadParameter("keep", self.keep, f"1 to {MOST}")
        if not 0 <= self.ratio <= 1:
            raise BadParameter("ratio", self.ratio, "above 0, to 1")

    def k(self, parts: int) -> int:
        """Vectors that an item of so many parts keeps, at most."""
        return ceil(self.ratio * parts) if self.ratio else self.keep

    def pool(self, vectors: Floats) -> Floats:
        """At most `k` unit vectors that stand for the (t, d) parts of an item."""
        return pooled(vectors, self.k(len(vectors)), self.clusters)[0]

    @property
    def name(self) -> str:
        """What is kept with the vectors, and read back by `named`.

        >>> named(Pooling(ratio=0.25).name)
        Pooling(clusters='ward', keep=8, ratio=0.25)
        """
        size = f"ratio {self.ratio:g}" if self.ratio else f"keep {self.keep}"
        return f"{self.clusters} {size}"

    @property
    def sentence(self) -> str:
        """In words.

        >>> Pooling().sentence, Pooling("kmeans", ratio=0.25).sentence
        ("at most 8 an item by Ward's clusters", '25 % of the parts by k-means')
        """
        size = (
            f"{100 * self.ratio:g} % of the parts" if self.ratio else f"at most {self.keep} an item"
        )
        return f"{size} by {NAMES[self.clusters]}"


def named(name: str) -> Pooling:
    """The pooling of a name.

    Raises:
        BadParameter: no pooling is called that: an older or a newer version kept it.
    """
    with suppress(KeyError, ValueError):
        method, what, size = name.split()
        clusters = {str(way): way for way in NAMES}[method]
        if what == "keep":
            return Pooling(clusters, int(size))
        if what == "ratio":
            return Pooling(clusters, ratio=float(size))
    allowed = f"{' or '.join(NAMES)}, then keep or ratio, then a number"
    raise BadParameter("pooling", repr(name), allowed)


def pooled(vectors: Floats, k: int, clusters: Clusters = "ward") -> tuple[Floats, Ints]:
    """(j, d) unit vectors, at most k, and (t,) which of them each part went to.

    Each cluster of the parts is replaced by its mean, made to length 1. A question's best match
    with a cluster is at most its best match with a member before the mean gets its length.

    Args:
        vectors: (t, d) unit vectors.
        k: how many to keep; with k >= t the parts stay as they are.
        clusters: "ward" or "kmeans", which starts from k parts far from each other.

    Source: Ward: Clavie, Chaffin, Adams. Reducing the Footprint of Multi-Vector Retrieval with
    Minimal Performance Impact via Token Pooling. 2024. k-means and a ratio, inside training:
    Veneroso and others, CRISP: Clustering Multi-Vector Representations for Denoising and Pruning.
    2025; here after it.

    >>> x = np.float32([[1, 0], [0, 1], [1, 0]])
    >>> for clusters in ("ward", "kmeans"):
    ...     kept, members = pooled(x, 2, clusters)
    ...     print(kept[members].tolist())
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    if k >= len(vectors):
        return vectors, np.arange(len(vectors))
    members = _ward(vectors, k) if clusters == "ward" else _kmeans(vectors, k)
    sums = _sums(vectors, members)
    kept: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return kept, members


def _ward(vectors: Floats, k: int) -> Ints:
    from scipy.cluster.hierarchy import fcluster, linkage

    return _numbered(fcluster(linkage(vectors.astype(np.float64), "ward"), k, "maxclust"))


def _kmeans(vectors: Floats, k: int) -> Ints:
    """The best of some starts: the one whose clusters are tightest."""
    tried = [
        _numbered(nearest_cell(vectors, centres_of(vectors, k, seed=seed)))
        for seed in range(STARTS)
    ]
    return max(tried, key=lambda members: _explained(vectors, members))


def _explained(vectors: Floats, members: Ints) -> float:
    """What the clusters' means have of the squared lengths: the more, the less is left inside."""
    sums = _sums(vectors, members)
    return float((np.einsum("ij,ij->i", sums, sums) / np.bincount(members)).sum())


def _sums(vectors: Floats, members: Ints) -> Floats:
    sums = np.zeros((members.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, members, vectors)
    return sums


def _numbered(clusters: Ints) -> Ints:
    """Clusters numbered from 0 without gaps."""
    return np.unique(clusters, return_inverse=True)[1].astype(np.int64)
