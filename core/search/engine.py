"""From one query vector to ranked results and the statistics beside them: pure numpy.

Beside each hit stands the probability that one unrelated item would be as similar to this query
(its tail probability under the query's own null distribution), and its hubness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from core.errors import InputError
from core.search.background_queries import null_tail, single_items
from core.search.candidates import Candidates, find_candidates
from core.search.match_estimate import estimate_matches
from core.search.null import fit_null
from core.search.plan import SearchPlan
from core.search.ranking import SHORTLIST, Ranked, append_tail, fuse, in_order
from core.search.rerankers import Shortlist
from core.search.result import (
    SearchResult,
    best_p_value,
    compare_rankings,
    make_hits,
    verdict,
)
from core.types import Bools, Floats, Ints, Kind, Space

BINS = 60


def search(
    space: Space,
    vector: Floats,
    *,
    k: int = 24,
    kinds: tuple[Kind, ...] = ("image", "text"),
    mask: Bools | None = None,
    exclude: Ints | None = None,
) -> SearchResult:
    """The k items with the highest cosine to one query vector, exactly; see `run` for the rest.

    Args:
        space: where to search.
        vector: (d,) unit vector of the query.
        k: hits to return.
        kinds: what may be found.
        mask: (n,) rows that may be found.
        exclude: rows that must not be found: the items of the query itself.

    Raises:
        InputError: the vector's length is not the space's.
    """
    return run(SearchPlan(space, vector, k=k, kinds=kinds, mask=mask, exclude=exclude))


def run(plan: SearchPlan) -> SearchResult:
    """Carry out a search plan: candidates, fusion, reranking, null distribution, estimate, hits.

    Where a hubness correction, a reranker, a preference or a first stage other than the cosine
    ranks the hits, a second search by cosine alone gives those that this page would have had
    (`left`).

    Raises:
        InputError: the vector's length is not the space's.
    """
    result = _ranked(plan)
    if plan.ranks_otherwise:
        result = compare_rankings(result, _ranked(plan.by_cosine()))
    how = (result.how,) if plan.approximate or plan.codes else ()
    return replace(result, notes=(*how, *plan.warnings))


def rank(plan: SearchPlan) -> Ints:
    """The rows of a search plan in their order, `plan.start` + `plan.k` of them or more."""
    return _ordered(plan, _allowed(plan))[1]


def _ordered(plan: SearchPlan, allowed: Bools) -> tuple[Candidates, Ints, Floats]:
    """Candidates, and the rows with their scores after fusion and reranking, best first."""
    space, vector, end = plan.space, plan.vector, plan.start + plan.k
    if vector.shape != (space.d,):
        raise InputError(f"The query has {vector.size} dimensions; the collection has {space.d}.")
    least = SHORTLIST if plan.rerank or plan.text_ranking else 0
    found = find_candidates(
        space,
        vector,
        allowed,
        plan.kinds,
        max(end, least),
        approximate=plan.approximate,
        codes=plan.codes,
        query_kind=plan.query_kind,
    )
    rows, values = found.rows, found.scores
    index = plan.token_index
    if index:
        rows, values = index.best(space, allowed, max(end, SHORTLIST))
    if plan.text_ranking:
        score = partial(index.scores, space) if index else partial(_scores, found)
        by_text = _among(plan.text_ranking, allowed)
        rows, values = _fused((rows, values), score, by_text, plan.fusion)
    if plan.rerank:
        rows, values = _reranked(plan.rerank, Shortlist(space, vector, rows, values))
    return found, rows, values


def _ranked(plan: SearchPlan) -> SearchResult:
    space, start, end = plan.space, plan.start, plan.start + plan.k
    allowed = _allowed(plan)
    n = int(np.count_nonzero(allowed))
    found, rows, values = _ordered(plan, allowed)
    among = None if plan.mask is None else allowed
    nulls, estimates = {}, {}
    for kind, cosines in found.background.items():
        background = plan.background.get(kind) or single_items(space, "text", kind)
        nulls[kind] = fit_null(cosines, null_tail(space, background, kind, among))
        if kind in plan.calibrations:
            estimates[kind] = estimate_matches(
                plan.calibrations[kind],
                cosines,
                found.sizes[kind],
                found.highest[kind],
                plan.miss,
                found.weighted[kind],
            )
    matching = {kind: estimate for kind, estimate in estimates.items() if estimate}
    edges = np.linspace(*_range(found), BINS + 1)
    return SearchResult(
        make_hits(found, nulls, matching, rows[start:end], values[start:end], start),
        nulls,
        edges,
        found.counts(edges),
        n,
        best_p_value(found, nulls),
        matching,
        verdict(matching, n),
        found.how,
    )


def _scores(found: Candidates, rows: Ints) -> Floats:
    """Cosines of some rows less their score bias."""
    return found.cosines(rows) - found.space.offset[rows]


def _among(ranked: Ranked, allowed: Bools) -> Ranked:
    """The allowed rows of a ranking."""
    may = allowed[ranked[0]]
    return ranked[0][may], ranked[1][may]


def _fused(
    found: tuple[Ints, Floats],
    score: Callable[[Ints], Floats],
    by_text: Ranked,
    fusion: Literal["rrf", "sum"],
) -> tuple[Ints, Floats]:
    """The first stage and the full-text ranking in one; rows in the head of neither follow.

    For a sum each ranking scores the rows of both: a row that full text does not find scores 0.
    """
    head: Ranked = found[0][:SHORTLIST], found[1][:SHORTLIST]
    rankings = [head, by_text]
    if fusion == "sum":
        rows = np.union1d(head[0], by_text[0])
        scores = np.zeros(len(rows), np.float32)
        scores[np.searchsorted(rows, by_text[0])] = by_text[1]
        rankings = [in_order(rows, score(rows)), in_order(rows, scores)]
    rows, total = fuse(rankings, fusion)
    beyond = ~np.isin(found[0], rows)
    return append_tail(rows, total.astype(np.float32), found[0][beyond], found[1][beyond])


def _reranked(rerank: Callable[[Shortlist], Floats], shortlist: Shortlist) -> tuple[Ints, Floats]:
    """Rows and scores of a shortlist in their new order; equal scores keep the old one.

    What lies beyond the first `SHORTLIST` follows with scores below all others.
    """
    head = replace(shortlist, rows=shortlist.rows[:SHORTLIST], scores=shortlist.scores[:SHORTLIST])
    if not len(head.rows):
        return shortlist.rows, shortlist.scores
    rows, scores = in_order(head.rows, rerank(head))
    return append_tail(rows, scores, shortlist.rows[SHORTLIST:], shortlist.scores[SHORTLIST:])


def _allowed(plan: SearchPlan) -> Bools:
    allowed = np.ones(plan.space.n, bool) if plan.mask is None else plan.mask.copy()
    for kind in ("image", "text"):
        if kind not in plan.kinds:
            allowed[plan.space.span(kind)] = False
    if plan.exclude is not None:
        allowed[plan.exclude] = False
    return allowed


def _range(found: Candidates) -> tuple[float, float]:
    """Ends of the histogram: those of the cosines, with a margin."""
    values = np.concatenate([found.scores[:0], *(w.cosines for w in found.weighted.values())])
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = max(1e-3, 0.02 * (high - low))
    return low - margin, high + margin
