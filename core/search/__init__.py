"""From a query to ranked results, and how far to trust them."""

from core.search.engine import rank, run, search
from core.search.example_queries import example_queries
from core.search.explanation import Competitor, ExplainedQuery, Explanation, explain
from core.search.index.compressed import CodeIndex, codes_key, kept_codes, kept_name
from core.search.index.faiss_ivf import indexed_kinds, ivf_index
from core.search.index.two_bit import pays
from core.search.match_estimate import MatchEstimate
from core.search.plan import SearchPlan, prepare, prepare_ranking
from core.search.query.encode import encode, encoder_for, label_vectors, query_rows, resolve_id
from core.search.query.filters import format_filters, parse_filters, read_number
from core.search.query.formula import format_query, parse_query
from core.search.rerankers import RERANKERS
from core.search.result import SearchResult, describe_changes, hub_ratios
from core.search.vocabulary import vocabulary, word_vectors
from core.search.zero_shot import (
    DEFAULT_SCALE,
    LabelRanking,
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
    "CodeIndex",
    "Competitor",
    "ExplainedQuery",
    "Explanation",
    "LabelRanking",
    "LabelScores",
    "LabelSet",
    "LabelTree",
    "MatchEstimate",
    "SearchPlan",
    "SearchResult",
    "codes_key",
    "describe_changes",
    "encode",
    "encoder_for",
    "example_queries",
    "explain",
    "flat_labels",
    "format_filters",
    "format_query",
    "hub_ratios",
    "indexed_kinds",
    "ivf_index",
    "kept_codes",
    "kept_name",
    "label_set",
    "label_tree",
    "label_vectors",
    "parse_filters",
    "parse_query",
    "pays",
    "prepare",
    "prepare_ranking",
    "query_rows",
    "rank",
    "rank_labels",
    "read_number",
    "resolve_id",
    "run",
    "score_labels",
    "search",
    "vocabulary",
    "word_vectors",
]
