"""Everything a search needs besides the query's vector, looked up once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.improve import corrected
from core.search.background_queries import BackgroundQueries, background_queries
from core.search.calibration import Calibration, calibration
from core.search.index.compressed import CodeIndex, has_kept_codes, kept_codes
from core.search.index.muvera import TokenCandidates
from core.search.query.encode import query_rows, query_warnings
from core.search.query.mix import kind_of
from core.search.query.tokens import query_tokens, stored_tokens, token_candidates, token_warnings
from core.search.ranking import Ranked
from core.search.rerankers import RERANKERS, Shortlist
from core.types import MISS, Bools, Floats, Ints, Kind, Query, Space

if TYPE_CHECKING:
    from core.store import EncodedCollection


@dataclass(frozen=True)
class SearchPlan:
    """One search, ready to run.

    Args:
        space: where to search, with the score bias of a hubness correction if one was chosen.
        vector: (d,) unit vector of the query.
        k: hits to return; `start` hits are skipped before the first.
        kinds: what may be found.
        mask: (n,) rows that may be found.
        exclude: rows that must not be found: the items of the query itself.
        approximate: candidates from the approximate index (IVF), where the collection has one.
        codes: candidates from kept codes, in two steps.
        query_kind: whose mean kept codes take from the query.
        token_index: candidates from stored token vectors in place of the cosine.
        text_ranking: rows of a full-text search and their scores, best first; `fusion` is how they
            are fused with the first stage: "rrf" or "sum", see `core.search.ranking`.
        rerank: scores the head of the ranking again; see `core.search.rerankers`.
        background: by kind, queries of the same form, from which the null distribution is
            estimated; single texts of the collection without.
        calibrations: by kind, of P(match), for queries of this form.
        miss: share of queries with a match that may be judged to have none.
        uncorrected: the space without hubness correction; None where there is none.
        warnings: sentences on how far to trust the query.
    """

    space: Space
    vector: Floats
    k: int = 24
    start: int = 0
    kinds: tuple[Kind, ...] = ("image", "text")
    mask: Bools | None = None
    exclude: Ints | None = None
    approximate: bool = False
    codes: CodeIndex | None = None
    query_kind: Kind = "text"
    token_index: TokenCandidates | None = None
    text_ranking: Ranked | None = None
    fusion: Literal["rrf", "sum"] = "rrf"
    rerank: Callable[[Shortlist], Floats] | None = None
    background: Mapping[Kind, BackgroundQueries] = field(default_factory=dict)
    calibrations: Mapping[Kind, Calibration] = field(default_factory=dict)
    miss: float = MISS
    uncorrected: Space | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ranks_otherwise(self) -> bool:
        """Whether anything but the cosine and full text orders the hits."""
        preferred = self.codes and self.codes.preferred
        return bool(self.token_index or self.rerank or self.uncorrected or preferred)

    def by_cosine(self) -> SearchPlan:
        """The same search ranked by cosine alone."""
        return replace(
            self,
            space=self.uncorrected or self.space,
            codes=self.codes and self.codes.by_cosine,
            token_index=None,
            text_ranking=None,
            rerank=None,
            uncorrected=None,
        )


def prepare(opened: EncodedCollection, query: Query, vector: Floats) -> SearchPlan:
    """Look up what a query needs: filters, background, calibration, first stage, reranker.

    Args:
        opened: where to search.
        query: the query.
        vector: (d,) its unit vector, from `core.search.encode`.

    Raises:
        UnknownName: no such filter field, hubness correction or reranker.
        UnknownItem: an item of the query is not in the collection.
        NoTextSearch: the encoder is not available.
        InputError: token vectors are needed and none are stored.
    """
    # Kept codes of vectors on disk take seconds to read at first: as long as the rest takes.
    with ThreadPoolExecutor(1) as pool:
        ranking = pool.submit(copy_context().run, prepare_ranking, opened, query, vector)
        fitted = {kind: calibration(opened, query, kind) for kind in query.kinds}
        background = {kind: background_queries(opened, query, kind) for kind in query.kinds}
    return replace(
        ranking.result(),
        background=background,
        calibrations={kind: one for kind, one in fitted.items() if one},
        miss=query.miss,
        warnings=(*query_warnings(opened, query), *token_warnings(query)),
    )


def prepare_ranking(
    opened: EncodedCollection,
    query: Query,
    vector: Floats,
    *,
    held_out: Bools | None = None,
    without: str = "",
) -> SearchPlan:
    """The part of `prepare` that decides the order of the hits, without its statistics.

    Args:
        opened: where to search.
        query: the query.
        vector: (d,) its unit vector.
        held_out: (n,) rows that a hubness correction is not fitted on; those of the collection
            without.
        without: id of a text that full text does not find, such as a caption that is the query.
    """
    space = opened.space
    mask = opened.collection.mask(query.filters, space.ids) if query.filters else None
    ranked = space
    if query.hub_correction:
        kind = _query_kind(space, query)
        held_out = opened.held_out() if held_out is None else held_out
        ranked = corrected(space, query.hub_correction, query_kind=kind, held_out=held_out)
    return SearchPlan(
        ranked,
        vector,
        k=query.k,
        start=query.start,
        kinds=query.kinds,
        mask=mask,
        exclude=query_rows(space, query),
        approximate=query.first_stage == "ivf",
        codes=_codes(opened, query),
        query_kind=_query_kind(space, query) or "text",
        token_index=token_candidates(opened, query) if query.first_stage == "muvera" else None,
        text_ranking=_text_ranking(opened, query, mask, without) if query.full_text else None,
        fusion=query.full_text or "rrf",
        rerank=_reranker(opened, query) if query.rerank else None,
        uncorrected=space if query.hub_correction else None,
    )


def _codes(opened: EncodedCollection, query: Query) -> CodeIndex | None:
    """Kept codes, where a query asks for them, or where some are kept of vectors on disk.

    Raises:
        InputError: a preference without codes that have attributes.
    """
    on_disk = opened.space.on_disk and not query.first_stage and has_kept_codes(opened)
    if on_disk or query.preferred or query.first_stage == "compressed":
        return replace(kept_codes(opened), preferred=query.preferred)
    return None


def _text_ranking(
    opened: EncodedCollection, query: Query, mask: Bools | None, without: str
) -> Ranked:
    """Rows that full text finds, and their scores, best first.

    What may not be found is excluded before the best are taken, lest it crowd out the rest.
    """
    space = opened.space
    may = np.zeros(space.n, bool)
    for kind in query.kinds:
        may[space.span(kind)] = True
    may = may if mask is None else may & mask
    among = None if may.all() else list(compress(space.ids, may.tolist()))
    found = opened.collection.search_text(query.text, among=among, without=without)
    hits = [(space.row[id_], score) for id_, score in found if id_ in space.row]
    return (
        np.array([row for row, _ in hits], np.int64),
        np.array([score for _, score in hits], np.float32),
    )


def _reranker(opened: EncodedCollection, query: Query) -> Callable[[Shortlist], Floats]:
    """The reranker of a query; one that compares token vectors is given them."""
    part = RERANKERS.get(query.rerank)
    if not part.traits.get("tokens"):
        return part
    stored = stored_tokens(opened)
    tokens = query_tokens(opened, query) if stored else ()
    return lambda hits: part(replace(hits, query_tokens=tokens, tokens=stored))


def _query_kind(space: Space, query: Query) -> Kind | None:
    """The modality of a query; None when it has parts of both."""
    kinds = {kind_of(space, part) for part in query.parts}
    return kinds.pop() if len(kinds) == 1 else None
