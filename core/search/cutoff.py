"""From which cosine on a hit is a match: by what chance would give, or learnt from pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp
from typing import Literal

from core.search.calibration import MISSES, Calibration
from core.search.null import QueryNull
from core.types import Floats, Kind

EXPECTED = 1.0  # chance hits in an answer: the level with the best F0.5 for common subjects


@dataclass(frozen=True)
class Cutoff:
    """Where the matches of one query end.

    Two rules. "chance": about `level` unrelated items are expected at or above the cut (an
    E-value), as other queries of the same form find. "pairs": at most a share `level` of true
    matches lies below it, learnt from the collection's own pairs.

    Args:
        rule: which of the two.
        level: expected chance hits, or miss rate.
        usual: the level when none is asked for.
        cosines: by kind, the least cosine of a match.
        promise: what the rule promises, as a sentence.
    """

    rule: Literal["chance", "pairs"]
    level: float
    usual: float
    cosines: Mapping[Kind, float]
    promise: str


def by_chance(nulls: Mapping[Kind, QueryNull], n: int, expected: float = 0.0) -> Cutoff:
    """The cut above which `expected` of n unrelated items would lie; 0 is the usual 1."""
    level = expected or EXPECTED
    hits = f"{min(level, n):g}"
    return Cutoff(
        "chance",
        level,
        EXPECTED,
        {kind: null.cosine(level / max(n, 1)) for kind, null in nulls.items()},
        f"Of {n:,} unrelated items about {hits} would pass by chance{_told(nulls, level)}.",
    )


def _told(nulls: Mapping[Kind, QueryNull], level: float) -> str:
    """Which sample a null comes from, and what is promised of it: medians, not means."""
    queries = [null.shape.queries for null in nulls.values() if null.shape]
    if not queries:
        return ", if their cosines are normal: there are too few items to ask"
    return (
        f": of {min(queries)} other questions made of this collection's items "
        f"{exp(-level):.0%} should find nothing but their own"
    )


def by_pairs(learnt: Calibration, vector: Floats, miss: float = 0.0) -> Cutoff:
    """The cut that misses a share `miss` of true pictures; 0 is the usual of the collection."""
    usual = learnt.usual or MISSES[-1]
    level = min(MISSES, key=lambda known: abs(known - (miss or usual)))
    share, low, high = learnt.kept(level)
    which = "held-out" if learnt.held_out else "further"
    return Cutoff(
        "pairs",
        level,
        usual,
        {"image": learnt.cosine(vector, level)},
        f"Set to keep at least {1 - level:.0%} of true matches; of {len(learnt.judged):,} {which} "
        f"captions' pictures it keeps {share:.0%} ({low:.0%} to {high:.0%}).",
    )


def higher(chance: Cutoff, learnt: Cutoff | None) -> Cutoff:
    """The higher of two cuts for pictures, so that both are reached by what it lets pass."""
    if learnt is None:
        return chance
    if learnt.cosines["image"] > chance.cosines["image"]:
        also = "What chance would give lies below it."
        return replace(learnt, promise=f"{learnt.promise} {also}")
    also = "The cut learnt from pairs lies below it."
    return replace(chance, promise=f"{chance.promise} {also}")
