"""One way to keep vectors, measured: bytes, recall, time, and which items lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.improve import (
    COMPRESSORS,
    Codes,
    Compressed,
    Step,
    compressed,
    compressed_to_bytes,
    decoder,
    fit_way,
    taken,
)
from core.measure import (
    GroupLoss,
    Interval,
    group_losses,
    list_recall,
    paired_gain,
    shortlist_for,
)
from core.numerics.neighbors import precede, select
from core.numerics.sampling import groups
from core.types import Bools, Finding, Floats, Ints, Space, SpaceCache
from core.workbench.held_out import held_out_rows
from core.workbench.loser_groups import groupings_of, losing_task
from core.workbench.measure import measure
from core.workbench.preferences import Preference, preference_of
from core.workbench.way_tasks import Best, K, Task, blocks, tasks_of, without_self

if TYPE_CHECKING:
    from core.store import EncodedCollection

RECALL = 0.99  # recall@10 after rescoring, by default
SIGNS = ("effective_rank", "hubness", "modality_gap", "uniformity", "alignment")
TIMED = 12  # queries, one at a time
FITTED = 500_000  # rows that a way is fitted on, at most: compressors draw samples from them
DECODED = 200_000  # rows whose geometry is measured, at most
ERROR_ROWS = 65_536  # candidates of a task whose errors of scores are measured, at most

_DONE = SpaceCache(96)  # ways that were measured lately


@dataclass(frozen=True)
class Way:
    """What one way to keep vectors costs.

    Half of the held-out queries choose: the shortlist, and among ways. Recall is of the others.

    Args:
        way: the compressor with its settings.
        bytes_per_item: of codes and all that they need, measured; `code_bytes` of codes alone.
        recall: by task the share of the exact ten results that are among the first ten.
        rescored: the same after full vectors rescore the best `shortlist`.
        shortlist: the fewest results to rescore that keep the level in every task.
        chosen_by: the lowest recall of all tasks, by the queries that choose.
        pairs: by direction the gain in recall@10 of the user's pairs, against float vectors.
        score_error: root mean square of estimated score less cosine.
        losers: by grouping the groups of items that exact lists lose.
        places: by task (q, 10) where the exact results are by estimated scores.
        found: by task (q, 10) the results by estimated scores.
        decoder: a program that reads its file, see `core.improve.decoder`.
        preference: what queries that prefer attributes get; None where codes have none.
    """

    way: Step
    bytes_per_item: float
    code_bytes: float
    recall: Mapping[str, Interval]
    rescored: Mapping[str, Interval]
    shortlist: int
    chosen_by: float
    pairs: Mapping[str, Interval]
    score_error: float
    ms_per_query: float
    fit_seconds: float
    encode_seconds: float
    losers: Mapping[str, tuple[GroupLoss, ...]]
    places: Mapping[str, Ints]
    found: Mapping[str, Ints]
    decoder: str
    preference: Preference | None = None

    @property
    def name(self) -> str:
        """As the command line and links write it."""
        return str(self.way)

    def least(self, *, rescored: bool = True) -> float:
        """The lowest recall of all tasks."""
        return min(value for value, _, _ in (self.rescored if rescored else self.recall).values())

    @property
    def loser(self) -> GroupLoss | None:
        """The group that loses most beyond random loss: a label, else a tenth by hubness."""
        more = [one for one in self.losers.get(self.loser_by, ()) if one.more]
        return max(more, key=lambda one: one.value - one.expected, default=None)

    @property
    def loser_by(self) -> str:
        """What that group is one of: "label" or "hubness"; "" without any."""
        names = ("label", "hubness")
        found = (n for n in names if any(one.more for one in self.losers.get(n, ())))
        return next(found, "")


@dataclass(frozen=True)
class ChangedQuery:
    """A query that codes give other first results.

    Args:
        row: of the space.
        kept: of the exact results, those that are among the first ten by codes.
        exact: rows of the exact results, best first; `found` of those by codes.
    """

    row: int
    kept: int
    exact: tuple[int, ...]
    found: tuple[int, ...]


def changed_queries(task: Task, way: Way, most: int) -> tuple[ChangedQuery, ...]:
    """The queries of a task that keep the fewest of their exact results, at most so many."""
    k, first = task.exact.shape[1], task.span.start
    kept = (way.places[task.name] <= k).sum(axis=1)
    order = np.argsort(kept, kind="stable")[:most]
    exact, found = task.exact + first, way.found[task.name] + first
    return tuple(
        ChangedQuery(
            int(task.queries[n]), int(kept[n]), tuple(exact[n].tolist()), tuple(found[n].tolist())
        )
        for n in order[kept[order] < k].tolist()
    )


def known_way(opened: EncodedCollection, name: str) -> bool:
    """Whether a way was measured lately in this process."""
    return _DONE.known((opened.version, opened.space.key, name)) is not None


def measured_way(opened: EncodedCollection, way: Step, recall: float = RECALL) -> Way:
    """One way, measured; as it was found where that was lately.

    Args:
        opened: the collection.
        way: how its rows are kept.
        recall: recall@10 that the shortlist keeps in every task.

    Raises:
        InputError: too few rows for it, or no such setting.
    """
    key = opened.version, opened.space.key, str(way)
    found: Way | InputError = _DONE.get(key, lambda: _measured_or_not(opened, way))
    if isinstance(found, InputError):
        raise found
    tasks, where = tasks_of(opened), found.places
    shortlist = max(shortlist_for(where[task.name][task.chooses], recall) for task in tasks)
    return replace(found, shortlist=shortlist, rescored=_recall(tasks, where, shortlist))


def geometry_of(
    opened: EncodedCollection, way: Step
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings on the float vectors, and on the rows as the codes give them.

    Of a sample of the items where there are many, pairs together: decoded rows are floats.
    """
    space, kept = _space_of(opened, way), codes_of(opened, way)[0]
    if space.n > DECODED:
        space = space.subset(_some(space, np.ones(space.n, bool), DECODED))
        kept = compressed(space, kept.fitted, way)
    return measure(space, SIGNS)[0], measure(kept.space(space), SIGNS)[0]


