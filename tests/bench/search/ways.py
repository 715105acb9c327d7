"""Ways to find the ten nearest rows: ours, those of LanceDB, and other libraries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import HnswSq, IvfRq

from core.numerics.neighbors import top_k
from core.search.index import faiss_ivf, two_bit
from core.types.arrays import Floats, Ints
from core.types.space import Space

K = 10
REFINE = 20  # candidates of LanceDB that are rescored exactly, for each result
GRAPH_LINKS, GRAPH_WIDTH = 16, 128  # of a node, and candidates while they are chosen
VectorIndex = Literal["bits", "graph"]
GRAPH_ROWS = int(os.environ.get("SEXTANT_BENCH_GRAPHS", "200000"))
LANCE_GRAPH_ROWS = 200_000
TOO_LONG = f"left out: more than the {GRAPH_ROWS:,} rows ($SEXTANT_BENCH_GRAPHS) of a graph"
ONE_THREAD = f"left out beyond {LANCE_GRAPH_ROWS:,} rows: one thread builds it, over 15 minutes"
OURS, PEERS = "approximate (IVF)", ("faiss HNSW", "usearch HNSW", "LanceDB")


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
    """The baseline: numpy's matrix product, partition, sort."""
    scores = images @ query
    best = np.argpartition(-scores, K)[:K]
    rows: Ints = best[np.argsort(-scores[best])]
    return rows


def resident(space: Space) -> Iterator[Way]:
    """Search on the matrix in memory: exactly, or by the approximate index."""
    yield Way("exact, resident", lambda q, _: top_k(q[None], space.vectors, K)[0][0])
    started = perf_counter()
    sketch = two_bit.sketch(space)
    note = f"built in {perf_counter() - started:.0f} s, {sketch.nbytes / 1e6:.0f} MB more"
    yield Way("exact in two steps", lambda q, _: two_bit.top_k(space, q, K)[0], note=note)
    started = perf_counter()
    index = faiss_ivf.ivf_index(space, "image")
    note = (
        f"built in {perf_counter() - started:.0f} s; by its own measurement recall "
        f"{index.recall:.1%} ({index.low:.1%} to {index.high:.1%}) with {index.nprobe} of "
        f"{index.lists} lists"
    )

    def find(query: Floats, effort: int) -> Ints:
        return faiss_ivf.top_k(space, query, K, nprobe=effort)[0]

    yield Way(OURS, find, tuple(2**i for i in range(2, index.lists.bit_length())), note)


def flat(table: Any) -> Way:
    """LanceDB without an index: it compares every row."""
    return Way("LanceDB flat", partial(_rows, table, 1))


def lance(table: Any, images: Floats, folder: Path) -> Iterator[Way]:
    """IVF_RQ of LanceDB with rescoring, and its graph (IVF_HNSW_SQ) where that is feasible."""
    started, lists = perf_counter(), round(len(images) ** 0.5 / 2)
    _index(table, lists, "bits")
    note = f"built in {perf_counter() - started:.0f} s, {lists} lists"
    probes = tuple(sorted({min(4**i, lists) for i in range(1, 6)}))
    yield Way(f"LanceDB IVF_RQ, refine {REFINE}", partial(_rows, table, REFINE), probes, note)
    if len(images) > LANCE_GRAPH_ROWS:
        yield Way("LanceDB IVF_HNSW_SQ", _nothing, (), ONE_THREAD)
    else:
        yield _graph(table_of(images, folder))


def _graph(table: Any) -> Way:
    started = perf_counter()
    _index(table, 1, "graph")
    note = f"built in {perf_counter() - started:.0f} s"

    def find(query: Floats, effort: int) -> Ints:
        return _nearest(table, query, 1, 4, width=effort)

    return Way("LanceDB IVF_HNSW_SQ, refine 4", find, (40, 100, 250, 600), note)


def peers(images: Floats) -> Iterator[Way]:
    """The graphs of faiss and usearch."""
    for name, build in ((PEERS[0], _faiss), (PEERS[1], _usearch)):
        if len(images) > GRAPH_ROWS:
            yield Way(name, _nothing, (), TOO_LONG)
            continue
        started = perf_counter()
        find = build(images)
        note = f"built in {perf_counter() - started:.0f} s"
        if find is None:
            yield Way(name, _nothing, (), "not installed: left out")
        else:
            yield Way(name, find, (16, 40, 100, 250, 600), note)


def _nothing(query: Floats, effort: int) -> Ints:
    return np.empty(0, np.int64)


def table_of(rows: Floats, folder: Path) -> Any:
    """A LanceDB table of some vectors; the id of a row is its number."""
    n, d = rows.shape
    vector = pa.list_(pa.float32(), d)
    schema = pa.schema([pa.field("id", pa.int64()), pa.field("vector", vector)])
    table = lancedb.connect(folder).create_table("vectors", schema=schema)
    for start in range(0, n, 50_000):
        part = rows[start : start + 50_000]
        column = pa.FixedSizeListArray.from_arrays(part.ravel(), d)
        table.add(pa.table([np.arange(start, start + len(part)), column], schema=schema))
    return table


def _index(table: Any, lists: int, kind: VectorIndex) -> None:
    """Index unit vectors by cosine: one bit a coordinate, or a graph."""
    config = (
        IvfRq(distance_type="cosine", num_partitions=lists)
        if kind == "bits"
        else HnswSq(
            distance_type="cosine",
            num_partitions=lists,
            m=GRAPH_LINKS,
            ef_construction=GRAPH_WIDTH,
        )
    )
    table.create_index("vector", config=config, replace=True)


def _nearest(table: Any, query: Floats, probes: int, refine: int, width: int | None = None) -> Ints:
    """The K rows nearest to a query, best first, by the index.

    It probes `probes` lists and rescores `refine` candidates for each result; a graph follows
    `width` candidates.
    """
    search = table.search(query, vector_column_name="vector").distance_type("cosine")
    search = search.nprobes(probes).refine_factor(refine)
    search = search if width is None else search.ef(width)
    rows: Ints = search.select(["id", "_distance"]).limit(K).to_arrow()["id"].to_numpy()
    return rows


def _rows(table: Any, refine: int, query: Floats, probes: int) -> Ints:
    return _nearest(table, query, max(1, probes), refine)


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
        rows: Ints = graph.search(query[None], K, params=settings)[1][0]
        return rows

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
