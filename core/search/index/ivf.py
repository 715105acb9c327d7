"""Inverted file: only the cells nearest to a query are looked into, where nearly all is enough.

The rows are divided among cells by k-means, and a query looks into the cells whose centres are most
similar to it until it has seen a share of the rows that may be found; the sketch and then the rows
themselves decide among these (`core.search.index.two_bit`). Where a filter bars more than a few,
the sketch searches what it leaves instead, exactly: a filter costs no hits.

How large the share must be depends on the collection, so it is measured there: the smallest that
finds 99 of 100 of the true ten nearest for half of a sample of the collection's own items as
queries. What it finds for the other half is the recall that is stated.

Source: Sivic, Zisserman. Video Google. ICCV 2003 (inverted files of quantised vectors); Jegou,
Douze, Schmid. Product Quantization for Nearest Neighbor Search. TPAMI 2011 (cells by k-means).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.numerics import neighbors
from core.numerics.kmeans import centers_of, nearest_center
from core.numerics.stats import wilson
from core.search.index import two_bit
from core.search.index.two_bit import KEPT, Sketch
from core.types import KINDS, Bools, Doubles, Floats, Ints, Space, SpaceCache

K, ENOUGH = 10, 0.99
WHOLE = 0.9  # share of the rows sought that must be allowed
QUERIES = 500  # of each kind of item that asks, for each kind that is found
FEWEST = 10  # queries without which nothing can be told, and every cell is looked into
CELLS = 4  # times the square root of the number of rows
PER_CELL, ROUNDS = 20, 5  # rows from which the centre of a cell is learnt, and how thoroughly


@dataclass(frozen=True)
class InvertedFile:
    """Rows by cell, and how many of them a query must see.

    `centres` (m, d); `order` (n,) rows by cell, cell j at `starts[j]` to `starts[j + 1]`; `codes`
    their sketch in that order, so that a cell is read in one go; `share` of the rows that may be
    found are looked at, which found `recall` (95 % interval `low` to `high`) of the true `K`
    nearest of `asked` queries.
    """

    centres: Floats
    order: Ints
    starts: Ints
    codes: Sketch
    share: float
    recall: float
    low: float
    high: float
    asked: int


@SpaceCache(KEPT).per_rows
def inverted_file(space: Space) -> InvertedFile:
    """The inverted file of a space: about half a minute for 1,000,000 x 512, then 142 MB."""
    m = max(1, min(round(CELLS * space.n**0.5), space.n))
    drawn = np.random.default_rng(0).permutation(space.n)[: PER_CELL * m]
    centres = centers_of(space.vectors[np.sort(drawn)], m, rounds=ROUNDS, spread=False)
    cell = nearest_center(space.vectors, centres)
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(m + 1))
    whole = two_bit.sketch(space)
    codes = replace(whole, words=whole.words[order], scales=whole.scales[order])
    return InvertedFile(centres, order, starts, codes, *_measured(_seen(space, centres, cell)))


def top_k(
    space: Space,
    query: Floats,
    k: int,
    *,
    mask: Bools | None = None,
    share: float = 0.0,
) -> tuple[Ints, Floats]:
    """The k best rows for one query, or nearly; exactly those where a filter bars some.

    Args:
        space: where to look.
        query: (d,) unit row.
        k: how many; fewer come back when fewer are allowed.
        mask: (n,) rows that may be found.
        share: of the rows that may be found, how many to look at; 0 is what was measured.

    Returns:
        rows (k,) and cosines (k,), best first; equal ones are ordered by row.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> top_k(Space(square, tuple("abcd"), 4), square[0], 1)[0]
    array([0])
    """
    allowed = np.ones(space.n, bool) if mask is None else mask
    if not usable(space, allowed):
        return two_bit.top_k(space, query, k, mask=mask)
    made = inverted_file(space)
    enough = max(int(np.ceil((share or made.share) * np.count_nonzero(allowed))), 4 * k)
    places = _nearest(made, query, allowed, enough)
    estimates = made.codes.estimates(query, places)
    return two_bit.decided(space, query, k, None, *estimates, made.order[places])


def usable(space: Space, allowed: Bools) -> bool:
    """Whether nearly all rows of a kind, or of both, may be found, and are not few.

    What was measured holds for them. Of rows that a filter leaves, the nearest may lie in any cell:
    where it kept the 30 % farthest from the query, the nearest cells held 63 % of the true ten.
    """
    spans = [allowed[space.span(kind)] for kind in KINDS]
    sought = sum(len(span) for span in spans if span.any())
    return int(np.count_nonzero(allowed)) >= WHOLE * sought and not two_bit.narrow(space, allowed)


def _nearest(made: InvertedFile, query: Floats, allowed: Bools, enough: int) -> Ints:
    """Places in the file of the allowed rows of the nearest cells, until there are enough."""
    from core.search.index import kernels

    cells = np.argsort(-(made.centres @ query))
    found = np.empty(enough + np.diff(made.starts).max(), np.int64)
    return found[: kernels.passing(cells, made.starts, made.order, allowed, enough, found)]


def _measured(seen: Doubles) -> tuple[float, float, float, float, int]:
    """The share that is enough for half of the queries, and the recall it gives the other half."""
    learnt, judged = seen[::2], seen[1::2]
    if len(judged) < FEWEST:
        return 1.0, 1.0, 1.0, 1.0, 0
    share = float(np.quantile(learnt, ENOUGH, method="higher"))
    recall = float((judged <= share).mean())
    return share, recall, *wilson(recall * len(judged), len(judged)), len(judged)


def _seen(space: Space, centres: Floats, cell: Ints) -> Doubles:
    """(q, K) shares of the rows of a kind that are seen before each true neighbour is.

    Items of each kind ask for items of each kind; an item does not find itself. Where fewer than
    `K` can be found, the others count as found at once.
    """
    rng = np.random.default_rng(1)
    spans = [np.arange(space.n)[space.span(kind)] for kind in KINDS]
    asking = [rng.permutation(rows)[:QUERIES] for rows in spans]
    found = [_shares(space, a, rows, centres, cell) for a in asking for rows in spans]
    return rng.permutation(np.concatenate(found))


def _shares(space: Space, asking: Ints, rows: Ints, centres: Floats, cell: Ints) -> Doubles:
    """The same for some queries that look for some rows."""
    shares = np.zeros((len(asking), K))
    if not len(asking) or not len(rows):
        return shares[:0]
    mask = np.zeros(space.n, bool)
    mask[rows] = True
    queries = space.vectors[asking]
    nearest = neighbors.top_k(queries, space.vectors, K, mask=mask, exclude=asking)[0]
    sizes = np.bincount(cell[rows], minlength=len(centres))
    order = np.argsort(-(queries @ centres.T), axis=1)
    before = np.cumsum(sizes[order], axis=1) - sizes[order]
    place = np.argsort(order, axis=1)
    own = np.take_along_axis(place, cell[nearest], axis=1)
    shares[:, : nearest.shape[1]] = (np.take_along_axis(before, own, axis=1) + 1) / len(rows)
    return shares
