"""What a query found, and whether anything of it stands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.search.null import Null
from core.types import Doubles, Hit, Kind


@dataclass(frozen=True)
class Answer:
    """What a query found.

    `nulls`, `edges` and `counts` describe the cosines of all candidates by kind; `p_value` is the
    chance that the best hit would be this good if nothing here matched; `n` candidates were
    compared. `sentence` says whether anything stands out, `how` how the hits were found;
    `notes` are sentences on how far to trust the question itself.
    `left` are the hits that cosine alone would have put on this page, with their rank and hubness
    there; None where cosine alone ranked.
    """

    hits: tuple[Hit, ...]
    nulls: Mapping[Kind, Null]
    edges: Doubles
    counts: Mapping[Kind, Doubles]
    n: int
    p_value: float
    sentence: str
    how: str = ""
    left: tuple[Hit, ...] | None = None
    notes: tuple[str, ...] = ()


def stands_out(p_value: float, n: int) -> str:
    """Whether the best of n stands out, in words."""
    if not n:
        return "Nothing to compare with: no item passes the filters."
    if n < 8:
        return f"Only {n} items to compare with: too few to say whether any of them matches."
    chance = _percent(p_value)
    if p_value < 0.05:
        return f"The best hit stands out: among {n:,} unrelated items the chance is {chance}."
    return (
        f"Nothing stands out: the best of {n:,} unrelated items would be this similar "
        f"with a chance of {chance}."
    )


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
