"""Two rankings of the same queries, such as of two encoders: who finds what, and agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.measure.retrieval import Direction, gained
from core.numerics.neighbors import top_k
from core.numerics.stats import clustered_error, share_interval
from core.types import Ints, Score, Space

MOVED = 12  # queries of a side whose results are listed
Ranked = tuple[tuple[int, float], ...]  # rows of results with their cosines, best first


@dataclass(frozen=True)
class Versus:
    """Encoder A against encoder B, on the same queries and candidates.

    Args:
        k: cutoff.
        won: (w,) places in `queries` that A finds within k and B does not, those with the greatest
            difference in rank first; `lost` (l,) the reverse.
        both: number of queries that both find; `neither` that none finds.
        gain: recall@k of A minus that of B, with its paired interval; the chance level is 0.
        overlap: mean share of the first k results that both have; by chance k / n.
        queries: (q,) rows in the space of A; `ranks` (q, 2) of their true item with A and with B.
        shared: the items that both encoders have encoded.
    """

    k: int
    won: Ints
    lost: Ints
    both: int
    neither: int
    gain: Score
    overlap: Score
    queries: Ints
    ranks: Ints
    shared: int


def shared_items(a: Space, b: Space) -> tuple[Space, Space]:
    """The items that two spaces share, with the pairs that both have, in the same order.

    Raises:
        TooFew: they share no two pairs.
    """
    known = set(b.ids)
    ids = [id_ for id_ in a.ids if id_ in known]
    if len(ids) < a.n:
        a = a.subset(np.array([a.row[i] for i in ids], np.int64))
    if len(ids) < b.n:
        b = b.subset(np.array([b.row[i] for i in ids], np.int64))
    if a.ids != b.ids or len(a.pairs) < 2:
        raise TooFew("Comparing encoders", 2, "pairs that both have encoded", len(a.pairs))
    return a, b


def compare_directions(
    a: Space, b: Space, first: Direction, second: Direction, *, k: int = 10
) -> Versus:
    """Compare two directions of `evaluate` on the same queries.

    Args:
        a: the space that `first` was evaluated in.
        b: the space that `second` was evaluated in; the same items in the same order.
        first: the direction of A.
        second: that of B.
        k: cutoff.

    >>> from core.measure.retrieval import evaluate
    >>> pairs = np.array([[0, 3], [1, 4], [2, 5]])
    >>> rows = np.eye(3, dtype=np.float32)
    >>> a = Space(rows[[0, 1, 2, 0, 1, 2]], tuple("abcdef"), 3, pairs)
    >>> b = Space(rows[[0, 1, 2, 0, 2, 1]], tuple("abcdef"), 3, pairs)
    >>> found = compare_directions(a, b, evaluate(a).text_to_image, evaluate(b).text_to_image, k=1)
    >>> found.queries[found.won].tolist(), len(found.lost), found.both, found.neither
    ([4, 5], 0, 1, 0)
    >>> round(found.overlap.value, 2), round(found.overlap.chance, 2)
    (0.33, 0.33)
    """
    mine, theirs = first.first_ranks, second.first_ranks
    hit, other = mine <= k, theirs <= k
    ahead = np.log(theirs) - np.log(mine)
    won, lost = np.flatnonzero(hit & ~other), np.flatnonzero(other & ~hit)
    value, low, high = gained(first, second, k)
    return Versus(
        k,
        won[np.argsort(-ahead[won], kind="stable")],
        lost[np.argsort(ahead[lost], kind="stable")],
        int((hit & other).sum()),
        int((~hit & ~other).sum()),
        Score(f"gain in recall@{k}", value, low, high, 0.0, len(mine)),
        _overlap(a, b, first, k),
        first.queries,
        np.stack([mine, theirs], axis=1),
        a.n,
    )


def both_lists(
    before: Space, after: Space, found: Versus, *, k: int = 10
) -> dict[int, tuple[Ranked, Ranked]]:
    """The first k results in two spaces of the queries that moved most, by the query's row.

    >>> pairs = np.array([[0, 3], [1, 4], [2, 5]])
    >>> rows = np.eye(3, dtype=np.float32)
    >>> a = Space(rows[[0, 1, 2, 0, 1, 2]], tuple("abcdef"), 3, pairs)
    >>> b = Space(rows[[0, 1, 2, 0, 2, 1]], tuple("abcdef"), 3, pairs)
    >>> from core.measure.retrieval import evaluate
    >>> sides = evaluate(a).text_to_image, evaluate(b).text_to_image
    >>> both_lists(b, a, compare_directions(a, b, *sides, k=1), k=1)[4]
    (((2, 1.0),), ((1, 1.0),))
    """
    rows = found.queries[np.concatenate([found.won[:MOVED], found.lost[:MOVED]])]
    if not len(rows):
        return {}
    side = before.span("image" if rows[0] >= before.n_images else "text")
    lists = [_ranked(space, rows, side, k) for space in (before, after)]
    return dict(zip(rows.tolist(), zip(*lists, strict=True), strict=True))


def _ranked(space: Space, rows: Ints, side: slice, k: int) -> list[Ranked]:
    bias = space.offset[side]
    places, scores = top_k(
        space.vectors[rows], space.vectors[side], k, offset=bias if bias.any() else None
    )
    cosines = scores + bias[places]
    return [
        tuple(zip((each + side.start).tolist(), values.tolist(), strict=True))
        for each, values in zip(places, cosines, strict=True)
    ]


def _overlap(a: Space, b: Space, direction: Direction, k: int) -> Score:
    """Mean share of the first k results that both have; images with their captions are one draw."""
    queries, n = direction.queries, direction.n_candidates
    k = min(k, n)
    side = a.span("image" if queries[0] >= a.n_images else "text")
    lists = [
        top_k(
            each.vectors[queries],
            each.vectors[side],
            k,
            offset=each.offset[side] if each.offset.any() else None,
        )[0]
        for each in (a, b)
    ]
    both = np.sort(np.concatenate(lists, axis=1), axis=1)
    shares = (both[:, 1:] == both[:, :-1]).sum(axis=1) / k
    value, images = float(shares.mean()), direction.groups
    error = clustered_error(shares, images) if len(np.unique(images)) > 1 else float("nan")
    low, high = share_interval(value, error, images)
    return Score(f"overlap@{k}", value, low, high, k / n, len(queries))
