"""What a query found, and whether anything of it matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.search.cut import Cut
from core.search.null import Null
from core.types import Doubles, Hit, Kind

FEW = 8  # items below which nothing can be told


@dataclass(frozen=True)
class Answer:
    """What a query found.

    `nulls`, `edges` and `counts` describe the cosines of all candidates by kind; `p_value` is the
    chance that the most similar item would be so if nothing here matched; `n` candidates were
    compared and `matches` of them pass `cut`, on all pages. `sentence` says whether anything
    matches and why, `how` how the hits were found; `notes` are sentences on how far to trust the
    question itself. `left` are the hits that cosine alone would have put on this page, with their
    rank and hubness there; None where nobody looked: that is a second search, made for first stages
    by tokens, hub corrections and rerankers, not for words alone.
    """

    hits: tuple[Hit, ...]
    nulls: Mapping[Kind, Null]
    edges: Doubles
    counts: Mapping[Kind, Doubles]
    n: int
    p_value: float
    matches: int
    cut: Cut
    sentence: str
    how: str = ""
    left: tuple[Hit, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def no_match(self) -> bool:
        """Whether nothing here passes the cut."""
        return not self.matches


def verdict(matches: int, n: int, p_value: float, cut: Cut) -> str:
    """Whether anything of n candidates matches, and why, in words."""
    if not n:
        return "Nothing to compare with: no item passes the filters."
    if matches:
        return f"{counted(matches)} of {n:,}. {cut.promise}"
    if n < FEW:
        items = "1 item" if n == 1 else f"{n} items"
        return f"Only {items} to compare with: too few to say whether anything matches."
    if cut.rule == "pairs":
        return f"Nothing here matches: no picture reaches the cut. {cut.promise}"
    return (
        f"Nothing here matches: the best of {n:,} unrelated items would be this similar with a "
        f"chance of {_percent(p_value)}."
    )


def counted(matches: int) -> str:
    """A number of matches in words.

    >>> counted(1), counted(1200)
    ('1 match', '1,200 matches')
    """
    return "1 match" if matches == 1 else f"{matches:,} matches"


def _percent(p: float) -> str:
    """A chance in words that claim no more than is known.

    >>> _percent(0.00001), _percent(0.034), _percent(0.26), _percent(0.999)
    ('less than 0.1 %', '3.4 %', '26 %', 'more than 99 %')
    """
    if p < 0.001:
        return "less than 0.1 %"
    if p > 0.99:
        return "more than 99 %"
    return f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"
