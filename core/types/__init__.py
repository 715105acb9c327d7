"""The nouns every package uses: frozen, checked once on construction."""

from core.types.arrays import (
    KINDS,
    SCOPE_NAMES,
    Bools,
    Doubles,
    Floats,
    Ints,
    Kind,
    Progress,
    Scope,
    Value,
    Verdict,
)
from core.types.attributes import Attributes
from core.types.cache import SpaceCache, per_array, per_space
from core.types.item import Item, Passport, Rejected, digest
from core.types.query import (
    MISS,
    Filter,
    FirstStage,
    FullText,
    Mix,
    Part,
    Query,
    Template,
)
from core.types.result import BANDS, Band, Curve, Finding, Hit, Reference, Score
from core.types.space import Space, StoredRows, check_unit_rows
from core.types.tokens import (
    Clusters,
    Pooling,
    StoredTokens,
    Tokens,
    additive_tokens,
    is_content_word,
)

__all__ = [
    "BANDS",
    "KINDS",
    "MISS",
    "SCOPE_NAMES",
    "Attributes",
    "Band",
    "Bools",
    "Clusters",
    "Curve",
    "Doubles",
    "Filter",
    "Finding",
    "FirstStage",
    "Floats",
    "FullText",
    "Hit",
    "Ints",
    "Item",
    "Kind",
    "Mix",
    "Part",
    "Passport",
    "Pooling",
    "Progress",
    "Query",
    "Reference",
    "Rejected",
    "Scope",
    "Score",
    "Space",
    "SpaceCache",
    "StoredRows",
    "StoredTokens",
    "Template",
    "Tokens",
    "Value",
    "Verdict",
    "additive_tokens",
    "check_unit_rows",
    "digest",
    "is_content_word",
    "per_array",
    "per_space",
]
