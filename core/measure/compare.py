"""Two measurements of the same quantities: which of them differ significantly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.types import Finding

DIFFERS = "Differs: the two intervals do not overlap."
OVERLAPS = "No difference shown: the two intervals overlap."
UNKNOWN = "No difference shown: there is no interval for one of them."
COMPARE_AID = (
    "Two values differ where their 95 % intervals do not overlap, and only there. Some values "
    "grow with the number of items: compare those with their references."
)


@dataclass(frozen=True)
class Contrast:
    """The same quantity in two spaces."""

    a: Finding
    b: Finding

    @property
    def differs(self) -> bool:
        """Whether the two intervals have no value in common."""
        return bool(self.a.high < self.b.low or self.b.high < self.a.low)  # False for NaN

    @property
    def sentence(self) -> str:
        """Whether the two differ."""
        if not (self.a.has_interval and self.b.has_interval):
            return UNKNOWN
        return DIFFERS if self.differs else OVERLAPS


def compare(a: Iterable[Finding], b: Iterable[Finding]) -> tuple[Contrast, ...]:
    """The findings that both have, in the order of the first."""
    others = {(f.name, f.scope): f for f in b}
    return tuple(Contrast(f, others[f.name, f.scope]) for f in a if (f.name, f.scope) in others)
