"""What to do about a collection: the findings that are not good, by the action they ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.measure.catalog import folded, measure, title
from core.measure.findings import extremes
from core.measure.verdicts import DUPLICATES, MIX, NNN, SMALL
from core.types import SCOPE_NAMES, Finding, Ints, Verdict

Action = Literal["review", "duplicates", "correct", "groups", "read"]
# In the order in which to act: wrong data first, because it distorts what comes after.
ACTIONS: dict[str, Action] = {
    MIX: "review", DUPLICATES: "duplicates", NNN: "correct", SMALL: "groups"
}  # fmt: skip
_ORDER: tuple[Action, ...] = (*ACTIONS.values(), "read")
HEADLINE = "pair_recall"  # its number stands above the list


@dataclass(frozen=True)
class Concern:
    """Findings with one thing to do about them.

    Args:
        action: "review" pairs, look at "duplicates", "correct" hubs, look at "groups", or "read"
            what the part says.
        advice: what to do.
        lead: the finding that stands for them.
        others: further findings with the same advice.
    """

    action: Action
    advice: str
    lead: Finding
    others: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether it is to mend ("bad") or to watch."""
        bad = any(f.verdict == "bad" for f in (self.lead, *self.others))
        return "bad" if bad else "watch"

    @property
    def headline(self) -> str:
        """What is wrong: the part's words for it, or the end of the lead's sentence.

        >>> from core.types import Reference
        >>> number = (0.3, 0.2, 0.4, Reference(0, ""))
        >>> lead = Finding("text", *number, "Hubness is 0.3. Some crowd.", "", "hubness")
        >>> Concern("correct", "", lead).headline
        'Some crowd'
        """
        first, _, last = self.lead.sentence.rstrip(".").rpartition(". ")
        words: str = measure(self.lead.name).traits.get("concern", "")
        return words or (last if first else title(self.lead.name))

    def rows(self, finding: Finding, k: int) -> Ints:
        """The k rows that are most behind it, by a finding with values for single items."""
        if finding.per_item is None:
            return np.empty(0, np.int64)
        low, high = extremes(finding.per_item, k)
        return low if measure(finding.name).traits.get("worst") == "low" else high

    @property
    def about(self) -> str:
        """The lead's number against its reference: the beginning of its sentence."""
        first, _, _ = self.lead.sentence.rstrip(".").rpartition(". ")
        return f"{first or self.lead.sentence.rstrip('.')}."

    @property
    def also(self) -> str:
        """The others by name.

        >>> from core.types import Reference
        >>> other = Finding("image", 1, 1, 1, Reference(0, ""), "", "", "hubness")
        >>> Concern("correct", "", other, (other,)).also
        'Hubness (images)'
        """
        each: dict[str, list[str]] = {}
        for f in self.others:
            each.setdefault(title(f.name), []).append(SCOPE_NAMES[f.scope])
        return ", ".join(f"{name} ({', '.join(scopes)})" for name, scopes in each.items())


def concerns(findings: Iterable[Finding]) -> tuple[Concern, ...]:
    """What to mend, then what to watch, each in the order in which to act.

    Findings that only repeat a common cause (see `folded`) are left out.
    """
    known = list(findings)
    repeated = {id(f) for found in folded(known).values() for f in found}
    groups: dict[str, list[Finding]] = {}
    for finding in known:
        if finding.verdict in ("bad", "watch") and id(finding) not in repeated:
            what = measure(finding.name).traits["advice"].what
            groups.setdefault(what, []).append(finding)
    result = []
    for advice, found in groups.items():
        # What can be shown by its items stands for the rest.
        lead, *others = sorted(
            found, key=lambda f: (f.name == HEADLINE, f.verdict != "bad", f.per_item_title == "")
        )
        result.append(Concern(ACTIONS.get(advice, "read"), advice, lead, tuple(others)))
    return tuple(sorted(result, key=lambda c: (c.verdict != "bad", _ORDER.index(c.action))))
