"""Exact neighbors: top-k selection, top-k search in blocks, ranks, and neighbor lists of a space.

Selecting with bounds from group maxima is many times faster than a partition of each row. Scores
that differ by no more than `TIE` are ties, ordered by row: in a list those within `TIE` of the
highest, then those within `TIE` of the highest that is left, and so on (`select`); in a rank those
within `TIE` of the one that is ranked (`precede`). The two differ, and so may lists that are merged
from blocks, only where scores form a chain: each within `TIE` of the next, but not of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.types import Bools, Doubles, Floats, Ints, Space, per_space

TIE = 1e-6  # float32 cosines of the same rows differ by up to 5e-7 between ways to compute them
FEW = 2048  # below this many columns a partition of each row is faster than maxima of groups
QUERY_BLOCK = 512
SCORE_BLOCK = 1 << 24  # scores in memory at a time: 64 MiB of float32
LEAST_BLOCK = 2048  # candidates per block, at least
SHARED = 20  # neighbors in a cached list, so that several diagnostics use the same one
NARROW = 0.25  # share of allowed rows below which copying them out beats masking all scores

Side = Literal["image", "text", "all"]


def select(scores: Floats, k: int) -> tuple[Ints, Floats]:
    """Columns and values of the k largest of each row, best first, ties (see `TIE`) by column.

    Ties are runs: each begins with the highest score that is left and has all within `TIE` of it.
    So fewer columns are always the first of more. The k-th largest of the maxima of disjoint groups
    bounds the k-th largest score from below, so only the groups that reach it are searched.

    >>> select(np.array([[0.1, 0.9, 0.5, 0.9]], np.float32), 3)[0]
    array([[1, 3, 2]])

    A third score within `TIE` of the second, but not of the first, is no tie of the first:

    >>> select(np.array([[0.5, 0.5 + 8e-7, 0.5 + 1.6e-6]], np.float32), 3)[0]
    array([[1, 2, 0]])
    """
    q, n = scores.shape
    k = min(k, n)
    if k == 1:
        best = (scores >= scores.max(axis=1, keepdims=True) - np.float32(TIE)).argmax(axis=1)
        return best[:, None].astype(np.int64), np.take_along_axis(scores, best[:, None], axis=1)
    if k == 0:
        return np.empty((q, 0), np.int64), np.empty((q, 0), scores.dtype)
    width = min(64, n // (4 * k))
    if n < FEW or width < 4:
        bound = np.partition(scores, n - k, axis=1)[:, n - k] - np.float32(TIE)
        row, column = np.nonzero(scores >= bound[:, None])
        value = scores[row, column]
    else:
        row, column, value = _above(scores, k, width)
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    first = (np.searchsorted(row, np.arange(q))[:, None] + np.arange(k)).ravel()
    same = (value[1:] >= value[:-1] - np.float32(TIE)) & (row[1:] == row[:-1])
    if same.any():
        starts = _runs(value, np.concatenate([[True], ~same]))
        order = np.lexsort((column, np.cumsum(starts)))
        column, value = column[order], value[order]
    return column[first].reshape(q, k).astype(np.int64), value[first].reshape(q, k)


def precede(scores: Floats, own: Floats | Doubles, column: Ints) -> Bools:
    """(q, n) whether each score ranks before the row's `own` one, which is that of `column`.

    >>> precede(np.array([[0.5, 0.9, 0.5, 0.5]], np.float32), np.array([0.5]), np.array([2]))
    array([[ True,  True, False, False]])
    """
    result: Bools = scores >= (own - TIE).astype(np.float32)[:, None]
    result &= np.arange(scores.shape[1]) < column[:, None]
    result |= scores > (own + TIE).astype(np.float32)[:, None]
    return result


def cosines(vectors: Floats, query: Floats) -> Floats:
    """(n,) cosines of one query (d,) with every row."""
    result: Floats = vectors @ query
    return result


def top_k(
    queries: Floats,
    vectors: Floats,
    k: int,
    *,
    offset: Floats | None = None,
    mask: Bools | None = None,
    exclude: Ints | None = None,
) -> tuple[Ints, Floats]:
    """The k best rows of `vectors` for every query, exactly.

    Args:
        queries: (q, d) rows.
        vectors: (n, d) rows to search.
        k: how many; fewer are returned where fewer are allowed: as many as every query has.
        offset: (n,) bias subtracted from each cosine.
        mask: (n,) rows that may be returned.
        exclude: (q,) one row to exclude for each query, usually itself; -1 is none.

    Returns:
        indices (q, k) and scores (q, k), best first; equal scores are ordered by row.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> top_k(square[:1], square, 2, exclude=np.array([0]))[0]
    array([[1, 3]])
    """
    if mask is not None and mask.mean() < NARROW:
        return _among(queries, vectors, k, offset, np.flatnonzero(mask), exclude)
    allowed = int(mask.sum()) if mask is not None else len(vectors)
    if exclude is not None:
        own = exclude[exclude >= 0]
        allowed -= int(len(own) > 0 if mask is None else mask[own].any())
    k = max(0, min(k, allowed))
    blocks = [
        _search_block(
            queries[start : start + QUERY_BLOCK],
            vectors,
            k,
            offset,
            mask,
            None if exclude is None else exclude[start : start + QUERY_BLOCK],
        )
        for start in range(0, len(queries), QUERY_BLOCK)
    ]
    if not blocks:
        return np.empty((0, k), np.int64), np.empty((0, k), np.float32)
    return np.concatenate([i for i, _ in blocks]), np.concatenate([s for _, s in blocks])


def ranks(queries: Floats, vectors: Floats, pairs: Ints, *, offset: Floats | None = None) -> Ints:
    """Rank (1 is best) of known rows among all rows.

    Args:
        queries: (q, d) rows.
        vectors: (n, d) candidate rows.
        pairs: (p, 2) query index and candidate index, sorted by query.
        offset: (n,) bias subtracted from each cosine.

    Returns:
        (p,) 1 + the number of candidates that score higher, or equally with a smaller row.

    >>> x = np.eye(3, dtype=np.float32)
    >>> ranks(x, x, np.array([[0, 0], [0, 2]]))
    array([1, 3])
    """
    everyone = np.zeros(len(vectors), np.int64)
    return 1 + preceding(queries, vectors, pairs, everyone, offset=offset).sum(axis=1)


def preceding(
    queries: Floats, vectors: Floats, pairs: Ints, folds: Ints, *, offset: Floats | None = None
) -> Ints:
    """Number of candidates of each fold that rank before known rows: `ranks`, divided.

    Args:
        queries: (q, d) rows.
        vectors: (n, d) candidate rows.
        pairs: (p, 2) query index and candidate index, sorted by query.
        folds: (n,) number of the fold of each candidate.
        offset: (n,) bias subtracted from each cosine.

    Returns:
        (p, folds) counts.

    >>> x = np.eye(3, dtype=np.float32)
    >>> preceding(x, x, np.array([[0, 0], [0, 2]]), np.array([0, 1, 1]))
    array([[0, 0],
           [1, 1]])
    """
    count = int(folds.max(initial=0)) + 1
    member = np.zeros((len(vectors), count), np.float32)
    member[np.arange(len(vectors)), folds] = 1
    result = np.empty((len(pairs), count), np.int64)
    step = max(1, min(QUERY_BLOCK, SCORE_BLOCK // max(1, len(vectors))))
    for start in range(0, len(pairs), step):
        part = pairs[start : start + step]
        used, row_of = np.unique(part[:, 0], return_inverse=True)
        scores = queries[used] @ vectors.T
        if offset is not None:
            scores -= offset
        scores = scores[row_of]
        column = part[:, 1]
        before = precede(scores, scores[np.arange(len(part)), column], column)
        # Sums of up to 2^24 ones are exact in float32.
        result[start : start + step] = (
            before.sum(axis=1)[:, None] if count == 1 else before.astype(np.float32) @ member
        )
    return result


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Neighbor lists of some of a space's rows, as rows of that space, best first.

    `queries` (q,), `indices` and `cosines` (q, k); a sample of `n_queries` possible queries among
    `n_candidates` candidates.
    """

    queries: Ints
    indices: Ints
    cosines: Floats
    n_queries: int
    n_candidates: int

    @property
    def share(self) -> float:
        """Share of the possible queries that was sampled."""
        return len(self.queries) / self.n_queries


