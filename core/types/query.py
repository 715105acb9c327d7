"""How to ask: the parts of a question, conditions on what may be found, and how it is ranked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal, get_args

from core.errors import BadParameter, InputError
from core.types.arrays import Kind, Value
from core.types.item import digest

Mix = Literal["sum", "slerp", "centred"]
Template = Literal["", "photo", "ensemble"]
Words = Literal["", "rrf", "sum"]
First = Literal["", "ivf", "muvera"]


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
    """One ingredient of a question: a text, a picture's file bytes, or an item of the collection.

    A negative `weight` asks for less of it.
    """

    text: str = ""
    image: bytes = b""
    item: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if sum(map(bool, (self.text.strip(), self.image, self.item))) != 1:
            raise InputError("A part of a query is one text, one picture or one item.")
        if not isfinite(self.weight) or not 0 < abs(self.weight) <= 100:
            raise BadParameter("weight", self.weight, "-100 to 100 without 0")


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, among what, and how the answers are ranked.

    Args:
        parts: what the answer should be like, and unlike where the weight is negative.
        kinds: what may be found.
        filters: conditions that all must hold.
        k: hits to return.
        start: hits to skip before the first.
        mix: how several parts become one vector: "sum", "slerp", or "centred" (balanced); see
            `core.numerics.directions`.
        template: what short texts are put into where pictures are looked for; see
            `core.search.query.encode`.
        first: what finds the candidates: "" (the cosine with the whole), "ivf" (the same among the
            nearest cells; see `core.search.index.ivf`) or "muvera" (stored token vectors; see
            `core.search.index.muvera`).
        words: how hits of a full-text search join in: "" (not), "rrf" or "sum".
        hub_correction: what takes hubs down, by name; "" is nothing.
        rerank: what orders the best hits again, by name; "" is nothing.
        expected: chance hits to leave above the cut; 0 is the usual.
        miss: share of true matches that the cut may miss, where it is learnt; 0 is the usual.
    """

    parts: tuple[Part, ...]
    kinds: tuple[Kind, ...] = ("image", "text")
    filters: tuple[Filter, ...] = ()
    k: int = 24
    start: int = 0
    mix: Mix = "centred"
    template: Template = ""
    first: First = ""
    words: Words = ""
    hub_correction: str = ""
    rerank: str = ""
    expected: float = 0.0
    miss: float = 0.0

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError("A query needs a text, a picture or an item.")
        if all(part.weight < 0 for part in self.parts):
            raise InputError("A query needs at least one part that is asked for, not only against.")
        named = ("mix", Mix), ("template", Template), ("first", First)
        for name, known in named:
            value = getattr(self, name)
            if value not in get_args(known):
                raise BadParameter(name, repr(value), ", ".join(map(repr, get_args(known))))
        if not 1 <= self.k <= 1000:
            raise BadParameter("k", self.k, "1 to 1000")
        if self.start < 0:
            raise BadParameter("start", self.start, "0 or more")
        if not 0 <= self.expected <= 100:
            raise BadParameter("expected", self.expected, "0 to 100")
        if self.miss and not 0.05 <= self.miss <= 0.9:
            raise BadParameter("miss", self.miss, "0.05 to 0.9")

    @property
    def key(self) -> str:
        """Identity of the question: same key, same answer from the same space."""
        words = [replace(part, image=b"x") if part.image else part for part in self.parts]
        return digest(repr(replace(self, parts=tuple(words))), *(p.image for p in self.parts))

    @property
    def text(self) -> str:
        """All texts that are asked for, with spaces between: what a full-text search looks for."""
        return " ".join(part.text.strip() for part in self.parts if part.text and part.weight > 0)
