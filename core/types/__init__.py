"""The nouns. Frozen; checked once on construction, trusted everywhere else."""

from core.types.arrays import Bools, Doubles, Floats, Ints, Kind, Progress, Scope, Value, Verdict
from core.types.cache import SpaceCache, per_space
from core.types.items import Item, Passport, Refusal, digest
from core.types.queries import Filter, First, Mix, Part, Query, Template, Words
from core.types.results import Curve, Finding, Hit, Reference, Score
from core.types.space import Space
from core.types.tokens import StoredTokens, Tokens, added_up

__all__ = [
    "Bools",
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
    "Progress",
    "Query",
    "Reference",
    "Refusal",
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
    "per_space",
]
