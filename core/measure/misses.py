"""Queries whose true item is not among the first results: how far off, what came first, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from core.measure.pair_check import check_pairs
from core.measure.pair_ranks import pair_ranks
from core.measure.retrieval import Direction
from core.numerics.neighbors import top_k
from core.types import Bools, Doubles, Floats, Ints, Space

Reason = Literal["caption", "cut", "duplicate", "alike", "label", "hub"]
REASONS: tuple[Reason, ...] = get_args(Reason)
"""caption: the caption probably belongs to another image (see `pair_check`).
cut: the caption is longer than what the encoder reads.
duplicate: among the first results is a near-duplicate of the true item.
alike: the captions of the first result are closer to the query's than the true image's other ones,
so that the query does not single out its image; only where images have several captions.
label: the first result has the same labels as the true item.
hub: the first result is a hub: a result of many unrelated queries."""
DUPLICATE = 0.97  # cosine from which two items are near-duplicates, as in that diagnostic
NEAR = 0.05  # share of the candidates within which a miss is near
SHOWN = 5  # results listed for each miss
BLOCK = 4096  # misses whose duplicates are looked for at a time


@dataclass(frozen=True)
class Misses:
    """The missed queries of one direction, the lowest rank of their true item first.

    Args:
        k: cutoff: their true item is not among the first k results.
        queries: (m,) rows; `own` (m,) the row of their best true item, `ranks` (m,) its rank.
        first: (m, 5) rows of the first results.
        near: (m,) whether the true item is among the first 5% of the candidates or 2 k results.
        reasons: for each of `REASONS` (m,) whether it holds; several may.
        n_queries: of the direction, found ones included.
    """

    k: int
    queries: Ints
    own: Ints
    ranks: Ints
    first: Ints
    near: Bools
    reasons: dict[Reason, Bools]
    n_queries: int

    def of(self, which: str) -> Ints:
        """Places of the misses with a reason, or of "near", "far", "unexplained", "" for all."""
        explained = np.any(list(self.reasons.values()), axis=0)
        named: dict[str, Bools] = {"near": self.near, "far": ~self.near, "unexplained": ~explained}
        named |= {str(reason): holds for reason, holds in self.reasons.items()}
        return np.flatnonzero(named.get(which, np.ones(len(self.queries), bool)))


def find_misses(
    space: Space,
    direction: Direction,
    *,
    k: int = 10,
    hubs: Floats | None = None,
    cut: Callable[[Sequence[int]], Bools] | None = None,
) -> Misses:
    """The queries of a direction that miss at k, and what can be said about why.

    Args:
        space: that the direction was evaluated in.
        direction: of `evaluate`.
        k: cutoff.
        hubs: (n,) how many times more often than average an item is a result, 0 for no hub.
        cut: whether the encoder reads only the beginning of the texts of some rows.

    >>> from core.measure.retrieval import evaluate
    >>> rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 0, 2]]  # the second text is the first's
    >>> space = Space(rows, tuple("abcdef"), 3, np.array([[0, 3], [1, 4], [2, 5]]))
    >>> found = find_misses(space, evaluate(space).text_to_image, k=1)
    >>> found.queries.tolist(), found.own.tolist(), found.ranks.tolist(), found.first[0].tolist()
    ([4], [1], [2], [0])
    """
    order = np.argsort(-direction.first_ranks, kind="stable")
    order = order[direction.first_ranks[order] > k]
    queries, ranks = direction.queries[order], direction.first_ranks[order]
    from_text = bool(len(direction.queries) and direction.queries[0] >= space.n_images)
    side = space.span("image" if from_text else "text")
    own = _best_own(space, queries, from_text)
    offset = space.offset[side]
    first = top_k(
        space.vectors[queries], space.vectors[side], k, offset=offset if offset.any() else None
    )[0]
    first += side.start
    labels = space.labels
    captions = queries if from_text else own
    reasons: dict[Reason, Bools] = {
        "caption": _misplaced(space, queries, from_text),
        "cut": cut(captions.tolist()) if cut and len(captions) else np.zeros(len(queries), bool),
        "duplicate": _duplicates(space, own, first),
        "alike": _alike(space, queries, own, first[:, 0], from_text),
        "label": np.array(
            [
                bool(labels) and bool(labels[a]) and set(labels[a]) == set(labels[b])
                for a, b in zip(_images(space, own), _images(space, first[:, 0]), strict=True)
            ],
            bool,
        ),
        "hub": np.zeros(len(queries), bool) if hubs is None else hubs[first[:, 0]] > 0,
    }
    near = ranks <= max(2 * k, NEAR * direction.n_candidates)
    return Misses(
        k, queries, own, ranks, first[:, :SHOWN], near, reasons, len(direction.queries)
    )  # fmt: skip


def _best_own(space: Space, queries: Ints, from_text: bool) -> Ints:
    """(m,) the true item of each query with the highest score."""
    ask = space.pairs[:, ::-1] if from_text else space.pairs
    ask = ask[np.isin(ask[:, 0], queries)]
    scores = np.einsum("ij,ij->i", space.vectors[ask[:, 0]], space.vectors[ask[:, 1]])
    scores = scores - space.offset[ask[:, 1]]
    order = np.lexsort((ask[:, 1], -scores, ask[:, 0]))
    asked, at = np.unique(ask[order, 0], return_index=True)
    return np.asarray(ask[order[at], 1][np.searchsorted(asked, queries)], np.int64)


def _misplaced(space: Space, queries: Ints, from_text: bool) -> Bools:
    """(m,) whether the caption, or each of an image's checked captions, belongs elsewhere."""
    ranked = pair_ranks(space)
    flagged = np.zeros(space.n, bool)
    checked = np.zeros(space.n, bool)
    if len(ranked.texts):
        flagged[ranked.texts] = check_pairs(space, ranked).flagged
        checked[ranked.texts] = True
    if from_text:
        return flagged[queries]
    image, text = space.pairs[checked[space.pairs[:, 1]]].T
    fine = np.zeros(space.n, bool)
    fine[image[~flagged[text]]] = True
    some = np.zeros(space.n, bool)
    some[image] = True
    return np.asarray(some[queries] & ~fine[queries])


