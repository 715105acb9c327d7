"""Results of search, diagnostics and evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import Literal, get_args

from core.types.arrays import Doubles, Floats, Scope, Verdict

Band = Literal["", "strong", "likely", "unlikely"]
BANDS: tuple[Band, ...] = get_args(Band)


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `p_null` is the probability that an unrelated item of its kind is as similar.

    Hits are ordered by `score`, higher first; `bias` is what a hubness correction subtracted from
    the cosine. `hubness` is how many times more often than average the item is a result of other
    queries; 0 unless that is significantly more than chance. `plain_rank` is the rank by cosine
    alone. `probability` is P(match) and `band` what follows from it, NaN and "" where nothing
    calibrates it; `match` is whether the band is strong or likely (see `core.search`).
    """

    id: str
    row: int
    rank: int
    score: float
    cosine: float
    p_null: float
    hubness: float = 0.0
    bias: float = 0.0
    plain_rank: int = 0
    match: bool = False
    band: Band = ""
    probability: float = nan


@dataclass(frozen=True)
class Curve:
    """A line or histogram that belongs to a finding: x and y with their axis titles.

    `mark` is the x of the collection as it is, when that is a point of the line.
    """

    x: Doubles
    y: Doubles
    x_title: str
    y_title: str
    log_x: bool = False
    log_y: bool = False
    mark: float | None = None


@dataclass(frozen=True)
class Reference:
    """What the value is compared with: a null model or an ideal, at the same n and d."""

    value: float
    name: str


@dataclass(frozen=True)
class Finding:
    """One measured number and its interpretation.

    `low` and `high` bound the 95 % interval. `over` says in one phrase what the interval is over,
    such as "images like these": what else could have been drawn. Both are NaN where there is no
    interval that could be trusted, as with too few items; they are equal to the value where it is
    exact. `sampled` is the number of rows or pairs the value was computed from; it starts with
    "exact" when the value holds for these items as they are.
    `detail` holds related numbers that are not needed to read the value.
    `per_item` is (n,) over the space's rows, NaN where the item was not measured.
    A part leaves `verdict` empty and `name` empty or a detail such as "rotation": its registry
    completes both. The verdict is on `yardstick` where that is not the value; NaN gives none.
    """

    scope: Scope
    value: float
    low: float
    high: float
    reference: Reference
    sentence: str
    sampled: str
    name: str = ""
    verdict: Verdict = "unknown"
    yardstick: float | None = None
    per_item: Floats | None = None
    per_item_title: str = ""
    curve: Curve | None = None
    detail: str = ""
    over: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval; an exact value has one, without width."""
        return isfinite(self.low) and isfinite(self.high)


@dataclass(frozen=True, slots=True)
class Score:
    """A retrieval metric with its 95 % interval and its chance level; NaN ends: no interval."""

    metric: str
    value: float
    low: float
    high: float
    chance: float
    n_queries: int
