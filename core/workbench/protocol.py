"""The literature protocol: ways at equal bytes, with and without filters.

Half of the queries are texts and half images, all held out; candidates are images. For each budget,
a half to a 64th of the float vectors, the bytes are spent on bits or on dimensions. Lists are by
codes alone; the exact list is that of the float vectors under the same filter.

Source: Zhang et al. Experimental Analysis of Large-scale Learnable Vector Storage Compression.
VLDB 2024 (fixed memory budgets); Iff et al. Benchmarking Filtered Approximate Nearest Neighbor
Search Algorithms on Transformer-based Embedding Vectors. 2025 (selectivity and correlation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.improve import parse_way, taken
from core.measure import Interval, list_recall
from core.numerics.kmeans import centers_of, nearest_center
from core.types import Bools, Floats, Ints, Kind, Progress, Space, SpaceCache
from core.workbench.ingest import no_progress
from core.workbench.jobs import begin_step
from core.workbench.lab_document import interval_document
from core.workbench.way_tasks import Best, Task, blocks, tasks_of, without_self
from core.workbench.ways import codes_of

if TYPE_CHECKING:
    from core.store import EncodedCollection

PARTS = 2, 4, 8, 16, 32, 64  # of the bytes of a float vector
LENGTHS = 10, 100
QUERIES = 500  # of each kind
SAMPLE = 20_000  # images whose clusters filters follow
CLUSTERS = 10  # of the images: a filter that follows the query allows about a tenth of them
FILTERS = {
    "none": "all images",
    "random 10%": "a random tenth",
    "random 1%": "a random hundredth",
    "near": "the cluster most similar to the query",
    "far": "the cluster least similar to the query",
}
LEAST = 2  # times the length of a list that a filter must allow, lest every way finds all of it

_ROWS = SpaceCache(8)


@dataclass(frozen=True)
class BudgetRow:
    """One way at one budget.

    Args:
        part: the budget is a float vector's bytes over this; `budget` in bytes.
        way: as the command line writes it.
        code_bytes: of an item, measured, at most the budget; `bytes_per_item` with codebooks and
            rotations.
        recall: by length of the list and filter; without those that allow too few images.
    """

    part: int
    budget: float
    way: str
    code_bytes: float
    bytes_per_item: float
    recall: Mapping[tuple[int, str], Interval]


def ways_within(d: int, part: int) -> tuple[str, ...]:
    """Ways whose codes fill a budget of 4 d / part bytes an item, or most of it.

    >>> ways_within(512, 64)  # doctest: +NORMALIZE_WHITESPACE
    ('truncation:dims=16', 'truncation:dims=32:numbers=int8', 'truncation:dims=64:numbers=int4',
    'pq:parts=32')
    """
    budget = 4 * d // part
    found = []
    for numbers, dims in (("float16", budget // 2), ("int8", budget), ("int4", budget // 4 * 8)):
        if 0 < dims <= d:
            way = f"truncation:dims={dims}"
            found.append(way if numbers == "float16" else f"{way}:numbers={numbers}")
    beside = 8  # bytes of the scale and of the coordinates along the two means
    bits = min(7, (budget - beside) // max(1, -(-(d - 2) // 8)))
    if bits > 0:
        found.append(f"rabitq:bits={bits}")
    if 0 < budget <= d // 4:
        found.append(f"pq:parts={budget}")
    return tuple(str(parse_way(way)) for way in found)


def budget_rows(
    opened: EncodedCollection, progress: Progress = no_progress
) -> tuple[BudgetRow, ...]:
    """A row for each way at each budget, the largest budget first; measured once in a process.

    Raises:
        InputError: no images as results, or too few.
    """
    found: tuple[BudgetRow, ...] = _ROWS.get(_key(opened), lambda: _measured(opened, progress))
    return found


def known_budget_rows(opened: EncodedCollection) -> tuple[BudgetRow, ...] | None:
    """What was measured lately in this process; None where nothing was."""
    found: tuple[BudgetRow, ...] | None = _ROWS.known(_key(opened))
    return found


def filter_words(name: str) -> str:
    """Which images a filter of the protocol allows."""
    return FILTERS[name]


def _key(opened: EncodedCollection) -> tuple[str, str]:
    return opened.version, opened.space.key


def _measured(opened: EncodedCollection, progress: Progress) -> tuple[BudgetRow, ...]:
    space, d = opened.space, opened.space.d
    if space.n_images < LEAST * LENGTHS[0]:
        raise InputError(
            f"The protocol needs {LEAST * LENGTHS[0]} images and there are {space.n_images:,}. "
            "Add images first."
        )
    asked = [_asked(task) for task in tasks_of(opened) if task.among == "image"]
    allowed = _Filters(space)
    clusters = np.concatenate([one.clusters for one in asked])
    exact = _lists(space, asked, allowed, lambda queries, _, part: queries @ space.images[part].T)
    wanted = [(part, way) for part in PARTS for way in ways_within(d, part)]
    begin_step(progress, "measuring ways at equal bytes", 1, 1, "ways")
    rows = []
    for done, (part, text) in enumerate(wanted):
        progress(done, len(wanted))
        way = parse_way(text)
        try:
            kept = codes_of(opened, way)[0]
        except InputError:  # it needs more rows
            continue
        codes = kept.codes["image"]

        def scores(queries: Floats, kind: Kind, part: slice, kept: Any = kept) -> Floats:
            codes = taken(kept.codes["image"], part)
            found: Floats = kept.fitted.scores(queries, kind, codes, "image")
            return found

        recall = _recall(exact, _lists(space, asked, allowed, scores), allowed, clusters)
        own = sum(array.nbytes for array in codes.values()) / space.n_images
        rows.append(BudgetRow(part, 4 * d / part, text, own, kept.bytes_per_item, recall))
    progress(len(wanted), len(wanted))
    return tuple(rows)


def protocol_document(rows: Sequence[BudgetRow]) -> dict[str, Any]:
    """The rows as the JSON of `sextant compress --protocol`."""
    return {
        "lengths": list(LENGTHS),
        "filters": FILTERS,
        "rows": [
            {
                "part": row.part,
                "budget": row.budget,
                "way": row.way,
                "code_bytes": row.code_bytes,
                "bytes_per_item": row.bytes_per_item,
                "recall": [
                    {"k": k, "filter": name, **interval_document(interval)}
                    for (k, name), interval in row.recall.items()
                ],
            }
            for row in rows
        ],
    }


def _asked(task: Task) -> Task:
    """Of the queries that choose nothing at most `QUERIES`."""
    use = np.flatnonzero(~task.chooses)[:QUERIES]
    return replace(
        task, queries=task.queries[use], vectors=task.vectors[use], clusters=task.clusters[use]
    )


class _Filters:
    """Which images each filter allows a query: at random, or by the clusters of the images."""

    def __init__(self, space: Space) -> None:
        rng = np.random.default_rng(0)
        n = space.n_images
        sample = np.sort(rng.permutation(n)[:SAMPLE])
        self._centers = centers_of(space.images[sample], CLUSTERS)
        self._cluster = nearest_center(space.images, self._centers)
        order = rng.permutation(n)
        self._random = {"random 10%": order < n // 10, "random 1%": order < n // 100}
        sizes = np.bincount(self._cluster, minlength=CLUSTERS)
        self._least = {"none": n, "near": int(sizes.min()), "far": int(sizes.min())}
        self._least |= {name: int(mask.sum()) for name, mask in self._random.items()}

    def fits(self, name: str, k: int) -> bool:
        """Whether a filter leaves a list of k a choice, for every query."""
        return self._least[name] >= LEAST * k

    def mask(self, name: str, queries: Floats, part: slice) -> Bools:
        """(q, m) allowed images of a part, or (m,) where they are the same for all queries."""
        if name in self._random:
            return self._random[name][part]
        if name == "none":
            return np.ones(part.stop - part.start, bool)
        cosines = queries @ self._centers.T
        chosen = cosines.argmax(axis=1) if name == "near" else cosines.argmin(axis=1)
        same: Bools = self._cluster[part] == chosen[:, None]
        return same


def _lists(
    space: Space,
    asked: Sequence[Task],
    allowed: _Filters,
    scores: Callable[[Floats, Kind, slice], Floats],
) -> dict[str, Ints]:
    """By filter the first images of each query, of all tasks one after the other."""
    names = [name for name in FILTERS if allowed.fits(name, LENGTHS[0])]
    found: dict[str, list[Ints]] = {name: [] for name in names}
    most = min(LENGTHS[-1], space.n_images - 1)
    for task in asked:
        queries, q = task.vectors, len(task.queries)
        own = task.queries if task.kind == "image" else None
        best = {name: Best(q, most) for name in names}
        for part in blocks(q, slice(0, space.n_images)):
            values = without_self(scores(queries, task.kind, part), own, part)
            for name in names:
                mask = allowed.mask(name, queries, part)
                best[name].add(np.where(mask, values, np.float32(-np.inf)), part)
        for name in names:
            found[name].append(best[name].columns)
    return {name: np.concatenate(lists) for name, lists in found.items()}


def _recall(
    exact: Mapping[str, Ints], found: Mapping[str, Ints], allowed: _Filters, clusters: Ints
) -> dict[tuple[int, str], Interval]:
    result = {}
    for k in LENGTHS:
        for name in exact:
            if allowed.fits(name, k):
                kept = (exact[name][:, :k, None] == found[name][:, None, :k]).any(axis=2)
                result[k, name] = list_recall(np.where(kept, 1, k + 1), clusters)
    return result
