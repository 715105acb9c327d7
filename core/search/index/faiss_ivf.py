"""Approximate search: faiss's inverted file (IVF) of 2-bit RaBitQ codes, with a measured recall.

The rows of each kind have an index of their own, so that the modality gap costs no recall: centers
by k-means divide them into lists, a query probes the `nprobe` lists whose centers are most similar
to it, and the best by estimated cosine are rescored exactly on the rows in memory. A kind with few
rows, and any search from which a filter excludes more than a tenth of the rows, stays exact
(`core.search.index.two_bit`): what was measured does not hold there.

How many lists and candidates are needed depends on the collection and is measured on it: the
fewest that find 99% of the true ten nearest (lower end of the 95% interval) for half of a sample
of its own items, of each kind. The stated recall is that of the other half. Across a modality gap
cosines differ little, so that queries of the other kind need more candidates.

Source: Gao, Long. RaBitQ. SIGMOD 2024; Gao et al. SIGMOD 2025 (more than one bit a coordinate);
Jegou, Douze, Schmid. Product Quantization for Nearest Neighbor Search. TPAMI 2011 (IVF); Douze et
al. The Faiss library. 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from core.numerics import neighbors
from core.numerics.stats import Z, wilson
from core.search.index import two_bit
from core.types import KINDS, Bools, Doubles, Floats, Ints, Kind, Space, SpaceCache

K, TARGET = 10, 0.99  # recall@K that is aimed at
MOST = 0.9  # share of the rows that must be allowed
FEWEST = 10_000  # rows of a kind below which it is searched exactly
QUERIES = 500  # items of each kind that measure the recall
CANDIDATES = 200, 800, 3200  # rows that are rescored: as few as suffice, or 4 k
LISTS, PER_LIST, ROUNDS = 2, 20, 5  # times sqrt(n); rows of a k-means center; its iterations
BLOCK = 16_384  # rows added at a time


@dataclass(frozen=True)
class IvfIndex:
    """The index of the rows of one kind.

    `nprobe` of `lists` lists and the best `candidates` in them give `recall` (95% interval `low`
    to `high`) of the true `K` nearest of `queries` items that had no part in choosing these.
    `nprobe` is 0 where nothing reaches `TARGET`.
    """

    index: Any
    lists: int
    nprobe: int = 0
    candidates: int = 0
    recall: float = 0.0
    low: float = 0.0
    high: float = 1.0
    queries: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes as a file: codes, centers, rotation, ids."""
        return len(_faiss().serialize_index(self.index))


def top_k(
    space: Space, query: Floats, k: int, *, mask: Bools | None = None, nprobe: int = 0
) -> tuple[Ints, Floats]:
    """The k best rows for one query: approximately where there are `indexes`, else exactly.

    Args:
        space: where to search.
        query: (d,) unit row.
        k: how many; fewer are returned when fewer are allowed.
        mask: (n,) rows that may be returned.
        nprobe: lists to probe; 0: as many as were measured to be enough.

    Returns:
        rows (k,) and exact cosines (k,), best first; equal ones are ordered by row.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> top_k(Space(square, tuple("abcd"), 4), square[0], 1)[0]
    array([0])
    """
    allowed = np.ones(space.n, bool) if mask is None else mask
    built = indexes(space, allowed)
    if not built:
        return two_bit.top_k(space, query, k, mask=mask)
    rows = []
    for kind in KINDS:
        span = space.span(kind)
        if kind in built:
            index = replace(built[kind], nprobe=nprobe) if nprobe else built[kind]
            rows.append(span.start + _candidates(index, query, k, allowed[span]))
        else:
            of_kind = np.zeros(space.n, bool)
            of_kind[span] = allowed[span]
            rows.append(two_bit.top_k(space, query, k, mask=of_kind)[0])
    return two_bit.rescored(space, query, np.concatenate(rows), k)


def indexes(space: Space, allowed: Bools) -> dict[Kind, IvfIndex]:
    """The indexes to search these rows with, built when first needed; none: search exactly.

    None where a filter excludes more than a tenth of the rows of the kinds in question: where one
    allowed the 30% least similar to the query, an IVF found 63% of the true ten.
    """
    spans = {kind: allowed[space.span(kind)] for kind in KINDS}
    spans = {kind: span for kind, span in spans.items() if span.any()}
    if np.count_nonzero(allowed) < MOST * sum(map(len, spans.values())):
        return {}
    built = {kind: ivf_index(space, kind) for kind, span in spans.items() if len(span) >= FEWEST}
    return {kind: index for kind, index in built.items() if index.nprobe}


def indexed_kinds(space: Space) -> tuple[Kind, ...]:
    """Kinds with enough rows for an index; none where building it would read the disk."""
    if space.on_disk or not two_bit.pays(space):
        return ()
    sizes = {kind: space.span(kind).stop - space.span(kind).start for kind in KINDS}
    return tuple(kind for kind in KINDS if sizes[kind] >= FEWEST)


