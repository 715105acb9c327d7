"""From one query vector to answers, with what says whether to trust them.

Beside each hit stands the chance that one unrelated item would be as similar to this query (its
tail probability under the query's own null), and how often the item shows up for other queries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from core.errors import InputError
from core.search.answer import (
    SearchResult,
    best_p_value,
    make_hits,
    verdict,
)
from core.search.background_queries import BackgroundQueries, null_tail, single_items
from core.search.candidates import Candidates, find_candidates
from core.search.cutoff import Cutoff, by_chance, higher
from core.search.index.muvera import TokenCandidates
from core.search.null import fit_null
from core.search.ranking import SHORTLIST, Ranked, append_tail, fuse, in_order
from core.search.rerankers import Shortlist
from core.types import Bools, Floats, Ints, Kind, Space

BINS = 60


def search(
    space: Space,
    vector: Floats,
    *,
    k: int = 24,
    start: int = 0,
    kinds: tuple[Kind, ...] = ("image", "text"),
    mask: Bools | None = None,
    exclude: Ints | None = None,
    nearly: bool = False,
    first: TokenCandidates | None = None,
    words: Ranked | None = None,
    fusion: Literal["rrf", "sum"] = "rrf",
    rerank: Callable[[Shortlist], Floats] | None = None,
    others: BackgroundQueries | None = None,
    cut: Cutoff | None = None,
    alone: bool = False,
    expected: float = 0.0,
) -> SearchResult:
    """The k best items for one query vector, exactly unless `nearly` the best will do.

    Args:
        space: where to look.
        vector: (d,) unit vector of the query.
        k: hits to return.
        start: hits to skip before the first.
        kinds: what may be found.
        mask: (n,) rows that may be found.
        exclude: rows that must not be found: the items that ask.
        nearly: look into the nearest cells of a large collection only; see `core.search.index.ivf`.
        first: finds the rows by their parts; without, the cosine with the whole does.
        words: rows that a full-text search found and their scores, best first, to be fused with the
            best `SHORTLIST` rows of the first stage.
        fusion: how; see `core.search.ranking`.
        rerank: gives the best `SHORTLIST` hits new scores; see `core.search.rerankers`.
        others: queries of the same form, that tell what is chance; without, single texts.
        cut: what matches must reach besides the cut that leaves `expected` chance hits.
        alone: whether `cut` is all that they must reach.
        expected: see `cut`; 0 is the usual.

    Raises:
        InputError: the vector's length is not the space's.
    """
    if vector.shape != (space.d,):
        raise InputError(f"The query has {vector.size} dimensions; the collection has {space.d}.")
    allowed = _allowed(space, kinds, mask, exclude)
    n = int(np.count_nonzero(allowed))
    least = SHORTLIST if rerank or words else 0
    found = find_candidates(space, vector, allowed, kinds, max(start + k, least), nearly=nearly)
    rows, values = found.rows, found.scores
    if first:
        rows, values = first.best(space, allowed, max(start + k, SHORTLIST))
    if words:
        score = partial(first.scores, space) if first else partial(_of_wholes, found)
        rows, values = _with_words((rows, values), score, _among(words, allowed), fusion)
    if rerank:
        rows, values = _reordered(rerank, Shortlist(space, vector, rows, values))
    asked, among = others or single_items(space, "text"), None if mask is None else allowed
    nulls = {
        kind: fit_null(x, null_tail(space, asked, kind, among))
        for kind, x in found.background.items()
    }
    edges = np.linspace(*_ends(found), BINS + 1)
    p_value = best_p_value(found.cosines(found.rows[:1]), found.rows, nulls, space.n_images, n)
    cut = cut if cut and alone else higher(by_chance(nulls, n, expected), cut)
    matches = found.above(cut.cosines)
    return SearchResult(
        make_hits(found, nulls, cut, rows[start : start + k], values[start : start + k], start),
        nulls,
        edges,
        found.counts(edges),
        n,
        p_value,
        matches,
        cut,
        verdict(matches, n, p_value, cut),
        found.how,
    )


def _of_wholes(found: Candidates, rows: Ints) -> Floats:
    """Scores of some rows by the whole."""
    return found.cosines(rows) - found.space.offset[rows]


def _among(words: Ranked, allowed: Bools) -> Ranked:
    """What full text found of the allowed rows."""
    may = allowed[words[0]]
    return words[0][may], words[1][may]


def _with_words(
    found: tuple[Ints, Floats],
    score: Callable[[Ints], Floats],
    said: Ranked,
    fusion: Literal["rrf", "sum"],
) -> tuple[Ints, Floats]:
    """Rows and scores of both rankings in one; rows that neither has near the top follow.

    For a sum each ranking scores the rows of both: a row that no word finds has 0 words.
    """
    head: Ranked = found[0][:SHORTLIST], found[1][:SHORTLIST]
    rankings = [head, said]
    if fusion == "sum":
        rows = np.union1d(head[0], said[0])
        scores = np.zeros(len(rows), np.float32)
        scores[np.searchsorted(rows, said[0])] = said[1]
        rankings = [in_order(rows, score(rows)), in_order(rows, scores)]
    rows, total = fuse(rankings, fusion)
    beyond = ~np.isin(found[0], rows)
    return append_tail(rows, total.astype(np.float32), found[0][beyond], found[1][beyond])


def _reordered(rerank: Callable[[Shortlist], Floats], shortlist: Shortlist) -> tuple[Ints, Floats]:
    """Rows and scores of a shortlist in their new order; equal scores keep the old one.

    What lies beyond the first `SHORTLIST` follows with scores below all others.
    """
    head = replace(shortlist, rows=shortlist.rows[:SHORTLIST], scores=shortlist.scores[:SHORTLIST])
    if not len(head.rows):
        return shortlist.rows, shortlist.scores
    rows, scores = in_order(head.rows, rerank(head))
    return append_tail(rows, scores, shortlist.rows[SHORTLIST:], shortlist.scores[SHORTLIST:])


def _allowed(
    space: Space, kinds: tuple[Kind, ...], mask: Bools | None, exclude: Ints | None
) -> Bools:
    allowed = np.ones(space.n, bool) if mask is None else mask.copy()
    for kind in ("image", "text"):
        if kind not in kinds:
            allowed[space.span(kind)] = False
    if exclude is not None:
        allowed[exclude] = False
    return allowed


def _ends(found: Candidates) -> tuple[float, float]:
    """Ends of the histogram: the data's, a little wider."""
    values = np.concatenate([*found.background.values(), found.cosines(found.rows[:1])])
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = max(1e-3, 0.02 * (high - low))
    return low - margin, high + margin
