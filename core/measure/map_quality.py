"""How far a map can be trusted: what it keeps of the neighbors in the space, point by point.

Venna, Kaski. Neighborhood Preservation in Nonlinear Projection Methods. ICANN 2001. Lee, Verleysen.
Quality assessment of dimensionality reduction. Neurocomputing 72, 2009. Yip et al. RESTORE: Graph
Embedding Assessment Through Reconstruction. arXiv 2308.14659, 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.measure.findings import estimate, format_value, percent
from core.measure.map_input import ignored, rows_on_map
from core.numerics.neighbors import TIE, top_k
from core.numerics.sampling import groups
from core.numerics.stats import chance_precision, clustered_error, normal
from core.types import Bools, Doubles, Floats, Ints, Progress, Space

K = 15
KS = (5, 15, 50)  # neighbors at which recall is measured
HOPS = 3
GRAPH = 10  # neighbors of each item on the graph whose hops are reconstructed
HOP_ROWS, HOP_QUERIES = 5_000, 200  # the graph is that of a sample beyond this many items
SCORES = 300_000_000  # compared at most: the points that are measured, times all of them
LEAST_MEASURED = 1_000
LEAST_ON_MAP = 8
BLOCK = 1 << 22  # scores in memory at a time
MOST_STABLE = 5_000  # points whose neighbors are compared with those on another map
AROUND = 5  # measured points that stand for a point that is not


@dataclass(frozen=True)
class MapQuality:
    """What a map keeps of the neighbors in the space, at q measured points.

    Args:
        n: points on the map.
        rows: (q,) rows that were measured: all of them, or a seeded sample.
        groups: (q,) items connected through pairs are one group: one draw of the intervals.
        k: neighbors of trustworthiness and continuity.
        trustworthiness: (q,) 1 when every neighbor on the map is one in the space; less the
            farther off those are that are not.
        continuity: (q,) the same with the map and the space exchanged: 1 when every neighbor in
            the space is one on the map.
        ks: numbers of neighbors of `recall`.
        recall: (q, len(ks)) share of the true neighbors that are neighbors on the map.
        reconstruction: (hops,) mean average precision with which distances on the map find the
            items at most 1, 2, 3 hops away on the neighbor graph; NaN for no such graph.
        random: (2 + hops,) trustworthiness, recall at k and reconstruction of a map whose points
            are placed at random: the null.
    """

    n: int
    rows: Ints
    groups: Ints
    k: int
    trustworthiness: Doubles
    continuity: Doubles
    ks: tuple[int, ...]
    recall: Doubles
    reconstruction: Doubles
    random: Doubles

    def mean(self, values: Doubles) -> tuple[float, float, float]:
        """The mean over points with its 95% interval; exact where all points were measured."""
        value = float(values.mean())
        if len(values) == self.n or len(values) < 2:
            return value, value, value
        return value, *normal(value, clustered_error(values, self.groups), 0.0, 1.0)

    def to_matrix(self) -> Floats:
        """(q, columns) all of it as numbers, to be stored; the inverse is `map_quality_of`."""
        q = len(self.rows)
        columns = [self.rows, np.full(q, self.k), self.trustworthiness, self.continuity]
        repeated = np.tile([*self.reconstruction, *self.random[2:]], (q, 1))
        sizes = np.tile(self.ks, (q, 1))
        return np.column_stack([*columns, repeated, sizes, self.recall]).astype(np.float32)

    @property
    def sentence(self) -> str:
        """Trustworthiness and recall against chance, and what follows for reading the map."""
        at = self.ks.index(self.k)
        kept = self.mean(self.recall[:, at])
        trust = estimate(*self.mean(self.trustworthiness))
        points = "" if len(self.rows) == self.n else f", measured at {len(self.rows):,} points"
        return (
            f"Trustworthiness {trust} (random places: {format_value(float(self.random[0]))}); "
            f"{percent(*kept)} of each item's {self.k} nearest neighbors are among its {self.k} "
            f"nearest here (random places: {percent(float(self.random[1]))}){points}. "
            "Select on the map, but search to find neighbors."
        )


def measure_map(
    space: Space,
    xy: Floats,
    *,
    gap: str = "keep",
    k: int = K,
    progress: Progress = ignored,
) -> MapQuality:
    """Compare the neighbors on a map with those in the space.

    Both rankings are exact for each measured point, over all points: ranks are counted, never
    estimated in a subsample, which would judge wider neighborhoods. All points are measured up to
    17,000, then as many as cost 3e8 comparisons, and 1,000 from 300,000 points on: about 20 s for a
    million on two cores.

    Trustworthiness T(k) = 1 - 2 / (k (2n - 3k - 1)) * the mean over points of the sum of r - k over
    the k neighbors on the map whose rank r in the space is above k. Continuity exchanges map and
    space. At random places T is about 0.5, which is chance, not half good.

    Args:
        space: at least eight items.
        xy: (n, 2) their places.
        gap: "remove" compares with the space whose modality gap is removed, as a map of it should.
        k: neighbors; at most a third of the items.
        progress: counts measured points.

    Raises:
        TooFew: fewer than eight items.

    >>> angles = np.arange(12) ** 2 / 60
    >>> rows = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    >>> found = measure_map(Space(rows, tuple("abcdefghijkl"), 12), rows)
    >>> float(found.trustworthiness.mean()), float(found.continuity.mean())
    (1.0, 1.0)
    """
    n = space.n
    if n < LEAST_ON_MAP:
        raise TooFew("The quality of a map", LEAST_ON_MAP, "items", n, "Add more items.")
    k = min(k, (n - 1) // 3)
    ks = tuple(sorted({min(one, n - 1) for one in (*(i for i in KS if i != K), k)}))
    vectors, rng = rows_on_map(space, gap), np.random.default_rng(0)
    q = min(n, max(LEAST_MEASURED, SCORES // n))
    rows = np.arange(n) if q == n else np.sort(rng.choice(n, q, replace=False))
    trust, continuity, recall = np.empty(q), np.empty(q), np.empty((q, len(ks)))
    step = max(1, BLOCK // n)
    places = _Places(xy)
    for at in range(0, q, step):
        progress(at, q)
        part = slice(at, at + step)
        trust[part], continuity[part], recall[part] = _compared(vectors, places, rows[part], k, ks)
    progress(q, q)
    reconstruction, by_chance = _reconstruction(vectors, xy, rng)
    random = np.array([*_at_random(n, k), *by_chance])
    return MapQuality(
        n, rows, groups(space)[rows], k, trust, continuity, ks, recall, reconstruction, random
    )


def map_quality_of(space: Space, matrix: Floats) -> MapQuality:
    """The quality that `MapQuality.to_matrix` wrote, of a map of this space."""
    rows, k = matrix[:, 0].astype(np.int64), int(matrix[0, 1])
    numbers = matrix.astype(np.float64)
    reconstruction, by_chance, rest = np.split(numbers[:, 4:], [HOPS, 2 * HOPS], axis=1)
    ks, recall = np.split(rest, 2, axis=1)
    random = np.array([*_at_random(space.n, k), *by_chance[0]])
    return MapQuality(
        space.n, rows, groups(space)[rows], k, numbers[:, 2], numbers[:, 3],
        tuple(int(one) for one in ks[0]), recall, reconstruction[0], random,
    )  # fmt: skip


def distrust(xy: Floats, rows: Ints, trustworthiness: Doubles, null: float) -> Ints:
    """(n,) bytes of how little each point's place can be trusted: 0 as in the space, 255 by chance.

    From 1 down to the trustworthiness of random places. A point that was not measured takes the
    mean of the five nearest measured points on the map.

    >>> xy = np.array([[0, 0], [1, 0], [9, 0]], np.float32)
    >>> distrust(xy, np.array([0, 1, 2]), np.array([1.0, 0.75, 0.4]), 0.5).tolist()
    [0, 128, 255]
    """
    from scipy.spatial import cKDTree

    values = trustworthiness
    if len(rows) < len(xy):
        near = cKDTree(xy[rows]).query(xy, min(AROUND, len(rows)))[1]
        near = near.reshape(len(xy), -1)
        values = trustworthiness[near].mean(axis=1)
        values[rows] = trustworthiness
    share = np.clip((1 - values) / max(1e-9, 1 - null), 0, 1)
    result: Ints = np.round(255 * share).astype(np.uint8)
    return result


def true_neighbors(space: Space, row: int, k: int = K, *, gap: str = "keep") -> tuple[Ints, Floats]:
    """The rows most similar to one row in the space itself, best first, and their cosines.

    Exact, with one product over all rows: half a second for a million on two cores.

    >>> rows = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    >>> true_neighbors(Space(rows, ("a", "b", "c"), 3), 0, 1)[0].tolist()
    [2]
    """
    vectors = rows_on_map(space, gap)
    near, cosines = top_k(vectors[row : row + 1], vectors, k, exclude=np.array([row]))
    return near[0], cosines[0]


def stability(xy: Floats, other: Floats, k: int = K) -> float:
    """Mean share of the k nearest points on one map that are among them on another: seed to seed.

    1 for the same map, also turned or mirrored, k / (n - 1) for unrelated ones. Which of several
    points at the same place are among the k is arbitrary: a turned map with such copies can have
    less. Points beyond 5,000 are not measured, but are neighbors.

    >>> grid = np.random.default_rng(0).random((60, 2)).astype(np.float32)
    >>> stability(grid, grid[:, ::-1], 5)
    1.0
    """
    from scipy.spatial import cKDTree

    n = len(xy)
    k = min(k, n - 1)
    rows = np.arange(n)
    if n > MOST_STABLE:
        rows = np.sort(np.random.default_rng(0).choice(n, MOST_STABLE, replace=False))
    first, second = (
        _without(rows, cKDTree(places).query(places[rows], k + 1)[1]) for places in (xy, other)
    )
    shared = (first[:, :, None] == second[:, None, :]).any(axis=2)
    return float(shared.sum(axis=1).mean() / k)


def _without(rows: Ints, near: Ints) -> Ints:
    """(q, k) of k + 1 nearest points those other than the point itself.

    Where more points coincide than are listed, it may not be among them: the last is dropped.

    >>> _without(np.array([7, 7]), np.array([[3, 7, 4], [3, 4, 5]])).tolist()
    [[3, 4], [3, 4]]
    """
    dropped = near == rows[:, None]
    dropped[~dropped.any(axis=1), -1] = True
    return near[~dropped].reshape(len(near), -1)


def _at_random(n: int, k: int) -> tuple[float, float]:
    """Trustworthiness and recall of random places.

    >>> trust, recall = _at_random(1001, 10)
    >>> round(trust, 6), recall
    (0.502237, 0.01)
    """
    trust = 1 - (n - k - 1) * (n - k) / ((n - 1) * (2 * n - 3 * k - 1))
    return trust, k / (n - 1)


class _Places:
    """Negative squared distances on a map, larger is nearer, as cosines are."""

    def __init__(self, xy: Floats) -> None:
        self._xy = xy.astype(np.float64) - xy.mean(axis=0, dtype=np.float64)

    def scores(self, rows: Ints) -> Floats:
        x, y = self._xy.T
        apart: Doubles = (x[rows, None] - x) ** 2 + (y[rows, None] - y) ** 2
        return -apart.astype(np.float32)


def _compared(
    vectors: Floats, places: _Places, rows: Ints, k: int, ks: tuple[int, ...]
) -> tuple[Doubles, Doubles, Doubles]:
    """Trustworthiness, continuity and recall at each k of some rows."""
    n, at = len(vectors), np.arange(len(rows))
    true: Floats = vectors[rows] @ vectors.T
    seen = places.scores(rows)
    for scores in (true, seen):
        scores[at, rows] = -np.inf
    most = max(ks)
    first, second = _nearest(true, most), _nearest(seen, most)
    scale = 2 / (k * (2 * n - 3 * k - 1))
    result = []
    for scores, near, tie in ((true, second[:, :k], TIE), (seen, first[:, :k], 0.0)):
        beyond = np.maximum(_ranks(scores, near, tie) - k, 0)
        result.append(1 - scale * beyond.sum(axis=1))
    recall = np.column_stack(
        [(first[:, :size, None] == second[:, None, :size]).sum(axis=(1, 2)) / size for size in ks]
    )
    return result[0], result[1], recall


def _nearest(scores: Floats, k: int) -> Ints:
    """Columns of the k largest of each row, best first."""
    k = min(k, scores.shape[1] - 1)
    part = np.argpartition(scores, -k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(scores, part, axis=1), axis=1, kind="stable")
    return np.take_along_axis(part, order, axis=1)


def _ranks(scores: Floats, columns: Ints, tie: float) -> Ints:
    """1 + the number of scores in the row that are larger by more than `tie`, for some columns."""
    ordered = np.sort(scores, axis=1)
    own = np.take_along_axis(scores, columns, axis=1)
    n = scores.shape[1]
    return np.stack(
        [
            n - np.searchsorted(row, values + tie, side="right") + 1
            for row, values in zip(ordered, own, strict=True)
        ]
    )


def _reconstruction(
    vectors: Floats, xy: Floats, rng: np.random.Generator
) -> tuple[Doubles, Doubles]:
    """(HOPS,) mAP of finding the items within 1, 2, 3 hops by map distance, and by chance."""
    n = len(vectors)
    if n > HOP_ROWS:
        rows = np.sort(rng.choice(n, HOP_ROWS, replace=False))
        vectors, xy, n = vectors[rows], xy[rows], HOP_ROWS
    if n <= GRAPH + 1:
        return np.full(HOPS, np.nan), np.full(HOPS, np.nan)
    near, _ = top_k(vectors, vectors, GRAPH, exclude=np.arange(n))
    queries = np.arange(n)
    if n > HOP_QUERIES:
        queries = np.sort(rng.choice(n, HOP_QUERIES, replace=False))
    order = np.argsort(-_Places(xy).scores(queries), axis=1, kind="stable")
    reached: Bools = np.zeros((len(queries), n), bool)
    reached[np.arange(len(queries)), queries] = True
    result, by_chance = np.empty(HOPS), np.empty(HOPS)
    for hop in range(HOPS):
        for row in reached:
            row[near[row].ravel()] = True
        result[hop] = np.mean(
            [
                _average_precision(row[ranked[ranked != query]])
                for row, ranked, query in zip(reached, order, queries, strict=True)
            ]
        )
        by_chance[hop] = chance_precision(n - 1, reached.sum(axis=1) - 1)  # without the query
    return result, by_chance


def _average_precision(relevant: Bools) -> float:
    """Mean over the relevant places of a ranking of the precision there.

    >>> _average_precision(np.array([True, False, True]))
    0.8333333333333333
    """
    at = np.flatnonzero(relevant)
    return float((np.arange(1, len(at) + 1) / (at + 1)).mean())
