"""Queries that ways to keep vectors are judged by, with the exact results of the float vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.numerics.neighbors import select
from core.numerics.sampling import groups, half_of_groups
from core.types import Bools, Floats, Ints, Kind, Space, SpaceCache
from core.workbench.held_out import held_out_rows

if TYPE_CHECKING:
    from core.store import EncodedCollection

TASKS: Mapping[str, tuple[Kind, Kind]] = {
    "text_to_image": ("text", "image"),
    "image_to_text": ("image", "text"),
    "image_to_image": ("image", "image"),
}
TASK_WORDS = {
    "text_to_image": "text → image",
    "image_to_text": "image → text",
    "image_to_image": "image → image",
}
K = 10
QUERIES = 1000  # of each task; fewer where a collection is large
COMPARISONS = 2 * 10**8  # of a task, at most
BLOCK = 1 << 24  # scores in memory at a time

_QUERIES = SpaceCache(4)


@dataclass(frozen=True)
class Task:
    """Queries of one task with their exact results among all candidates.

    Args:
        queries: (q,) rows of the space, `vectors` (q, d) the same as queries; `clusters` (q,) those
            of one image are drawn together.
        kind: of the queries; `among` of the candidates, `span` their rows.
        exact: (q, 10) numbers of the candidates that the float vectors rank first.
        chooses: (q,) whether the query chooses (a shortlist, a way); the others judge what was
            chosen. Queries of one cluster are on one side.
        own: (q, m) candidates that are paired with each query, the first repeated; m may be 0.
        hits: (q,) whether one of them is among the exact results.
    """

    name: str
    queries: Ints
    vectors: Floats
    clusters: Ints
    kind: Kind
    among: Kind
    span: slice
    exact: Ints
    chooses: Bools
    own: Ints
    hits: Bools


def tasks_of(opened: EncodedCollection) -> tuple[Task, ...]:
    """The tasks that a collection has items for, with held-out queries."""
    found: tuple[Task, ...] = _QUERIES.get(
        (opened.version, opened.space.key), lambda: _tasks(opened)
    )
    return found


def _tasks(opened: EncodedCollection) -> tuple[Task, ...]:
    space, held_out = opened.space, held_out_rows(opened)
    result = []
    for name, (kind, among) in TASKS.items():
        span = space.span(among)
        rows = np.flatnonzero(held_out[space.span(kind)]) + space.span(kind).start
        size = span.stop - span.start
        if len(rows) < 2 or size < 2:
            continue
        most = int(np.clip(COMPARISONS // size, 100, QUERIES))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        result.append(_task(space, name, rows, opened.queries(rows)))
    if not result:
        raise InputError(
            "Recall needs at least two held-out images or texts. Add items, or leave some with "
            "`split` = test."
        )
    return tuple(result)


def _task(space: Space, name: str, rows: Ints, queries: Floats) -> Task:
    kind, among = TASKS[name]
    span = space.span(among)
    k = min(K, span.stop - span.start - (kind == among))
    best = Best(len(rows), k)
    own_place = rows - span.start if kind == among else None
    for part in blocks(len(rows), span):
        scores = queries @ space.vectors[span][part].T
        best.add(without_self(scores, own_place, part), part)
    lists = best.columns
    own = _own(space, rows, span) if kind != among else np.empty((len(rows), 0), np.int64)
    hits = (lists[:, :, None] == own[:, None, :]).any(axis=(1, 2))
    clusters = groups(space)[rows]
    clusters = clusters if len(np.unique(clusters)) > 1 else rows
    _, place = np.unique(clusters, return_inverse=True)
    chooses = half_of_groups(place, np.random.default_rng(1))
    return Task(name, rows, queries, clusters, kind, among, span, lists, chooses, own, hits)


def _own(space: Space, rows: Ints, span: slice) -> Ints:
    """(q, m) candidates paired with each query, the first repeated; -1 for those that have none."""
    pairs = space.pairs if span.start else space.pairs[:, ::-1]  # (query, candidate)
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    first = np.searchsorted(pairs[:, 0], rows)
    count = np.searchsorted(pairs[:, 0], rows, side="right") - first
    most = int(count.max(initial=0))
    at = first[:, None] + np.minimum(np.arange(most), np.maximum(count - 1, 0)[:, None])
    own = pairs[np.minimum(at, max(0, len(pairs) - 1)), 1] - span.start if most else at
    return np.where(count[:, None] > 0, own, -1).astype(np.int64)


class Best:
    """The k best of q queries so far, while parts of the candidates are scored.

    >>> best = Best(1, 2)
    >>> best.add(np.array([[0.5, 0.1]], np.float32), slice(0, 2))
    >>> best.add(np.array([[0.9]], np.float32), slice(2, 3))
    >>> best.columns.tolist()
    [[2, 0]]
    """

    def __init__(self, q: int, k: int) -> None:
        self.columns: Ints = np.empty((q, 0), np.int64)
        self._scores: Floats = np.empty((q, 0), np.float32)
        self._k = k

    def add(self, scores: Floats, part: slice) -> None:
        """Take in the (q, m) scores of a part of the candidates."""
        columns, values = select(scores, self._k)
        columns = np.concatenate([self.columns, columns + part.start], axis=1)
        best, self._scores = select(np.concatenate([self._scores, values], axis=1), self._k)
        self.columns = np.take_along_axis(columns, best, axis=1)


def blocks(q: int, span: slice) -> list[slice]:
    """Parts of the candidates, by their number, whose scores for all q queries fit in memory."""
    n, step = span.stop - span.start, max(1, BLOCK // max(1, q))
    return [slice(start, min(n, start + step)) for start in range(0, n, step)]


def without_self(scores: Floats, own: Ints | None, part: slice) -> Floats:
    """The scores of a part of the candidates, in place; an item is not its own result.

    Args:
        scores: (q, m).
        own: (q,) number of each query among the candidates; None: of another kind.
        part: of the candidates.
    """
    if own is not None:
        here = np.flatnonzero((own >= part.start) & (own < part.stop))
        scores[here, own[here] - part.start] = -np.inf
    return scores
