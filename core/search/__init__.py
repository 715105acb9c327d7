"""From a query to ranked results, and how far to trust them."""

from core.search.answer import SearchResult, compare_rankings, describe_changes
from core.search.background_queries import background_queries
from core.search.calibration import Calibration, calibrate
from core.search.cutoff import Cutoff, by_pairs
from core.search.engine import search
from core.search.explanation import Competitor, ExplainedQuery, Explanation, explain
from core.search.index.muvera import TokenCandidates
from core.search.index.two_bit import pays
from core.search.query.encode import (
    encoder_for,
    label_vectors,
    query_rows,
    query_vector,
    query_vectors,
    query_warnings,
    resolve_id,
)
from core.search.query.filters import format_filters, parse_filters
from core.search.query.formula import format_query, parse_query
from core.search.query.mix import kind_of
from core.search.query.tokens import query_tokens, stored_tokens, token_candidates, token_warnings
from core.search.rerankers import RERANKERS, Shortlist
from core.search.zero_shot import (
    DEFAULT_SCALE,
    LabelAnswer,
    LabelScores,
    LabelSet,
    LabelTree,
    flat_labels,
    label_set,
    label_tree,
    rank_labels,
    score_labels,
)

__all__ = [
    "DEFAULT_SCALE",
    "RERANKERS",
    "Calibration",
    "Competitor",
    "Cutoff",
    "ExplainedQuery",
    "Explanation",
    "LabelAnswer",
    "LabelScores",
    "LabelSet",
    "LabelTree",
    "SearchResult",
    "Shortlist",
    "TokenCandidates",
    "background_queries",
    "by_pairs",
    "calibrate",
    "compare_rankings",
    "describe_changes",
    "encoder_for",
    "explain",
    "flat_labels",
    "format_filters",
    "format_query",
    "kind_of",
    "label_set",
    "label_tree",
    "label_vectors",
    "parse_filters",
    "parse_query",
    "pays",
    "query_rows",
    "query_tokens",
    "query_vector",
    "query_vectors",
    "query_warnings",
    "rank_labels",
    "resolve_id",
    "score_labels",
    "search",
    "stored_tokens",
    "token_candidates",
    "token_warnings",
]