def nearest(
    space: Space,
    frm: Side,
    to: Side,
    *,
    k: int = 10,
    q: int = 2000,
    ranked: bool = False,
) -> Neighbors:
    """Exact neighbor lists of up to q randomly chosen rows; an item is never its own neighbor.

    Computed once per space and arguments and shared by all diagnostics; lists of up to 20 are
    parts of the same.

    Args:
        space: where the rows are.
        frm: kind of the queries; "all" for both.
        to: kind of the candidates.
        k: length of the lists; shorter where there are fewer candidates.
        q: queries at most; a seeded sample of more.
        ranked: whether the order is that of search: score biases are subtracted for the order, not
            from the cosines.

    Returns:
        Lists of rows of the space with their cosines, from -1 to 1.

    >>> rows = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    >>> found = nearest(Space(rows, ("a", "b", "c"), 3), "image", "image", k=1)
    >>> found.indices.ravel().tolist(), found.cosines.ravel().round(2).tolist()
    ([2, 2, 1], [0.6000000238418579, 0.800000011920929, 0.800000011920929])
    """
    length = 1 if k == 1 else max(k, SHARED)
    lists = _nearest(space, frm, to, length, q, ranked and bool(space.offset.any()))
    return replace(lists, indices=lists.indices[:, :k], cosines=lists.cosines[:, :k])


