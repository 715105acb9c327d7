"""Recall and mAP of each stage of search on held-out pairs, and the time of each reranker.

A stage is a function from a task to rankings; a new one is a new line in `stages`. Every figure
stands beside that of plain cosine on the same queries, with the 95% confidence interval of the
difference: a paired bootstrap over images, because captions of one image are correlated. The
settings are the defaults of each part; none was chosen on the queries that are evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from core.errors import InputError
from core.improve.hub_bias import corrected
from core.improve.hub_corrections import HUB_CORRECTIONS
from core.search.ranking import SHORTLIST
from core.search.rerankers import RERANKERS, Shortlist
from core.types.arrays import Doubles, Floats, Ints
from core.types.space import Space
from tests.bench.rows import row
from tests.bench.stages.known import Task, tasks

Stage = Callable[[Task], Ints]
METRICS = ("recall@1", "recall@5", "recall@10", "mAP")
PLAIN = "cosine"


def stages() -> dict[str, Stage]:
    """All stages by name: each gives (q, c) columns of the candidates, best first."""
    return {
        PLAIN: lambda task: ranked(task, task.space),
        **{name: _hub_stage(name) for name in HUB_CORRECTIONS.all()},
        **{name: _rerank_stage(name) for name in tokenless()},
    }


def tokenless() -> list[str]:
    """Rerankers that need no token vectors."""
    two = np.eye(2, dtype=np.float32)
    hits = Shortlist(Space(two, ("a", "b"), 2), two[0], np.arange(2), two[0])
    names = []
    for name, part in RERANKERS.all().items():
        with suppress(InputError):
            part(hits)
            names.append(name)
    return names


def run() -> list[dict[str, Any]]:
    """A row for each task, stage and metric, then one for the cost of each reranker."""
    return [*(row for task in tasks() for row in measured(task, stages())), *speeds()]


def measured(task: Task, among: Mapping[str, Stage]) -> list[dict[str, Any]]:
    """Rows of one task: each stage's metrics, in %, beside those of plain cosine."""
    plain = scores(task.relevant, among[PLAIN](task))
    weights = _bootstrap(task.groups)
    rows = []
    for name, stage in among.items():
        values = plain if name == PLAIN else scores(task.relevant, stage(task))
        for metric in METRICS:
            gained = values[metric] - plain[metric]
            low, high = np.quantile(weights @ gained, (0.025, 0.975))
            rows.append(_row(task, name, metric, values[metric], plain[metric], low, high))
    return rows


def scores(relevant: np.ndarray, order: Ints) -> dict[str, Doubles]:
    """(q,) of each metric from (q, c) relevance and rankings of the columns.

    >>> by_metric = scores(np.array([[False, True, True]]), np.array([[0, 2, 1]]))
    >>> [round(float(by_metric[m][0]), 3) for m in METRICS]  # relevant at ranks 2 and 3
    [0.0, 1.0, 1.0, 0.583]
    """
    hit = np.take_along_axis(relevant, order, axis=1)
    first = hit.argmax(axis=1)
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    return {
        **{f"recall@{k}": (first < k).astype(np.float64) for k in (1, 5, 10)},
        "mAP": (precision * hit).sum(axis=1) / hit.sum(axis=1),
    }


def ranked(task: Task, space: Space, rerank: Callable[[Shortlist], Floats] | None = None) -> Ints:
    """(q, c) columns of the candidates, best first, as search would rank them in this space."""
    cosines = space.vectors[task.queries] @ space.vectors[task.candidates].T
    cosines -= space.offset[task.candidates]
    cosines[task.queries[:, None] == task.candidates] = -np.inf  # an item never retrieves itself
    order = np.argsort(-cosines, axis=1, kind="stable")
    if rerank:
        for i, row in enumerate(task.queries):
            head = order[i, : min(SHORTLIST, int(np.isfinite(cosines[i]).sum()))]
            listed = Shortlist(space, space.vectors[row], task.candidates[head], cosines[i, head])
            order[i, : len(head)] = head[np.argsort(-rerank(listed), kind="stable")]
    return order


def speeds(m: int = SHORTLIST, d: int = 512, runs: int = 21) -> Iterable[dict[str, Any]]:
    """Milliseconds to rerank m hits, beside the product of the list with itself."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(0.5, 1, (m + 1, d)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = Space(vectors, tuple(map(str, range(m + 1))), m + 1)
    given = vectors[1:] @ vectors[0]
    order = np.argsort(-given)
    for name in tokenless():
        part, ours, floor = RERANKERS.get(name), [], []
        for _ in range(runs):
            hits = Shortlist(space, vectors[0], order + 1, given[order])
            ours.append(_milliseconds(partial(part, hits)))
            floor.append(_milliseconds(lambda: vectors @ vectors.T))
        yield row(
            f"{name}: rerank {m} hits",
            m,
            d,
            round(median(ours), 2),
            "ms",
            "baseline: the product of the list with itself",
            baseline=round(median(floor), 2),
            ratio=median(a / b for a, b in zip(ours, floor, strict=True)),
        )


def _bootstrap(groups: Ints) -> Doubles:
    """(1000, q) weight of each query in bootstrap samples of images; a row sums to 1."""
    n = int(groups.max()) + 1
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), 1000)[:, groups]
    return drawn / drawn.sum(axis=1, keepdims=True)


def _hub_stage(name: str) -> Stage:
    def stage(task: Task) -> Ints:
        return ranked(
            task, corrected(task.space, name, query_kind=task.modality, held_out=task.held_out)
        )

    return stage


def _rerank_stage(name: str) -> Stage:
    return lambda task: ranked(task, task.space, RERANKERS.get(name))


def _row(
    task: Task, name: str, metric: str, values: Doubles, plain: Doubles, low: float, high: float
) -> dict[str, Any]:
    value, before = 100 * float(values.mean()), 100 * float(plain.mean())
    gain = f"{value - before:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
    return row(
        f"{task.name}: {name}, {metric}",
        len(task.candidates),
        task.space.d,
        round(value, 1),
        "%",
        f"{gain}; {len(values)} queries; {task.note}",
        baseline=round(before, 1),
        ratio=value / before if before else None,
    )


def _milliseconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return 1000 * (perf_counter() - started)
