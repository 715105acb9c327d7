"""What is likely to match one query: P(match), bands of items, and the expected number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np

from core.search.calibration import LEAST_AUC, LEAST_ITEMS, LIKELY, STRONG, Calibration
from core.search.candidates import Weighted
from core.search.null import body
from core.types import Band, Doubles, Floats


@dataclass(frozen=True)
class MatchEstimate:
    """How likely the candidates of one kind are to match a query.

    Args:
        p: P(match), the probability that at least one candidate matches, where half of all queries
            have a match; NaN where the best cosine cannot tell.
        level: below it, probably nothing matches; a share `miss` of the queries with a match is.
        strong: the least cosine of a strong match; infinite where probably nothing matches.
        likely: the least cosine of a likely match.
        counts: number of strong, likely and unlikely candidates.
        expected: number of matches, with its 80% prediction interval `low` to `high`; NaN where
            the calibration is not the collection's own.
        scale: mean and standard deviation of the query's cosines, and the best z; see
            `Calibration.p_items`.
        calibration: what all of this follows from.
    """

    p: float
    level: float
    miss: float
    strong: float
    likely: float
    counts: tuple[int, int, int]
    expected: float
    low: float
    high: float
    scale: tuple[float, float, float]
    calibration: Calibration

    @property
    def no_match(self) -> bool:
        """Whether probably nothing matches."""
        return self.p < self.level

    @property
    def probable(self) -> bool:
        """Whether a match is more likely than none."""
        return self.p >= 0.5

    @property
    def cutoff(self) -> float:
        """The best cosine below which probably nothing matches; NaN where P(match) is."""
        n = sum(self.counts)
        return self.calibration.cosine_at(self.level, n) if isfinite(self.p) else nan

    def cutoffs(self, misses: Sequence[float]) -> list[float]:
        """The cutoff if it were set to miss each of these shares; empty where there is none."""
        n, known = sum(self.counts), self.calibration
        if not isfinite(self.cutoff):
            return []
        return [known.cosine_at(known.level(miss), n) for miss in misses]

    @property
    def number(self) -> str:
        """How many candidates match, with the 80% prediction interval where there is one.

        It is expected of a query that something matches, which is said where that is not more
        likely than not. Where the calibration is not the collection's own, it is the number of
        likely and strong candidates.
        """
        if not self.calibration.own:
            return f"{self.matches:,} strong or likely"
        ends = f"{_number(self.low)} to {_number(self.high)}"
        sure = "" if self.probable else ", if anything matches"
        return f"about {_number(self.expected)} matches expected ({ends}){sure}"

    @property
    def matches(self) -> int:
        """Number of strong and likely candidates."""
        return self.counts[0] + self.counts[1]

    def band(self, cosine: float) -> Band:
        """The band of a candidate."""
        if cosine >= self.strong:
            return "strong"
        return "likely" if cosine >= self.likely else "unlikely"

    def probabilities(self, cosines: Floats) -> Doubles:
        """P(match) of candidates, given that something matches.

        NaN where the calibration is not the collection's own, or probably nothing matches.
        """
        if not self.calibration.own or self.no_match:
            return np.full(len(cosines), nan)
        mean, sd, best = self.scale
        return self.calibration.p_items((cosines.astype(np.float64) - mean) / sd, best)

    def expected_counts(self, cosines: Doubles, counts: Doubles) -> Doubles | None:
        """Expected matches in bins of candidates; None where `probabilities` has none."""
        if not self.calibration.own or self.no_match:
            return None
        return self.probabilities(cosines.astype(np.float32)) * counts

    @property
    def sentence(self) -> str:
        """P(match), the expected number of matches, and what this rests on."""
        known = f"{self.calibration.n_queries} {self.calibration.source}"
        number = f"{self.counts[0]:,} strong, {self.counts[1]:,} likely"
        if self.calibration.own:
            number = (
                f"{_number(self.expected)} expected ({_number(self.low)} to "
                f"{_number(self.high)}), {self.counts[0]:,} strong"
            )
        if not self.p >= 0:
            return f"Matches: {number}. {self.rule}"
        rejected = self.calibration.rejected(self.level)
        if self.no_match:
            right = rejected / max(rejected + self.miss, 1e-9)
            return (
                f"P(match) {self.p:.2f}, below {self.level:.2f}: probably no match. Of as many "
                f"queries with as without a match, {right:.0%} below this level have none "
                f"({known})."
            )
        return f"P(match) {self.p:.2f}; matches: {number}. {self.rule}"

    @property
    def rule(self) -> str:
        """What the level of P(match) does to known queries, or why there is none."""
        known = f"{self.calibration.n_queries} {self.calibration.source}"
        if not isfinite(self.p):
            return (
                "P(match) is not shown: the best cosine hardly separates queries with and without "
                f"a match (AUC {self.calibration.area:.2f}, {known})."
            )
        return (
            f"The level {self.level:.2f} keeps {1 - self.miss:.0%} of queries with a match and "
            f"rejects {self.calibration.rejected(self.level):.0%} of those without ({known})."
        )


def estimate_matches(
    calibration: Calibration,
    cosines: Floats,
    n: int,
    best: float,
    miss: float,
    weighted: Weighted | None = None,
) -> MatchEstimate | None:
    """The estimate for one query; None with fewer than 40 candidates.

    Args:
        calibration: for queries of this form.
        cosines: (m,) of the candidates of one kind, or of a random part of them.
        n: number of candidates of that kind.
        best: the highest cosine.
        miss: share of queries with a match that may be judged to have none, 0.05 to 0.5.
        weighted: of whose cosines matches are counted; `cosines` alone without.
    """
    if n < LEAST_ITEMS or len(cosines) < LEAST_ITEMS:
        return None
    (mean,), (sd,) = body(cosines[None])
    if sd <= 1e-9:
        return None
    top = float((best - mean) / sd)
    separates = calibration.area >= LEAST_AUC and calibration.query[1] > 0
    p = calibration.p_query(best, n) if separates else nan
    level = calibration.level(miss)
    strong, likely = (float(mean + sd * calibration.z_of(x, top)) for x in (STRONG, LIKELY))
    if p < level:
        strong = likely = inf
    elif p >= level:
        likely = min(likely, best)
    items, weights = cosines, np.full(len(cosines), n / len(cosines))
    if weighted:  # few matches of many candidates are seldom in a sample
        items, weights = weighted.cosines, weighted.weights
    expected, low, high = nan, nan, nan
    if calibration.own:
        each = calibration.p_items((items.astype(np.float64) - mean) / sd, top)
        expected = float(weights @ each)
        low, high = calibration.interval(expected)
    reach = [round(float(weights[items >= least].sum())) for least in (strong, likely)]
    return MatchEstimate(
        p,
        level,
        miss,
        strong,
        likely,
        (reach[0], reach[1] - reach[0], n - reach[1]),
        expected,
        low,
        high,
        (float(mean), float(sd), top),
        calibration,
    )


def _number(x: float) -> str:
    """A number of items, with at most two digits.

    >>> _number(0.3), _number(7.46), _number(187.0)
    ('0.3', '7', '190')
    """
    if x < 1:
        return f"{x:.1f}"
    return f"{round(x, min(0, 1 - int(np.log10(x)))):,.0f}"
