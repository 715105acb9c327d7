"""What search, diagnostics and evaluation answer with."""

from __future__ import annotations

from dataclasses import dataclass

from core.types.arrays import Doubles, Floats, Scope, Verdict


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `p_null` is the chance that one unrelated item of its kind is this similar.

    `score` is what the hits are ordered by, higher first; `bias` is what a hub correction took off
    the cosine. `hubness` is how many times more often than average the item shows up for other
    queries; 0 unless that is clearly more than chance. `plain_rank` is the rank that the cosine
    alone would give. `match` says whether the hit passes the cut (see `Answer`).
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


@dataclass(frozen=True)
class Curve:
    """A line or histogram that belongs to a finding: x and y with their axis titles.

    `mark` is the x where the collection stands today, when that is a place on the line.
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
    """One measured number and what it means.

    `low` and `high` bound the 95 % interval: what other items of the same kind would give, and
    what a sample leaves open. `sampled` says how many rows or pairs the value came from; it starts
    with "exact" when the value holds for these items as they are.
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


@dataclass(frozen=True, slots=True)
class Score:
    """A retrieval metric with its 95 % interval and what guessing would give."""

    metric: str
    value: float
    low: float
    high: float
    chance: float
    n_queries: int
