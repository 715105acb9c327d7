"""Two measurements of the same numbers side by side: which of them surely differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.types import Finding

DIFFERS = "Differs: the two intervals do not overlap."
OVERLAPS = "No difference shown: the two intervals overlap."
COMPARE_AID = (
    "Two numbers differ where their 95 % intervals do not overlap, and only there. Some numbers "
    "grow with the count of items: then look at each beside what it is compared with."
)


@dataclass(frozen=True)
class Contrast:
    """The same number of two spaces."""

    a: Finding
    b: Finding

    @property
    def differs(self) -> bool:
        """Whether the two intervals have no value in common."""
        return bool(self.a.high < self.b.low or self.b.high < self.a.low)

    @property
    def sentence(self) -> str:
        """What may be said about the two."""
        return DIFFERS if self.differs else OVERLAPS


def compare(a: Iterable[Finding], b: Iterable[Finding]) -> tuple[Contrast, ...]:
    """The numbers that both have, in the order of the first."""
    others = {(f.name, f.scope): f for f in b}
    return tuple(Contrast(f, others[f.name, f.scope]) for f in a if (f.name, f.scope) in others)
