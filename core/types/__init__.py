"""The nouns. Frozen; checked once on construction, trusted everywhere else."""

from core.types.arrays import (
    KINDS,
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
from core.types.cache import SpaceCache, per_space
from core.types.item import Item, Passport, Rejected, digest
from core.types.query import (
    CutoffRule,
    Filter,
    FirstStage,
    FullText,
    Mix,
    Part,
    Query,
    Strictness,
    Template,
)
from core.types.result import Curve, Finding, Hit, Reference, Score
from core.types.space import Space
from core.types.tokens import Clusters, Pooling, StoredTokens, Tokens, added_up, named, shows

__all__ = [
    "KINDS",
    "Bools",
    "Clusters",
    "Curve",
    "CutoffRule",
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
    "StoredTokens",
    "Strictness",
    "Template",
    "Tokens",
    "Value",
    "Verdict",
    "added_up",
    "digest",
    "named",
    "per_space",
    "shows",
]
