"""Compressing a space: bytes, recall and time of each way, who loses, and the way that is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadParameter, InputError
from core.improve import (
    COMPRESSORS,
    Compressed,
    Step,
    compressed,
    compressed_to_bytes,
    fit_way,
    parse_way,
)
from core.measure import (
    GroupLoss,
    Interval,
    deciles,
    format_value,
    group_losses,
    list_recall,
    paired_gain,
    places,
    shortlist_for,
)
from core.numerics.neighbors import select
from core.types import Finding, Floats, Ints, Progress, Space, SpaceCache
from core.workbench.ingest import no_progress
from core.workbench.jobs import begin_step
from core.workbench.measure import measure
from core.workbench.way_tasks import (
    TASK_WORDS,
    K,
    Task,
    blocks,
    held_out_rows,
    tasks_of,
    without_self,
)

if TYPE_CHECKING:
    from core.store import EncodedCollection

SIGNS = ("effective_rank", "hubness", "modality_gap", "uniformity", "alignment")
TIMED = 12  # queries, one at a time
RECALL = 0.99
RESCORED, LEAST_RESCORED = 0.05, 50  # share of the candidates that may be rescored; always allowed
PLAIN = "float32"

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
        for losses in (self.losers.get("label", ()), self.losers.get("hubness", ())):
            more = [one for one in losses if one.more]
            if more:
                return max(more, key=lambda one: one.value - one.expected)
        return None


@dataclass(frozen=True)
class Lab:
    """Ways to keep the vectors of a collection, by bytes.

    Args:
        n: rows; `d` dimensions.
        encoder: that computed them.
        tasks: queries with exact results.
        ways: what was measured, the smallest first.
        level: recall@10 that a suggestion keeps in every task.
        budget: bytes for each item, 0 for any.
        left_out: usual ways that need more rows, with the reason.
    """

    n: int
    d: int
    encoder: str
    tasks: tuple[Task, ...]
    ways: tuple[Way, ...]
    level: float
    budget: float
    left_out: Mapping[str, str]

    @property
    def suggested(self) -> Way | None:
        """The smallest way that keeps the level; with a budget the best within it.

        None where none does. A way may rescore a twentieth of the candidates.
        """
        if self.budget:
            within = [way for way in self.ways if way.bytes_per_item <= self.budget]
            return max(within, key=lambda way: way.chosen_by, default=None)
        keeps = [way for way in self.ways if self.allows(way)]
        return keeps[0] if keeps and keeps[0].way.name != PLAIN else None

    def allows(self, way: Way) -> bool:
        """Whether few enough results have to be rescored to keep the level."""
        fewest = min(task.span.stop - task.span.start for task in self.tasks)
        return way.shortlist <= max(LEAST_RESCORED, RESCORED * fewest)

    @property
    def frontier(self) -> tuple[Way, ...]:
        """Ways that no smaller one reaches in recall without rescoring, in the lowest task."""
        result: list[Way] = []
        for way in self.ways:
            if not result or way.least(rescored=False) > result[-1].least(rescored=False):
                result.append(way)
        return tuple(result)

    @property
    def sentence(self) -> str:
        """Recall with its interval, in how many bytes, and what it means for search."""
        way, floats = self.suggested, 4 * self.d
        if way is None and self.budget:
            return (
                f"No way that was measured keeps an item in {self.budget:,.0f} bytes. "
                "Add ways with --only, or allow more bytes."
            )
        if way is None:
            return (
                f"No smaller way keeps recall@10 of {self.level:.1%} in every task when few "
                "results are rescored: float vectors stay."
            )
        return f"{self.of(way)} in {way.bytes_per_item:,.0f} bytes an item instead of {floats:,}."

    def of(self, way: Way) -> str:
        """Recall of a way in its lowest task, with the interval and the results rescored."""
        values = way.recall if self.budget or way.shortlist <= K else way.rescored
        name = min(values, key=lambda task: values[task][0])
        value, low, high = (100 * x for x in values[name])
        also = "" if values is way.recall else f" when full vectors rescore {way.shortlist:,}"
        return (
            f"{way.name}: recall@10 {format_value(value, low, high)} % ({low:.1f} to {high:.1f}) "
            f"of the exact results {TASK_WORDS[name]}{also},"
        )


def compress(
    opened: EncodedCollection,
    *,
    only: Sequence[str] = (),
    recall: float = RECALL,
    budget: float = 0.0,
    progress: Progress = no_progress,
) -> Lab:
    """Measure ways to keep the vectors of a collection in fewer bytes.

    Each is fitted on rows that are not held out, encodes all rows, and ranks all of them for
    held-out queries, half of which choose and half of which judge; float32 and float16 are always
    among the ways.

    Args:
        opened: the collection.
        only: ways to measure, such as "pq:parts=48"; a grid without.
        recall: recall@10 that the suggestion keeps in every task.
        budget: bytes for each item that the suggestion stays within; 0 for any.
        progress: called with (ways done, all ways); may raise to stop.

    Raises:
        UnknownName: no such compressor or setting.
        BadParameter: a level that is not above 0 and at most 1.
        InputError: no vectors, or too few for a way.
    """
    if not 0 < recall <= 1:
        raise BadParameter("recall", recall, "a number above 0, to 1")
    space = opened.space
    if min(space.n, 2) < 2 or not space.n_images + len(space.texts):
        raise InputError("There are too few vectors to compress. Add images or texts first.")
    ways = [parse_way(text) for text in way_names(space.d, only)]
    usual = way_names(space.d)[2:]  # of these, what needs more rows is left out
    begin_step(progress, "measuring ways", 1, 1, "ways")
    measured, left_out = list[Way](), dict[str, str]()
    for done, way in enumerate(ways):
        progress(done, len(ways))
        try:
            measured.append(measured_way(opened, way, recall))
        except InputError as error:
            if str(way) not in usual:
                raise
            left_out[str(way)] = str(error)
    progress(len(ways), len(ways))
    ordered = sorted(measured, key=lambda way: (way.bytes_per_item, way.name))
    model = opened.passport.model
    tasks = tasks_of(opened)
    return Lab(space.n, space.d, model, tasks, tuple(ordered), recall, budget, left_out)


def way_names(d: int, only: Sequence[str] = ()) -> tuple[str, ...]:
    """The ways that are measured for d dimensions: these and the floats, or a grid."""
    grid = only or (
        "int8",
        "int8:per=row",
        *(f"truncation:dims={max(1, d // part)}" for part in (2, 4, 8)),
        f"truncation:dims={max(1, d // 4)}:order=pca",
        f"truncation:dims={max(1, d // 4)}:order=stored",
        f"truncation:dims={max(1, d // 2)}:numbers=int8",
        *(f"rabitq:bits={bits}" for bits in (1, 2, 4)),
        *(f"bebr:bits={bits}:distance=asymmetric" for bits in (1, 2)),
        "bebr",
        f"pq:parts={max(1, d // 8)}",
    )
    shown = (str(parse_way(text)) for text in (PLAIN, "float16", *grid))
    return tuple(dict.fromkeys(shown))


def known_ways(opened: EncodedCollection, names: Sequence[str]) -> bool:
    """Whether all of these were measured lately in this process."""
    return all(_DONE.known((opened.version, opened.space.key, name)) is not None for name in names)


def compressor_names() -> tuple[str, ...]:
    """What a way may be called."""
    return tuple(COMPRESSORS.all())


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
    """Findings on the float vectors, and on the rows as the codes give them."""
    kept = codes_of(opened, way)[0]
    return measure(opened.space, SIGNS)[0], measure(kept.space(opened.space), SIGNS)[0]


def codes_of(opened: EncodedCollection, way: Step) -> tuple[Compressed, float, float]:
    """All rows as codes, with the seconds to fit and to encode."""
    space = opened.space
    started = perf_counter()
    fitted = fit_way(space.subset(np.flatnonzero(~held_out_rows(opened))), way)
    between = perf_counter()
    kept = compressed(space, fitted, way)
    return kept, between - started, perf_counter() - between


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
    space, tasks = opened.space, tasks_of(opened)
    kept, fit_seconds, encode_seconds = codes_of(opened, way)
    where, found, pairs = dict[str, Ints](), dict[str, Ints](), dict[str, Interval]()
    errors, compared = 0.0, 0
    for task in tasks:
        ranked, lists = [], []
        for part in blocks(len(task.queries), task.span):
            rows = task.queries[part]
            queries = space.vectors[rows]
            scores = kept.fitted.scores(queries, task.kind, kept.codes[task.among], task.among)
            errors += _square_error(scores, queries @ space.vectors[task.span].T)
            compared += scores.size
            scores = without_self(scores, rows, task.kind == task.among, task.span)
            ranked.append(places(scores, task.exact[part]))
            lists.append(select(scores, task.exact.shape[1])[0])
        where[task.name], found[task.name] = np.concatenate(ranked), np.concatenate(lists)
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
        float(np.sqrt(errors / max(1, compared))),
        _milliseconds(space, kept, tasks[0]),
        fit_seconds,
        encode_seconds,
        _losers(space, tasks, where),
        where,
        found,
    )


def _square_error(scores: Floats, cosines: Floats) -> float:
    wrong = (scores - cosines).ravel()
    return float(wrong @ wrong)


def _milliseconds(space: Space, kept: Compressed, task: Task) -> float:
    """The median time of one query: estimated scores of all candidates and the first ten."""
    seconds = []
    for row in task.queries[:TIMED]:
        started = perf_counter()
        codes = kept.codes[task.among]
        select(kept.fitted.scores(space.vectors[row][None], task.kind, codes, task.among), K)
        seconds.append(perf_counter() - started)
    return 1000 * float(np.median(seconds))


def _losers(
    space: Space, tasks: Sequence[Task], where: Mapping[str, Ints]
) -> Mapping[str, tuple[GroupLoss, ...]]:
    """Losses of images as results, by how often they are results, by distance, and by label."""
    mine = [task for task in tasks if task.among == "image"] or list(tasks)
    task = mine[0]
    found, n = where[task.name], task.span.stop - task.span.start
    counts = np.bincount(task.exact.ravel(), minlength=n).astype(np.float64)
    counts[counts == 0] = np.nan
    rows = space.vectors[task.span]
    mean = rows.mean(axis=0)
    distance = 1 - (rows @ mean) / max(float(np.linalg.norm(mean)), 1e-12)
    result = {}
    groupings: Mapping[str, Callable[[], tuple[Ints, Sequence[str]]]] = {
        "hubness": lambda: deciles(counts),
        "distance": lambda: deciles(distance.astype(np.float64)),
        "label": lambda: _labels(space, task.span),
    }
    for name, grouping in groupings.items():
        numbers, names = grouping()
        if names:
            result[name] = group_losses(found, numbers[task.exact], names, task.clusters)
    return result


def _labels(space: Space, span: slice) -> tuple[Ints, Sequence[str]]:
    """The first label of each row as a number, and the labels."""
    labels = [one[0] if one else "" for one in space.labels[span]] if space.labels else []
    names = sorted({*labels} - {""})
    number = {label: i for i, label in enumerate(names)}
    return np.array([number.get(label, -1) for label in labels], np.int64), names


def way_bytes(opened: EncodedCollection, way: Step) -> bytes:
    """Codes of all rows and what decodes them, as a file; see `core.improve.DECODER`."""
    return compressed_to_bytes(codes_of(opened, way)[0], opened.passport, opened.space.steps)