@per_space
def _nearest(space: Space, frm: Side, to: Side, k: int, q: int, biased: bool) -> Neighbors:
    sources, targets = _rows(space, frm), _rows(space, to)
    rows = np.arange(sources.start, sources.stop)
    if len(rows) > q:
        rows = np.sort(np.random.default_rng(0).choice(rows, q, replace=False))
    inside = (rows >= targets.start) & (rows < targets.stop)
    bias = space.offset[targets]
    indices, scores = top_k(
        space.vectors[rows],
        space.vectors[targets],
        k,
        offset=bias if biased else None,
        exclude=rows - targets.start if len(rows) and inside.all() else None,
    )
    return Neighbors(
        rows,
        indices + targets.start,
        scores + bias[indices] if biased else scores,
        sources.stop - sources.start,
        targets.stop - targets.start,
    )


def have_copies(vectors: Floats, lists: Neighbors) -> Bools:
    """(q,) whether an exact copy of the query, an identical row, is among its neighbors.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    >>> have_copies(rows, nearest(Space(rows, ("a", "b", "c"), 3), "image", "image", k=1)).tolist()
    [True, False, True]
    """
    query, column = np.nonzero(lists.cosines >= 0.997)  # rows of a space have length 1 +- 0.001
    same = (vectors[lists.queries[query]] == vectors[lists.indices[query, column]]).all(axis=1)
    result = np.zeros(len(lists.queries), bool)
    result[query[same]] = True
    return result


def occurrences_without(
    lists: Ints, k: int, query_folds: Ints, item_folds: Ints
) -> Iterator[tuple[int, Doubles]]:
    """For each fold, how many k-lists each other item is in without its queries and its items.

    Args:
        lists: (q, length) places of items, best first; what is beyond k takes the places of items
            that are left out, so `length` should exceed k.
        k: items that count in each list.
        query_folds: (q,) fold of each query.
        item_folds: (n,) fold of each item.

    >>> [c.tolist() for _, c in occurrences_without(
    ...     np.array([[0, 1], [0, 1]]), 1, np.array([0, 1]), np.array([0, 1]))]
    [[1.0], [1.0]]
    """
    folds = item_folds[lists]
    for fold in np.unique(item_folds):
        left = (folds != fold) & (query_folds != fold)[:, None]
        left &= np.cumsum(left, axis=1) <= k
        counts = np.bincount(lists[left], minlength=len(item_folds))
        yield int(fold), counts[item_folds != fold].astype(np.float64)


