"""From which cosine on a hit counts as a match; decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp

from core.search.calibration import MISSES, Calibration
from core.search.null import QueryNull
from core.types import CutoffRule, Floats, Kind, Strictness

EXPECTED = 1.0  # expected false positives: the level with the best F0.5 for common subjects


@dataclass(frozen=True)
class Cutoff:
    """The least cosine of a match, for one query.

    Two rules. "chance": about `level` unrelated items are expected at or above the cutoff (an
    E-value), by the null distribution of the query. "pairs": at most a share `level` of true
    matches lies below it, calibrated on the collection's own caption pairs.

    Args:
        rule: which of the two.
        level: expected false positives, or miss rate.
        usual: the default level of the rule here.
        cosines: by kind, the least cosine of a match.
        promise: what the rule guarantees, as a sentence.
    """

    rule: CutoffRule
    level: float
    usual: float
    cosines: Mapping[Kind, float]
    promise: str


def choose(
    nulls: Mapping[Kind, QueryNull],
    n: int,
    vector: Floats,
    calibration: Calibration | None,
    strictness: Strictness | None,
) -> Cutoff:
    """The cutoff of one query.

    A level set by the user stands alone, by the rule it belongs to. By default a match must exceed
    what the null distribution gives and, where caption pairs calibrate a useful level, that too.

    Args:
        nulls: the null distribution of the query for each kind searched.
        n: number of candidates.
        vector: (d,) the query.
        calibration: of the collection's caption pairs; None where it does not apply to this form
            of query or there are too few pairs.
        strictness: the level set by the user; None is the default. A miss rate where nothing is
            calibrated falls back to the default of the null distribution.
    """
    if strictness and strictness.rule == "pairs" and calibration:
        return by_pairs(calibration, vector, strictness.level)
    if strictness and strictness.rule == "chance":
        return by_chance(nulls, n, strictness.level)
    chance = by_chance(nulls, n)
    if calibration is None or not calibration.usual:
        return chance
    pairs = by_pairs(calibration, vector)
    if pairs.cosines["image"] > chance.cosines["image"]:
        return replace(pairs, promise=f"{pairs.promise} The null distribution alone allows more.")
    return replace(chance, promise=f"{chance.promise} The calibrated cutoff alone allows more.")


def by_chance(nulls: Mapping[Kind, QueryNull], n: int, expected: float = 0.0) -> Cutoff:
    """The cutoff with `expected` false positives among n unrelated items; 0 is the default 1."""
    level = expected or EXPECTED
    hits = f"{min(level, n):g}"
    return Cutoff(
        "chance",
        level,
        EXPECTED,
        {kind: null.cosine(level / max(n, 1)) for kind, null in nulls.items()},
        f"Expected false positives: about {hits} among {n:,} unrelated items"
        f"{_null_source(nulls, level)}.",
    )


def by_pairs(calibration: Calibration, vector: Floats, miss: float = 0.0) -> Cutoff:
    """The cutoff that misses a share `miss` of true matches; 0 is the collection's default."""
    usual = calibration.usual or MISSES[-1]
    level = min(MISSES, key=lambda known: abs(known - (miss or usual)))
    share, low, high = calibration.recall(level)
    which = "held-out" if calibration.held_out else "further"
    return Cutoff(
        "pairs",
        level,
        usual,
        {"image": calibration.cosine(vector, level)},
        f"Calibrated to keep at least {1 - level:.0%} of true matches; measured on "
        f"{len(calibration.judged):,} {which} caption pairs it keeps {share:.0%} "
        f"({low:.0%} to {high:.0%}).",
    )


def _null_source(nulls: Mapping[Kind, QueryNull], level: float) -> str:
    """What the null distribution is estimated from, and what follows: medians, not means."""
    queries = [null.tail.queries for null in nulls.values() if null.tail]
    if not queries:
        return ", assuming normal cosines: there are too few items to estimate their tail"
    return (
        f", estimated from {min(queries)} background queries, of which {exp(-level):.0%} should "
        "match nothing but their own items"
    )
