"""Ways to keep the vectors of a collection in fewer bytes, and which of them to choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import search as engine
from core.errors import BadParameter, InputError
from core.improve import COMPRESSORS, parse_way
from core.measure import Interval, format_value
from core.types import Kind, Progress, Space
from core.workbench.ingest import no_progress
from core.workbench.jobs import begin_step
from core.workbench.way_tasks import TASK_WORDS, K, Task, tasks_of
from core.workbench.ways import RECALL, Way, known_way, measured_way

if TYPE_CHECKING:
    from core.store import EncodedCollection

RESCORED, LEAST_RESCORED = 0.05, 50  # share of the candidates that may be rescored; always allowed
LEAST_CENTERS, MOST_CENTERS = 16, 1024
PLAIN = "float32"


@dataclass(frozen=True)
class IndexRow:
    """The approximate index (IVF) of the rows of a kind, as it was measured on the collection.

    `recall` of the exact ten nearest items; with it as many vectors are rescored as `rescored`.
    """

    kind: Kind
    recall: Interval
    queries: int
    rescored: int
    bytes_per_item: float


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
        indexes: approximate indexes, where the collection is large enough for one.
    """

    n: int
    d: int
    encoder: str
    tasks: tuple[Task, ...]
    ways: tuple[Way, ...]
    level: float
    budget: float
    left_out: Mapping[str, str]
    indexes: tuple[IndexRow, ...] = ()

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
        small = f"{self.of(way)} in {way.bytes_per_item:,.0f} bytes an item"
        if not self.rescores(way):
            return f"{small} instead of {floats:,}."
        return (
            f"{small} in memory instead of {floats:,}. The full vectors stay stored: those of the "
            f"best {way.shortlist:,} are read for each query."
        )

    def rescores(self, way: Way) -> bool:
        """Whether full vectors are needed for the recall that a way is suggested for."""
        return not self.budget and way.shortlist > K

    def of(self, way: Way) -> str:
        """Recall of a way in its lowest task, with the interval and the results rescored."""
        values = way.rescored if self.rescores(way) else way.recall
        name = min(values, key=lambda task: values[task][0])
        value, low, high = (100 * x for x in values[name])
        also = f" when full vectors rescore {way.shortlist:,}" if self.rescores(way) else ""
        return (
            f"{way.name}: recall@10 {format_value(value, low, high)}% ({low:.1f} to {high:.1f}) "
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
    if space.n < 2:
        raise InputError("There are too few vectors to compress. Add images or texts first.")
    ways = [parse_way(text) for text in way_names(space.n, space.d, only)]
    usual = way_names(space.n, space.d)[2:]  # of these, what needs more rows is left out
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
    return Lab(
        space.n,
        space.d,
        model,
        tasks,
        tuple(ordered),
        recall,
        budget,
        left_out,
        index_rows(space),
    )


def index_rows(space: Space) -> tuple[IndexRow, ...]:
    """The approximate indexes of a large collection; without those whose recall is too low."""
    rows = []
    for kind in engine.indexed_kinds(space):
        built, span = engine.ivf_index(space, kind), space.span(kind)
        if built.nprobe:
            interval = built.recall, built.low, built.high
            size = built.nbytes / (span.stop - span.start)
            rows.append(IndexRow(kind, interval, built.queries, built.candidates, size))
    return tuple(rows)


def way_names(n: int, d: int, only: Sequence[str] = ()) -> tuple[str, ...]:
    """The ways that are measured for n rows of d dimensions: these and the floats, or a grid."""
    # A power of two: the name stays as a collection grows. They cost at most 4 bytes an item.
    centers = min(MOST_CENTERS, 1 << (n // (2 * d)).bit_length() >> 1)
    grid = only or (
        "int8",
        "int8:per=row",
        *(f"truncation:dims={max(1, d // part)}" for part in (2, 4, 8)),
        f"truncation:dims={max(1, d // 4)}:order=pca",
        f"truncation:dims={max(1, d // 4)}:order=stored",
        f"truncation:dims={max(1, d // 2)}:numbers=int8",
        *(f"rabitq:bits={bits}" for bits in (1, 2, 4)),
        *([f"rabitq:bits=1:centers={centers}"] if centers >= LEAST_CENTERS else ()),
        *(f"bebr:bits={bits}:distance=asymmetric" for bits in (1, 2)),
        "bebr",
        f"pq:parts={max(1, d // 8)}",
    )
    shown = (str(parse_way(text)) for text in (PLAIN, "float16", *grid))
    return tuple(dict.fromkeys(shown))


def known_ways(opened: EncodedCollection, names: Sequence[str]) -> bool:
    """Whether all of these were measured lately in this process."""
    return all(known_way(opened, name) for name in names)


def compressor_names() -> tuple[str, ...]:
    """What a way may be called."""
    return tuple(COMPRESSORS.all())