def _runs(value: Floats, starts: Bools) -> Bools:
    """Where runs of ties start, from where chains start: these are cut `TIE` below each start."""
    first = np.flatnonzero(starts)
    stop = np.append(first[1:], len(value))
    long = value[stop - 1] < value[first] - np.float32(TIE)  # hardly any
    for at, end in zip(first[long].tolist(), stop[long].tolist(), strict=True):
        left = -value[at:end]  # ascending
        while (cut := int(np.searchsorted(left, left[0] + np.float32(TIE), "right"))) < len(left):
            at, left = at + cut, left[cut:]
            starts[at] = True
    return starts


def _rows(space: Space, side: Side) -> slice:
    ends = {"image": (0, space.n_images), "text": (space.n_images, space.n), "all": (0, space.n)}
    return slice(*ends[side])


def _among(
    queries: Floats,
    vectors: Floats,
    k: int,
    offset: Floats | None,
    rows: Ints,
    exclude: Ints | None,
) -> tuple[Ints, Floats]:
    """Search a few rows by copying them."""
    biases = None if offset is None else offset[rows]
    if exclude is not None:
        exclude = np.where(np.isin(exclude, rows), np.searchsorted(rows, exclude), -1)
    indices, scores = top_k(queries, vectors[rows], k, offset=biases, exclude=exclude)
    return rows[indices], scores


def _search_block(
    queries: Floats,
    vectors: Floats,
    k: int,
    offset: Floats | None,
    mask: Bools | None,
    exclude: Ints | None,
) -> tuple[Ints, Floats]:
    """Top k of one block of queries, merged over blocks of candidates."""
    q = len(queries)
    step = max(LEAST_BLOCK, SCORE_BLOCK // max(1, q))
    best_i, best_s = np.empty((q, 0), np.int64), np.empty((q, 0), np.float32)
    for start in range(0, len(vectors), step):
        stop = min(start + step, len(vectors))
        scores = queries @ vectors[start:stop].T
        if offset is not None:
            scores -= offset[start:stop]
        if mask is not None:
            scores[:, ~mask[start:stop]] = -np.inf
        if exclude is not None:
            here = np.flatnonzero((exclude >= start) & (exclude < stop))
            scores[here, exclude[here] - start] = -np.inf
        columns, values = select(scores, k)
        best_i = np.concatenate([best_i, columns + start], axis=1)
        best_s = np.concatenate([best_s, values], axis=1)
        if best_i.shape[1] > k:
            order, best_s = select(best_s, k)
            best_i = np.take_along_axis(best_i, order, axis=1)
    return best_i[:, :k], best_s[:, :k]


def _above(scores: Floats, k: int, width: int) -> tuple[Ints, Ints, Floats]:
    """Rows, columns and values of a few scores that include the k largest of each row, with ties.

    Columns are grouped by their remainder; those left over are compared one by one.
    """
    n = scores.shape[1]
    groups = n // width
    inside = scores[:, : groups * width].reshape(-1, width, groups)
    maxima = inside.max(axis=1)
    bound = np.partition(maxima, groups - k, axis=1)[:, groups - k] - np.float32(TIE)
    row, group = np.nonzero(maxima >= bound[:, None])
    values = inside[row, :, group]
    some, member = np.nonzero(values >= bound[row][:, None])
    rest_row, rest = np.nonzero(scores[:, groups * width :] >= bound[:, None])
    rest += groups * width
    return (
        np.concatenate([row[some], rest_row]),
        np.concatenate([group[some] + groups * member, rest]),
        np.concatenate([values[some, member], scores[rest_row, rest]]),
    )
