"""The nouns. Frozen; checked once on construction, trusted everywhere else."""

from core.types.arrays import Bools, Doubles, Floats, Ints, Kind, Progress, Scope, Value, Verdict
from core.types.items import Filter, Item, Passport, Query, Refusal, digest
from core.types.results import Curve, Finding, Hit, Reference, Score
from core.types.space import Space, SpaceCache, per_space

__all__ = [
    "Bools",
    "Curve",
    "Doubles",
    "Filter",
    "Finding",
    "Floats",
    "Hit",
    "Ints",
    "Item",
    "Kind",
    "Passport",
    "Progress",
    "Query",
    "Reference",
    "Refusal",
    "Scope",
    "Score",
    "Space",
    "SpaceCache",
    "Value",
    "Verdict",
    "digest",
    "per_space",
]
