"""Places on a map: of vectors that it was not made from, and of its points on another map."""

from __future__ import annotations

import numpy as np

from core.types import Doubles, Floats, Ints, Space

NEAREST = 12  # items that place a vector
SHARP = 20.0  # factor of their cosines in the softmax that weighs them


def placed(space: Space, xy: Floats, vectors: Floats) -> Floats:
    """(q, 2) where vectors lie on a map: the weighted mean place of their 12 nearest items.

    Weights are the softmax of the cosine times 20. Images alone place a vector where there are any:
    search results lie around it then. A layout that is not linear has no exact place for a new
    point; this is where UMAP's own transform starts.

    Args:
        space: the items.
        xy: (n, 2) their places.
        vectors: (q, d) unit vectors.

    >>> space = Space(np.eye(2, dtype="f4"), ("a", "b"), 2)
    >>> places = placed(space, np.array([[0, 0], [4, 2]], np.float32), space.vectors[1:])
    >>> places.round(3).tolist()
    [[4.0, 2.0]]
    """
    span = space.span("image" if space.n_images else "text")
    cosines = vectors @ space.vectors[span].T
    k = min(NEAREST, cosines.shape[1])
    nearest = np.argpartition(cosines, -k, axis=1)[:, -k:]
    best = np.take_along_axis(cosines, nearest, axis=1).astype(np.float64)
    weights: Doubles = np.exp(SHARP * (best - best.max(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    places: Doubles = np.einsum("qk,qkd->qd", weights, xy[nearest + span.start].astype(np.float64))
    return places.astype(np.float32)


def laid_over(xy: Floats, other: Floats) -> Floats:
    """Another map of the same items turned, mirrored, scaled and moved onto this one (Procrustes).

    A map has no orientation of its own, so two of them are compared after this. Both are spread
    alike then: the scale of least squares would shrink a map that agrees little to a point.

    >>> square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    >>> bool(np.abs(laid_over(square, square[:, ::-1] * 3 + 5) - square).max() < 1e-6)
    True
    """
    from scipy.linalg import orthogonal_procrustes

    x, y = xy.astype(np.float64), other.astype(np.float64)
    x0, y0 = x.mean(axis=0), y.mean(axis=0)
    turn, _ = orthogonal_procrustes(y - y0, x - x0)
    scale = np.linalg.norm(x - x0) / max(float(np.linalg.norm(y - y0)), 1e-300)
    return ((y - y0) @ turn * scale + x0).astype(np.float32)


def carried_over(space: Space, xy: Floats, other: Space, other_xy: Floats) -> tuple[Floats, Ints]:
    """Where the items of a space lie on a map of another one, laid over their own map.

    Returns:
        (n, 2) places in the coordinates of `xy`, NaN where the other space lacks an item; and the
        rows that have one.

    >>> space = Space(np.eye(3, dtype="f4"), ("a", "b", "t"), 2)
    >>> xy = np.array([[0, 0], [2, 0], [0, 2]], np.float32)
    >>> there = space.subset(np.array([0, 2]))
    >>> places, rows = carried_over(space, xy, there, xy[[0, 2]] + 5)
    >>> places.round(3).tolist(), rows.tolist()
    ([[0.0, 0.0], [nan, nan], [0.0, 2.0]], [0, 2])
    """
    at = np.array([other.row.get(id_, -1) for id_ in space.ids], np.int64)
    rows = np.flatnonzero(at >= 0)
    places = np.full((space.n, 2), np.nan, np.float32)
    if len(rows):
        places[rows] = laid_over(xy[rows], other_xy[at[rows]])
    return places, rows


def moved_most(xy: Floats, other: Floats, among: Ints, most: int = 50) -> Ints:
    """The rows that lie farthest apart on two maps that lie over each other, farthest first.

    Args:
        xy: (n, 2) places.
        other: (n, 2) those of the same rows on another map; NaN for those that it lacks.
        among: the rows that are looked at; all for none.
        most: how many.

    >>> here = np.zeros((3, 2), np.float32)
    >>> moved_most(here, here + [[0], [2], [1]], np.array([], int), most=2).tolist()
    [1, 2]
    """
    rows = among if len(among) else np.arange(len(xy))
    far = np.linalg.norm(xy[rows] - other[rows], axis=1)
    order = np.argsort(-far, kind="stable")  # NaN, of an item that one map lacks, comes last
    return rows[order[: min(most, int(np.isfinite(far).sum()))]]


def lines_between(start: Floats, end: Floats) -> Floats:
    """(k, 4) lines x y to x y; from one place where `start` is (2,).

    >>> lines_between(np.array([0, 1]), np.array([[2, 3], [4, 5]])).tolist()
    [[0, 1, 2, 3], [0, 1, 4, 5]]
    """
    return np.concatenate([np.broadcast_to(start, end.shape), end], axis=1)


def pair_lines(space: Space, xy: Floats, among: Ints, most: int = 2_000, seed: int = 0) -> Floats:
    """(k, 4) lines from images to their texts; of more than `most` pairs a seeded sample.

    Args:
        space: the items.
        xy: (n, 2) their places.
        among: rows that the pairs have; all pairs for none.
        most: how many lines.
        seed: of the sample.

    >>> space = Space(np.eye(3, dtype="f4"), ("a", "b", "t"), 2, np.array([[0, 2]]))
    >>> xy = np.array([[0, 1], [9, 9], [2, 3]], np.float32)
    >>> pair_lines(space, xy, np.array([2])).tolist(), len(pair_lines(space, xy, np.array([1])))
    ([[0.0, 1.0, 2.0, 3.0]], 0)
    """
    pairs = space.pairs
    if len(among):
        wanted = np.zeros(space.n, bool)
        wanted[among] = True
        pairs = pairs[wanted[pairs].any(axis=1)]
    if len(pairs) > most:
        pairs = pairs[np.random.default_rng(seed).choice(len(pairs), most, replace=False)]
    return lines_between(xy[pairs[:, 0]], xy[pairs[:, 1]])