def _duplicates(space: Space, own: Ints, first: Ints) -> Bools:
    """(m,) whether one of the first results is a near-duplicate of the true item."""
    result = np.zeros(len(own), bool)
    for start in range(0, len(own), BLOCK):
        part = slice(start, start + BLOCK)
        cosines = np.einsum(
            "ij,ikj->ik", space.vectors[own[part]], space.vectors[first[part]], optimize=True
        )
        result[part] = (cosines >= DUPLICATE).any(axis=1)
    return result


def _alike(space: Space, queries: Ints, own: Ints, first: Ints, from_text: bool) -> Bools:
    """(m,) whether a caption is closer to captions of the wrong image than to its siblings.

    That caption is the query, and the wrong image the first result; from an image it is the first
    result, and the wrong image the query.
    """
    if from_text:
        wrong, siblings = (_closest(space, images, queries) for images in (first, own))
    else:
        right = space.image_of[first]
        wrong, siblings = (_closest(space, images, first) for images in (queries, right))
    return np.asarray((wrong >= siblings) & np.isfinite(siblings), bool)


def _closest(space: Space, images: Ints, texts: Ints) -> Doubles:
    """(m,) cosine of each text with the closest other caption of an image; -inf without one."""
    start = np.searchsorted(space.pairs[:, 0], images)
    count = np.searchsorted(space.pairs[:, 0], images, "right") - start
    place = np.repeat(np.arange(len(images)), count)
    at = np.repeat(start - (np.cumsum(count) - count), count) + np.arange(count.sum())
    caption, result = space.pairs[at, 1], np.full(len(images), -np.inf)
    other = caption != texts[place]
    place, caption = place[other], caption[other]
    for begin in range(0, len(place), BLOCK):
        part = slice(begin, begin + BLOCK)
        cosines = np.einsum(
            "ij,ij->i", space.vectors[caption[part]], space.vectors[texts[place[part]]]
        )
        np.maximum.at(result, place[part], cosines)
    return result


def _images(space: Space, rows: Ints) -> list[int]:
    """The row that carries the labels of each item; a text without any has its image's."""
    return [int(r if space.labels and space.labels[r] else space.image_of[r]) for r in rows]