def codes_of(opened: EncodedCollection, way: Step) -> tuple[Compressed, float, float]:
    """All rows as codes, with the seconds to fit and to encode."""
    space = _space_of(opened, way)
    started = perf_counter()
    fitted = fit_way(space.subset(_some(space, ~held_out_rows(opened), FITTED)), way)
    between = perf_counter()
    kept = compressed(space, fitted, way)
    return kept, between - started, perf_counter() - between


def _space_of(opened: EncodedCollection, way: Step) -> Space:
    """The rows, with their attributes where the way keeps these too."""
    with_attributes = COMPRESSORS.get(way.name).traits.get("attributes", False)
    return opened.with_attributes() if with_attributes else opened.space


def _some(space: Space, allowed: Bools, most: int) -> Ints:
    """Allowed rows: all, or a random sample of about so many, pairs together."""
    count = int(np.count_nonzero(allowed))
    if count > most:
        group = groups(space)
        chosen = np.random.default_rng(0).random(int(group.max()) + 1) < most / count
        allowed = allowed & chosen[group]
    return np.flatnonzero(allowed)


def _measured_or_not(opened: EncodedCollection, way: Step) -> Way | InputError:
    """A way that needs more rows is remembered too: it is not tried again with each visit."""
    try:
        return _measured(opened, way)
    except InputError as error:
        return error


def _recall(
    tasks: Sequence[Task], where: Mapping[str, Ints], shortlist: int = 0
) -> Mapping[str, Interval]:
    """By the queries that do not choose."""
    return {
        task.name: list_recall(
            where[task.name][~task.chooses], task.clusters[~task.chooses], shortlist
        )
        for task in tasks
    }


