"""LanceDB's own vector index, for collections that memory cannot hold, or when asked.

Images and texts are indexed apart, in tables derived from the vectors: where there is a modality
gap, the parts of one index that lie near a text hold texts only, and a search for pictures would
come back empty. IVF_RQ keeps one bit a coordinate to find candidates, and their vectors decide;
without that last step its distances are neither cosines nor near them. How many candidates decide
and how many cells a search looks into is chosen by measuring: the fewest that find 99 of 100 of the
true ten nearest, for queries of both kinds. What was measured is kept with the index.

Source: Gao, Long. RaBitQ. SIGMOD 2024 (the codes); Iff et al. Benchmarking Filtered Approximate
Nearest Neighbor Search Algorithms. 2025 (why filters are planned for).
"""

from __future__ import annotations

import time
from collections.abc import Collection as Ids
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.neighbors import top_k
from core.store.assemble import blocks
from core.store.snapshot import one_array
from core.store.table import Table
from core.types import Floats, Kind

K, ENOUGH, QUERIES = 10, 0.99, 50
REFINE = 10, 320  # candidates compared exactly for each hit, at least and at most
FEW = 10_000  # allowed items up to which these are simply compared
GROWTH, MOST = 8, 20_000  # hits asked for when a filter leaves too few, and at most


@dataclass(frozen=True)
class IndexReport:
    """An index of one kind of item, and how well it finds.

    `recall` is the share of the true `K` nearest that were found, over `queries` of them; `n` rows
    in `cells`, of which `probes` are looked into; `refine` candidates are compared exactly for
    each hit; `version` of the vectors it was made from.
    """

    kind: Kind
    n: int
    cells: int
    probes: int
    refine: int
    recall: float
    queries: int
    seconds: float
    version: int


def found(
    table: Table, report: IndexReport, query: Floats, k: int, among: Ids[str] | None = None
) -> list[tuple[str, float]]:
    """Ids and cosines of the rows nearest to a query, best first.

    With a filter k allowed items are found, however few there are: up to `FEW` of them are simply
    compared; of more, the index is asked for ever more hits until enough are allowed; and where
    query and filter lie far apart, all allowed items are compared after all.
    """
    d = len(query)
    if among is not None and len(among) <= FEW:
        rows = table.read(["id", "vector"], {"id": list(among)})
        return _best([(one_array(rows["id"]), _matrix(rows, d))], query[None], k)[0]
    limit = k
    while limit <= MOST:
        near = table.near(query, min(limit, report.n), report.probes, report.refine)
        hits = [hit for hit in near if among is None or hit[0] in among][:k]
        if among is None or len(hits) == k or limit >= report.n:
            return hits
        limit *= GROWTH
    wanted = pa.array(list(among or ()), pa.string())
    parts = (_kept(*part, wanted) for part in blocks(table, d))
    return _best(parts, query[None], k)[0]


def indexed(table: Table, kind: Kind, queries: Floats, version: int) -> IndexReport:
    """Make the index of one kind, and look into as few cells as are enough."""
    started = time.monotonic()
    n, d = table.count(), queries.shape[1]
    cells = max(1, round(n**0.5 / 2))
    table.index_vectors("vector", cells, "whole" if d % 8 else "bits")
    truth = [{i for i, _ in hits} for hits in _best(blocks(table, d), queries, K)]

    def recall(probes: int, refine: int) -> float:
        near = [{i for i, _ in table.near(q, K, probes, refine)} for q in queries]
        return float(np.mean([len(a & b) / len(b) for a, b in zip(near, truth, strict=True)]))

    refine, probes = REFINE[0], min(4, cells)
    while recall(cells, refine) < ENOUGH and refine < REFINE[1]:
        refine *= 2
    while (reached := recall(probes, refine)) < ENOUGH and probes < cells:
        probes = min(2 * probes, cells)
    seconds = round(time.monotonic() - started, 1)
    return IndexReport(kind, n, cells, probes, refine, reached, len(queries), seconds, version)


def _best(
    parts: Iterable[tuple[pa.Array, Floats]], queries: Floats, k: int
) -> list[list[tuple[str, float]]]:
    """Ids and cosines of the k rows nearest to each query, exactly, block by block."""
    best: list[list[tuple[str, float]]] = [[] for _ in queries]
    for ids, block in parts:
        for hits, rows, scores in zip(best, *top_k(queries, block, k), strict=True):
            hits += zip(ids.take(pa.array(rows)).to_pylist(), scores.tolist(), strict=True)
            hits.sort(key=lambda hit: -hit[1])
            del hits[k:]
    return best


def _kept(ids: pa.Array, block: Floats, wanted: pa.Array) -> tuple[pa.Array, Floats]:
    """The rows of a block whose ids are wanted."""
    kept = pc.is_in(ids, value_set=wanted)
    return ids.filter(kept), block[kept.to_numpy(zero_copy_only=False)]


def sample(table: Table, d: int) -> Floats:
    """Some of a table's vectors, to ask with."""
    ids = one_array(table.read(["id"])["id"])
    chosen = np.random.default_rng(0).permutation(len(ids))[:QUERIES]
    return _matrix(table.read(["vector"], {"id": ids.take(pa.array(chosen)).to_pylist()}), d)


def _matrix(rows: pa.Table, d: int) -> Floats:
    matrix: Floats = one_array(rows["vector"]).flatten().to_numpy().reshape(-1, d)
    return matrix
