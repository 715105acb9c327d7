"""Results of search, diagnostics and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite, nan
from typing import Any, Literal, get_args

import numpy as np

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the inverse of `from_dict`."""
        return {**asdict(self), "x": _plain(self.x), "y": _plain(self.y)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Curve:
        """The curve of plain values.

        >>> line = Curve(np.array([1.0]), np.array([nan]), "k", "recall")
        >>> line.to_dict()["y"], Curve.from_dict(line.to_dict()).y
        ([None], array([nan]))
        """
        return cls(**{**plain, "x": _array(plain["x"]), "y": _array(plain["y"])})


@dataclass(frozen=True)
class Reference:
    """What the value is compared with: a null model or an ideal, at the same n and d."""

    value: float
    name: str


@dataclass(frozen=True)
class Finding:
    """One measured number and its interpretation.

    `low` and `high` bound the 95% interval. `over` says in one phrase what the interval is over,
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without `yardstick`: the verdict is there.

        NaN and infinity, which JSON does not have, become null.
        """
        plain = asdict(self)
        del plain["yardstick"]
        for name in ("value", "low", "high"):
            plain[name] = _plain(plain[name])
        plain["reference"]["value"] = _plain(self.reference.value)
        plain["per_item"] = None if self.per_item is None else _plain(self.per_item)
        plain["curve"] = None if self.curve is None else self.curve.to_dict()
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Finding:
        """The finding of plain values; null is NaN.

        >>> one = Finding("image", 0.1, nan, nan, Reference(nan, "none"), "One.", "exact")
        >>> Finding.from_dict(one.to_dict()).to_dict() == one.to_dict()
        True
        """
        numbers = {name: _number(plain[name]) for name in ("value", "low", "high")}
        known, line, values = plain["reference"], plain["curve"], plain["per_item"]
        reference = Reference(_number(known["value"]), known["name"])
        return cls(
            **{
                **plain,
                **numbers,
                "reference": reference,
                "curve": Curve.from_dict(line) if line else None,
                "per_item": None if values is None else _array(values).astype(np.float32),
            }
        )


def _plain(values: Any) -> Any:
    """A number, or a list of numbers, where what is not finite is None."""
    if isinstance(values, np.ndarray):
        return [x if isfinite(x) else None for x in values.tolist()]
    return float(values) if isfinite(values) else None


def _number(value: float | None) -> float:
    return nan if value is None else value


def _array(values: list[float | None]) -> Doubles:
    return np.array(values, np.float64)


@dataclass(frozen=True, slots=True)
class Score:
    """A retrieval metric with its 95% interval and its chance level; NaN ends: no interval."""

    metric: str
    value: float
    low: float
    high: float
    chance: float
    n_queries: int
