"""Ways to find the ten nearest rows: ours, LanceDB's, and what others offer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa

from core.numerics.neighbors import top_k
from core.search.index import ivf, two_bit
from core.store.lance import GRAPH_LINKS, GRAPH_WIDTH, Database, Table
from core.store.schema import vectors_schema
from core.types.arrays import Floats, Ints
from core.types.space import Space

K = 10
REFINE = 20  # candidates of LanceDB's that are compared exactly, for each hit
GRAPH_ROWS = int(os.environ.get("SEXTANT_BENCH_GRAPHS", "200000"))
LANCE_GRAPH_ROWS = 200_000
TOO_LONG = f"left out: more than the {GRAPH_ROWS:,} rows ($SEXTANT_BENCH_GRAPHS) of a graph"
ONE_THREAD = f"left out beyond {LANCE_GRAPH_ROWS:,} rows: one thread builds it, over 15 minutes"
OURS, PEERS = "nearest cells", ("faiss HNSW", "usearch HNSW", "LanceDB")


@dataclass(frozen=True)
class Way:
    """One way to search: `find(query, effort)` gives rows; more effort, more recall.

    `efforts` are tried in order; one that is exact has a single effort.
    """

    name: str
    find: Callable[[Floats, int], Ints]
    efforts: tuple[int, ...] = (0,)
    note: str = ""


def blas(images: Floats, query: Floats) -> Ints:
    """What everything is compared with: numpy's matrix product, partition, sort."""
    scores = images @ query
    best = np.argpartition(-scores, K)[:K]
    found: Ints = best[np.argsort(-scores[best])]
    return found


def resident(space: Space) -> Iterator[Way]:
    """Search on the matrix in memory: exactly, or in the cells that are nearest."""
    yield Way("exact, resident", lambda q, _: top_k(q[None], space.vectors, K)[0][0])
    started = perf_counter()
    made = two_bit.sketch(space)
    note = f"built in {perf_counter() - started:.0f} s, {made.nbytes / 1e6:.0f} MB more"
    yield Way("exact in two steps", lambda q, _: two_bit.top_k(space, q, K)[0], note=note)
    started = perf_counter()
    cells = ivf.inverted_file(space)
    note = (
        f"built in {perf_counter() - started:.0f} s, {cells.codes.nbytes / 1e6:.0f} MB more; "
        f"{len(cells.centres)} cells; by its own measure {cells.share:.1%} of the rows hold "
        f"{cells.recall:.1%} ({cells.low:.1%} to {cells.high:.1%})"
    )

    def find(query: Floats, effort: int) -> Ints:
        return ivf.top_k(space, query, K, share=min(1.0, cells.share * effort / 4))[0]

    yield Way(OURS, find, (1, 2, 4, 8, 16, 32), note)


def flat(table: Table) -> Way:
    """LanceDB before there is an index: it compares every row."""
    return Way("LanceDB flat", partial(_rows, table, 1))


def lance(table: Table, images: Floats, folder: Path) -> Iterator[Way]:
    """LanceDB's IVF_RQ with refine, and its graph (IVF_HNSW_SQ) where that is feasible."""
    started, cells = perf_counter(), round(len(images) ** 0.5 / 2)
    table.index_vectors("vector", cells, "bits")
    note = f"built in {perf_counter() - started:.0f} s, {cells} cells"
    probes = tuple(sorted({min(4**i, cells) for i in range(1, 6)}))
    yield Way(f"LanceDB IVF_RQ, refine {REFINE}", partial(_rows, table, REFINE), probes, note)
    if len(images) > LANCE_GRAPH_ROWS:
        yield Way("LanceDB IVF_HNSW_SQ", _nothing, (), ONE_THREAD)
    else:
        yield _graph(table_of(images, folder))


def _graph(table: Table) -> Way:
    started = perf_counter()
    table.index_vectors("vector", 1, "graph")
    note = f"built in {perf_counter() - started:.0f} s"

    def find(query: Floats, effort: int) -> Ints:
        return _numbers(table.near(query, K, 1, 4, width=effort))

    return Way("LanceDB IVF_HNSW_SQ, refine 4", find, (40, 100, 250, 600), note)


def peers(images: Floats) -> Iterator[Way]:
    """The graphs of faiss and usearch, where these are installed."""
    for name, make in ((PEERS[0], _faiss), (PEERS[1], _usearch)):
        if len(images) > GRAPH_ROWS:
            yield Way(name, _nothing, (), TOO_LONG)
            continue
        started = perf_counter()
        find = make(images)
        note = f"built in {perf_counter() - started:.0f} s"
        if find is None:
            yield Way(name, _nothing, (), "not installed: left out")
        else:
            yield Way(name, find, (16, 40, 100, 250, 600), note)


def _nothing(query: Floats, effort: int) -> Ints:
    return np.empty(0, np.int64)


def table_of(rows: Floats, folder: Path) -> Table:
    """The store's table of some vectors; the id of a row is its number."""
    n, d = rows.shape
    schema = vectors_schema(d)
    table = Database(str(folder), "The benchmark's table").ensure("vectors", schema)
    for start in range(0, n, 50_000):
        part = rows[start : start + 50_000]
        ids = pa.array([str(i) for i in range(start, start + len(part))])
        column = pa.FixedSizeListArray.from_arrays(part.ravel(), d)
        table.merge(pa.table([ids, column], schema=schema), ["id"])
    return table


def _rows(table: Table, refine: int, query: Floats, probes: int) -> Ints:
    return _numbers(table.near(query, K, max(1, probes), refine))


def _numbers(hits: list[tuple[str, float]]) -> Ints:
    return np.array([id_ for id_, _ in hits], np.int64)


def _faiss(images: Floats) -> Callable[[Floats, int], Ints] | None:
    try:
        faiss: Any = import_module("faiss")
    except ImportError:
        return None
    graph = faiss.IndexHNSWFlat(images.shape[1], GRAPH_LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = GRAPH_WIDTH
    graph.add(images)

    def find(query: Floats, effort: int) -> Ints:
        settings = faiss.SearchParametersHNSW(efSearch=effort)
        found: Ints = graph.search(query[None], K, params=settings)[1][0]
        return found

    return find


def _usearch(images: Floats) -> Callable[[Floats, int], Ints] | None:
    try:
        usearch: Any = import_module("usearch.index")
    except ImportError:
        return None
    graph = usearch.Index(
        ndim=images.shape[1],
        metric="ip",
        dtype="f32",
        connectivity=GRAPH_LINKS,
        expansion_add=GRAPH_WIDTH,
    )
    graph.add(np.arange(len(images)), images)

    def find(query: Floats, effort: int) -> Ints:
        # One setting for the whole index: it is changed between rounds, never within one.
        if graph.expansion_search != effort:
            graph.expansion_search = effort
        found: Ints = np.asarray(graph.search(query, K).keys, np.int64)
        return found

    return find
