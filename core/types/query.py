"""A query: its parts, filters on what may be found, and how the results are ranked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal, get_args

from core.errors import BadParameter, InputError
from core.types.arrays import Kind, Value
from core.types.item import digest

Mix = Literal["sum", "slerp", "balanced"]
Template = Literal["", "photo", "ensemble"]
FullText = Literal["", "rrf", "sum"]
FirstStage = Literal["", "ivf", "muvera", "compressed"]
MISS = 0.05  # default of `Query.miss`: a wrong "probably no match" is worse than a missing one


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on items, built from widgets or parsed from text; never a spliced string.

    `field` is "label", "kind", "name" or an attribute; `values` are alternatives for "in" and
    "not in", one text for "contains", and (low, high) for "between" (ends included, None is open).
    """

    field: str
    op: Literal["in", "not in", "contains", "between"]
    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query: a text, the bytes of an image file, or an item of the collection.

    A negative `weight` subtracts it.
    """

    text: str = ""
    image: bytes = b""
    item: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if sum(map(bool, (self.text.strip(), self.image, self.item))) != 1:
            raise InputError("A part of a query is one text, one image or one item.")
        if not isfinite(self.weight) or not 0 < abs(self.weight) <= 100:
            raise BadParameter("weight", self.weight, "-100 to 100 without 0")


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for, among what, and how the results are ranked.

    Args:
        parts: what results should be similar to, and dissimilar where the weight is negative.
        kinds: what may be found.
        filters: conditions that all must hold.
        among: a selection as text (see `core.report.selection`), of which the hits are; "" for all.
        k: hits to return.
        start: hits to skip before the first.
        mix: how several parts become one vector: "sum", "slerp", or "balanced"; see
            `core.numerics.directions`.
        template: prompt template for short texts when searching for images; see
            `core.search.query.encode`.
        first_stage: what selects candidates: "" (the exact cosine), "ivf" (approximate, see
            `core.search.index`), "muvera" (stored token vectors, see `core.search.index.muvera`)
            or "compressed" (kept codes, see `core.search.index.compressed`).
        full_text: how hits of a full-text search are fused in: "" (not at all), "rrf" or "sum".
        hub_correction: the hubness correction by name; "" is none.
        rerank: the reranker by name; "" is none.
        miss: share of queries with a match that may be judged to have none, 0.05 to 0.5.
        preferred: (field, value) of labels and attributes that move items up, others staying; the
            kept codes must have attributes.
    """

    parts: tuple[Part, ...]
    kinds: tuple[Kind, ...] = ("image", "text")
    filters: tuple[Filter, ...] = ()
    k: int = 24
    start: int = 0
    mix: Mix = "balanced"
    template: Template = ""
    first_stage: FirstStage = ""
    full_text: FullText = ""
    hub_correction: str = ""
    rerank: str = ""
    miss: float = MISS
    among: str = ""
    preferred: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError("A query needs a text, an image or an item.")
        if all(part.weight < 0 for part in self.parts):
            raise InputError("A query needs at least one part that is not subtracted.")
        for name, known in (
            ("mix", Mix),
            ("template", Template),
            ("first_stage", FirstStage),
            ("full_text", FullText),
        ):
            value = getattr(self, name)
            if value not in get_args(known):
                raise BadParameter(name, repr(value), ", ".join(map(repr, get_args(known))))
        if not 1 <= self.k <= 1000:
            raise BadParameter("k", self.k, "1 to 1000")
        if not 0.05 <= self.miss <= 0.5:
            raise BadParameter("miss", self.miss, "0.05 to 0.5")
        if self.start < 0:
            raise BadParameter("start", self.start, "0 or more")

    @property
    def key(self) -> str:
        """Identity of the query: same key, same results from the same space."""
        plain = [replace(part, image=b"x") if part.image else part for part in self.parts]
        return digest(repr(replace(self, parts=tuple(plain))), *(p.image for p in self.parts))

    @property
    def text(self) -> str:
        """All texts with a positive weight, joined by spaces: the query of the full-text search."""
        return " ".join(part.text.strip() for part in self.parts if part.text and part.weight > 0)