@SpaceCache(len(KINDS) * two_bit.KEPT).per_rows
def ivf_index(space: Space, kind: Kind) -> IvfIndex:
    """The index of one kind: a minute or two for 1,000,000 x 512 on two cores, then 160 MB."""
    faiss = _faiss()
    rows = space.vectors[space.span(kind)]
    n, d = rows.shape
    lists = round(LISTS * n**0.5)
    index = faiss.index_factory(d, f"RR{d},IVF{lists},RaBitQfs2", faiss.METRIC_INNER_PRODUCT)
    kmeans = faiss.extract_index_ivf(index).cp
    kmeans.seed, kmeans.niter = 0, ROUNDS
    kmeans.min_points_per_centroid, kmeans.max_points_per_centroid = 1, PER_LIST
    index.train(rows[np.sort(np.random.default_rng(0).permutation(n)[: PER_LIST * lists])])
    for start in range(0, n, BLOCK):
        index.add(rows[start : start + BLOCK])
    return _tuned(space, kind, IvfIndex(index, lists))


def _faiss() -> Any:
    """Imported when first needed; its own annotations do not fit how it is called."""
    return import_module("faiss")


def _candidates(built: IvfIndex, query: Floats, k: int, allowed: Bools) -> Ints:
    """Rows of the kind with the best estimated cosines in the nearest lists."""
    faiss = _faiss()
    # The recall was measured for the K best: more need lists that hold more rows.
    nprobe = max(built.nprobe, -(-4 * k * built.lists // len(allowed)))
    settings: dict[str, Any] = {"nprobe": min(nprobe, built.lists)}
    if not allowed.all():
        settings["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    parameters = faiss.SearchParametersPreTransform(
        index_params=faiss.IVFRaBitQSearchParameters(**settings)
    )
    count = min(max(built.candidates, 4 * k), len(allowed))
    # Clients are threads themselves: more threads for one query would wait for each other. The
    # setting holds for the calling thread, and where torch is loaded for torch as well.
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        rows: Ints = built.index.search(query[None], count, params=parameters)[1][0]
    finally:
        faiss.omp_set_num_threads(threads)
    return rows[rows >= 0]


def _tuned(space: Space, kind: Kind, built: IvfIndex) -> IvfIndex:
    """With the fewest candidates and lists that half of the sampled items of each kind need.

    The other half then measures the recall. Candidates are chosen first, with all lists; half of
    what may be missed is left to the lists.
    """
    sample = _sample(space, kind)

    def enough(tried: IvfIndex, target: float) -> bool:
        found = [_recall(space, kind, tried, rows[::2], truth[::2]) for rows, truth in sample]
        return min(x.mean() - Z * x.std() / len(x) ** 0.5 for x in found) >= target

    flat = (replace(built, nprobe=built.lists, candidates=count) for count in CANDIDATES)
    chosen = next((tried for tried in flat if enough(tried, (1 + TARGET) / 2)), None)
    if chosen is None:
        return built
    chosen = replace(chosen, nprobe=4)
    while not enough(chosen, TARGET):
        chosen = replace(chosen, nprobe=chosen.nprobe + chosen.nprobe // 2)
        if chosen.nprobe >= built.lists:
            return built
    found = [_recall(space, kind, chosen, rows[1::2], truth[1::2]) for rows, truth in sample]
    each = np.concatenate(found)
    low, high = wilson(each.sum(), len(each))
    return replace(chosen, recall=float(each.mean()), low=low, high=high, queries=len(each))


def _sample(space: Space, kind: Kind) -> list[tuple[Ints, Ints]]:
    """Items of each kind as queries, and their true nearest others of one kind."""
    rng = np.random.default_rng(1)
    mask = np.zeros(space.n, bool)
    mask[space.span(kind)] = True
    sample = []
    for query_kind in KINDS:
        rows = rng.permutation(np.arange(space.n)[space.span(query_kind)])[:QUERIES]
        if len(rows) > 1:
            truth = neighbors.top_k(space.vectors[rows], space.vectors, K, mask=mask, exclude=rows)
            sample.append((rows, truth[0]))
    return sample


def _recall(space: Space, kind: Kind, built: IvfIndex, queries: Ints, truth: Ints) -> Doubles:
    """(q,) share of each item's true nearest of a kind that are found; itself does not count."""
    span = space.span(kind)
    everything = np.ones(span.stop - span.start, bool)
    shares = []
    for row, nearest in zip(queries, truth, strict=True):
        rows = span.start + _candidates(built, space.vectors[row], K + 1, everything)
        found = two_bit.rescored(space, space.vectors[row], rows[rows != row], K)[0]
        shares.append(np.isin(nearest, found).mean())
    return np.array(shares)
