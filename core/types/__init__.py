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
from core.types.query import Filter, First, Mix, Part, Query, Template, Words
from core.types.result import Curve, Finding, Hit, Reference, Score
from core.types.space import Space
from core.types.tokens import Clusters, Pooling, StoredTokens, Tokens, added_up, named, shows

__all__ = [
    "KINDS",
    "Bools",
    "Clusters",
    "Curve",
    "Doubles",
    "Filter",
    "Finding",
    "First",
    "Floats",
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
    "Template",
    "Tokens",
    "Value",
    "Verdict",
    "Words",
    "added_up",
    "digest",
    "named",
    "per_space",
    "shows",
]
