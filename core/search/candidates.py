"""One query against a collection: the best rows, and the cosines of all the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.numerics.neighbors import TIE, cosines, select
from core.search.index import faiss_ivf, two_bit
from core.search.index.compressed import CodeIndex
from core.search.index.faiss_ivf import IvfIndex
from core.types import KINDS, Bools, Doubles, Floats, Ints, Kind, Space, SpaceCache

SAMPLE = 20_000  # cosines of each kind that represent all of them in a large collection
IN_MEMORY = 5000  # of each kind, where the vectors are on disk: as many reads at the first query
ALLOWED = 500  # of those that a filter must allow, lest others are read
KNOWN = 256  # of the highest cosines that are known in memory, however few the hits
PLAIN = 1000  # of them where something else ranks the hits: how far their ranks by cosine are exact


@dataclass(frozen=True)
class Weighted:
    """Rows of one kind, in order, their cosines, and how many candidates each stands for.

    One where all were compared, or for the best, which are known; else a random part of the others
    stands for all of them.
    """

    rows: Ints
    cosines: Floats
    weights: Doubles


@dataclass(frozen=True)
class Candidates:
    """The result of comparing a query with the allowed rows.

    Args:
        rows: (m,) the best rows, by score; `scores` (m,) are their cosines without the bias.
        background: cosines of the allowed rows of each kind: all, or a random sample of them.
        sizes: number of allowed rows of each kind.
        highest: the highest cosine of the allowed rows of each kind.
        how: how it was searched, as a sentence.
        weighted: of each kind, all allowed rows, or the best and a sample of the others.
        every: (n,) cosines of all rows, where they were computed.
    """

    space: Space
    vector: Floats
    rows: Ints
    scores: Floats
    background: Mapping[Kind, Floats]
    sizes: Mapping[Kind, int]
    highest: Mapping[Kind, float]
    how: str
    weighted: Mapping[Kind, Weighted]
    every: Floats | None = None

    def cosines(self, rows: Ints) -> Floats:
        """Exact cosines of some rows."""
        if self.every is None:
            return two_bit.cosines_of(self.space, self.vector, rows)
        return self.every[rows]

    def rank(self, row: int, cosine: float) -> int:
        """Rank of a row by its cosine alone; an estimate beyond the cosines that are known.

        Ties (see `core.numerics.neighbors.TIE`) are ordered by row, as hits are.
        """
        before = 0.0
        for each in self.weighted.values():
            own = np.searchsorted(each.rows, row)
            before += each.weights[:own][each.cosines[:own] >= cosine - TIE].sum()
            before += each.weights[own:][each.cosines[own:] > cosine + TIE].sum()
        return 1 + round(before)

    def counts(self, edges: Doubles) -> dict[Kind, Doubles]:
        """Histogram of the cosines of each kind; that of a sample is scaled to all rows."""
        return {
            kind: np.histogram(each.cosines, edges, weights=each.weights)[0]
            for kind, each in self.weighted.items()
        }


def find_candidates(
    space: Space,
    vector: Floats,
    allowed: Bools,
    kinds: tuple[Kind, ...],
    k: int,
    *,
    approximate: bool = False,
    codes: CodeIndex | None = None,
    query_kind: Kind = "text",
) -> Candidates:
    """The k best of the allowed rows: by every cosine, or in two steps where that is faster.

    `approximate` allows the approximate index (IVF) of a large collection; kept `codes` are
    searched in two steps, for a query of `query_kind`.
    """
    of_kind = {kind: allowed[space.span(kind)] for kind in kinds}
    sizes = {kind: int(np.count_nonzero(mask)) for kind, mask in of_kind.items()}
    n = sum(sizes.values())
    if not codes and not two_bit.pays(space):
        return _exact(space, vector, allowed, of_kind, sizes, k)
    ranked, indexes = codes and codes.by_cosine, dict[Kind, IvfIndex]()
    biased = bool(space.offset.any())
    if approximate and not codes and not biased:  # its recall was measured by cosine alone
        indexes = faiss_ivf.indexes(space, allowed)

    def by_cosine(k: int, mask: Bools) -> tuple[Ints, Floats]:
        if ranked:
            return ranked.top_k(space, vector, query_kind, k, offset=None, mask=mask)
        search = faiss_ivf.top_k if indexes else two_bit.top_k
        return search(space, vector, k, mask=mask)

    otherwise = biased or codes is not ranked
    least = k if space.on_disk else max(k, KNOWN)  # there each is read from the file
    plain, values = by_cosine(max(k, PLAIN) if otherwise else least, allowed)
    rows, best = plain[:k], values[:k]
    if codes and otherwise:
        offset = space.offset
        rows, best = codes.top_k(space, vector, query_kind, k, offset=offset, mask=allowed)
    elif otherwise:
        rows, best = two_bit.top_k(space, vector, k, offset=space.offset, mask=allowed)
    known = [plain, rows]
    for kind, mask in of_kind.items():  # across a modality gap all of the best are of one kind
        if mask.any() and not _inside(plain, space.span(kind)).any():
            only = np.zeros(space.n, bool)
            only[space.span(kind)] = mask
            known.append(by_cosine(least, only)[0])
    found = np.unique(np.concatenate(known))
    exact = two_bit.cosines_of(space, vector, found)
    sampled = {kind: _background(space, vector, kind, mask) for kind, mask in of_kind.items()}
    weighted = {}
    for kind, size in sizes.items():
        inside = _inside(found, space.span(kind))
        weighted[kind] = _weighted((found[inside], exact[inside]), sampled[kind], size)
    how = (
        f"{codes.sentence if codes else _description(n, indexes)} The null distributions are "
        f"estimated from {sum(len(values) for _, values in sampled.values()):,} items."
    )
    return Candidates(
        space,
        vector,
        rows,
        best,
        {kind: values for kind, (_, values) in sampled.items()},
        sizes,
        _highest(weighted),
        how,
        weighted,
    )


def _exact(
    space: Space,
    vector: Floats,
    allowed: Bools,
    of_kind: Mapping[Kind, Bools],
    sizes: Mapping[Kind, int],
    k: int,
) -> Candidates:
    every, n = cosines(space.vectors, vector), sum(sizes.values())
    scores = np.where(allowed, every - space.offset, -np.inf).astype(np.float32)[None]
    rows, best = select(scores, min(k, n))
    background = {kind: every[space.span(kind)][mask] for kind, mask in of_kind.items()}
    weighted = {
        kind: Weighted(
            np.flatnonzero(mask) + space.span(kind).start, background[kind], np.ones(sizes[kind])
        )
        for kind, mask in of_kind.items()
    }
    return Candidates(
        space,
        vector,
        rows[0],
        best[0],
        background,
        sizes,
        _highest(weighted),
        f"Exact search of all {n:,} items.",
        weighted,
        every,
    )


def _weighted(known: tuple[Ints, Floats], sampled: tuple[Ints, Floats], size: int) -> Weighted:
    """Known rows and their cosines; what a sample has besides stands for the rest of `size`."""
    others, n_known = ~np.isin(sampled[0], known[0]), len(known[0])
    rows = np.append(known[0], sampled[0][others])
    values = np.append(known[1], sampled[1][others])
    weights = np.ones(len(rows))
    weights[n_known:] = (size - n_known) / max(1, len(rows) - n_known)
    order = np.argsort(rows)
    return Weighted(rows[order], values[order], weights[order])


def _inside(rows: Ints, span: slice) -> Bools:
    return (rows >= span.start) & (rows < span.stop)


def _highest(weighted: Mapping[Kind, Weighted]) -> dict[Kind, float]:
    return {kind: float(each.cosines.max(initial=-1.0)) for kind, each in weighted.items()}


def _background(space: Space, vector: Floats, kind: Kind, mask: Bools) -> tuple[Ints, Floats]:
    """A sample of the allowed rows of a kind, and their cosines."""
    start = space.span(kind).start
    if space.on_disk:  # each query would read some thousand rows from all over the file
        rows, vectors = _in_memory(space, kind)
        use = mask[rows]
        if np.count_nonzero(use) >= ALLOWED:
            return rows[use] + start, cosines(vectors, vector)[use]
    rows = _sample(mask, SAMPLE) + start
    return rows, two_bit.cosines_of(space, vector, rows)


@SpaceCache(len(KINDS) * two_bit.KEPT).per_rows
def _in_memory(space: Space, kind: Kind) -> tuple[Ints, Floats]:
    """A sample of the rows of a kind, by their number in it, and a copy of their vectors."""
    span = space.span(kind)
    rows = _sample(np.ones(span.stop - span.start, bool), IN_MEMORY)
    return rows, space.take(rows + span.start)


def _description(n: int, indexes: Mapping[Kind, IvfIndex]) -> str:
    """How n items were searched; of two indexes the lower recall counts."""
    if not indexes:
        return f"Exact search of {n:,} items in two steps (2-bit codes, then full vectors)."
    index = min(indexes.values(), key=lambda index: index.recall)
    return (
        f"Approximate search (IVF) of {n:,} items: recall@{faiss_ivf.K} {index.recall:.1%} "
        f"(95% interval {index.low:.1%} to {index.high:.1%}, {index.queries:,} of the items as "
        f"queries)."
    )


def _sample(mask: Bools, most: int) -> Ints:
    """At most so many of the allowed rows: one, drawn at random, of each stretch of them."""
    rows = np.flatnonzero(mask)
    step = -(-len(rows) // most)
    if step <= 1:
        return rows
    starts = np.arange(0, len(rows), step)
    drawn = starts + np.random.default_rng(0).integers(0, step, len(starts))
    sample: Ints = rows[np.minimum(drawn, len(rows) - 1)]
    return sample