def _measured(opened: EncodedCollection, way: Step) -> Way:
    space, tasks = _space_of(opened, way), tasks_of(opened)
    kept, fit_seconds, encode_seconds = codes_of(opened, way)
    where, found, pairs = dict[str, Ints](), dict[str, Ints](), dict[str, Interval]()
    errors = []
    for task in tasks:
        where[task.name], found[task.name], error = _ranked(space, kept, task)
        errors.append(error)
        paired = (task.own >= 0).any(axis=1) if task.own.size else np.zeros(0, bool)
        if paired.any():
            hits = (found[task.name][:, :, None] == task.own[:, None, :]).any(axis=(1, 2))
            pairs[task.name] = paired_gain(hits[paired], task.hits[paired], task.clusters[paired])
    recall = _recall(tasks, where)
    chosen_by = min((where[task.name][task.chooses] <= K).mean() for task in tasks)
    return Way(
        way,
        kept.bytes_per_item,
        kept.code_bytes,
        recall,
        recall,
        K,
        float(chosen_by),
        pairs,
        float(np.sqrt(np.mean(errors))),
        _milliseconds(kept, tasks[0]),
        fit_seconds,
        encode_seconds,
        _losers(opened, tasks, where),
        where,
        found,
        decoder(kept),
        preference_of(space, kept, tasks),
    )


def _ranked(space: Space, kept: Compressed, task: Task) -> tuple[Ints, Ints, float]:
    """Places of the exact results, the results, and the mean square error of estimated scores.

    In one pass over the codes. Errors are those of at most `ERROR_ROWS` candidates.
    """
    queries, codes, q = task.vectors, kept.codes[task.among], len(task.queries)
    size = task.span.stop - task.span.start
    needed, at = np.unique(task.exact, return_inverse=True)
    own = _scores(kept, queries, task, taken(codes, needed))
    own = np.take_along_axis(own, at.reshape(task.exact.shape), axis=1)
    places: Ints = np.ones(task.exact.shape, np.int64)
    best = Best(q, places.shape[1])
    own_place = task.queries - task.span.start if task.kind == task.among else None
    wrong, compared = 0.0, 0
    for part in blocks(q, task.span):
        scores = _scores(kept, queries, task, taken(codes, part))
        some = -(-(part.stop - part.start) * min(ERROR_ROWS, size) // size)
        rows = space.vectors[task.span][part.start : part.start + some]
        error = (scores[:, :some] - queries @ rows.T).ravel()
        wrong, compared = wrong + float(error @ error), compared + error.size
        scores = without_self(scores, own_place, part)
        for column in range(places.shape[1]):
            before = precede(scores, own[:, column], task.exact[:, column] - part.start)
            places[:, column] += before.sum(axis=1)
        best.add(scores, part)
    return places, best.columns, wrong / max(1, compared)


def _scores(kept: Compressed, queries: Floats, task: Task, codes: Codes) -> Floats:
    return kept.fitted.scores(queries, task.kind, codes, task.among)


def _milliseconds(kept: Compressed, task: Task) -> float:
    """The median time of one query: estimated scores of all candidates and the first ten."""
    seconds = []
    for query in task.vectors[:TIMED]:
        started = perf_counter()
        codes = kept.codes[task.among]
        select(kept.fitted.scores(query[None], task.kind, codes, task.among), K)
        seconds.append(perf_counter() - started)
    return 1000 * float(np.median(seconds))


def _losers(
    opened: EncodedCollection, tasks: Sequence[Task], where: Mapping[str, Ints]
) -> Mapping[str, tuple[GroupLoss, ...]]:
    """Losses of images as results, by group."""
    task = losing_task(tasks)
    groupings = groupings_of(opened, task)
    return {
        name: group_losses(where[task.name], numbers, names, task.clusters)
        for name, (numbers, names) in groupings.items()
    }


def way_bytes(opened: EncodedCollection, way: Step) -> bytes:
    """Codes of all rows and what decodes them, as a file; `Way.decoder` reads it."""
    return compressed_to_bytes(codes_of(opened, way)[0], opened.passport, opened.space.steps)
