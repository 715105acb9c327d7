"""What a query found, and whether anything of it matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import expm1, log1p

import numpy as np

from core.numerics.neighbors import nearest
from core.search.candidates import Candidates
from core.search.cutoff import Cutoff
from core.search.null import QueryNull
from core.types import Doubles, Floats, Hit, Ints, Kind, Space, per_space

FEW = 8  # items below which nothing can be told


@dataclass(frozen=True)
class SearchResult:
    """What a query found.

    `nulls`, `edges` and `counts` describe the cosines of all candidates by kind; `p_value` is the
    chance that the most similar item would be so if nothing here matched; `n` candidates were
    compared and `matches` of them reach `cutoff`, on all pages. `sentence` says whether anything
    matches and why, `how` how the hits were found; `notes` are sentences on how far to trust the
    question itself. `left` are the hits that cosine alone would have put on this page, with their
    rank and hubness there; None where nobody looked: that is a second search, made for first stages
    by tokens, hub corrections and rerankers, not for words alone.
    """

    hits: tuple[Hit, ...]
    nulls: Mapping[Kind, QueryNull]
    edges: Doubles
    counts: Mapping[Kind, Doubles]
    n: int
    p_value: float
    matches: int
    cutoff: Cutoff
    sentence: str
    how: str = ""
    left: tuple[Hit, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def no_match(self) -> bool:
        """Whether nothing here passes the cut."""
        return not self.matches


def verdict(matches: int, n: int, p_value: float, cut: Cutoff) -> str:
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


HUB_RATIO, HUB_CHANCE = 3.0, 1e-3


@per_space
def hub_ratios(space: Space) -> Floats:
    """(n,) how many times more often than average an item is among the 10 best answers.

    The other modality asks where there is one (that is how people search), else the same. 0
    where an item is no clear hub or the sample is too small to say. Score biases count.
    """
    from scipy.special import pdtrc

    ratios = np.zeros(space.n, np.float32)
    sizes: dict[Kind, int] = {"image": space.n_images, "text": space.n - space.n_images}
    for kind in sizes:
        side = space.span(kind)
        other: Kind = "text" if kind == "image" else "image"
        asker = other if sizes[other] >= 10 else kind
        if sizes[kind] < 30 or sizes[asker] < 10:
            continue
        lists = nearest(space, asker, kind, ranked=True)
        counts = np.bincount(lists.indices.ravel(), minlength=space.n)[side]
        mean = counts.mean()
        by_chance = pdtrc(np.maximum(counts - 1, 0), mean)
        hub = (counts >= HUB_RATIO * mean) & (by_chance < HUB_CHANCE)
        ratios[side] = np.where(hub, counts / mean, 0)
    return ratios


def make_hits(
    found: Candidates,
    nulls: Mapping[Kind, QueryNull],
    cut: Cutoff,
    rows: Ints,
    scores: Floats,
    start: int,
) -> tuple[Hit, ...]:
    """Hits of these rows, in this order; the first has rank `start` + 1."""
    space, hubs = found.space, hub_ratios(found.space)
    cosines = found.cosines(rows)
    p_of = {kind: null.p(cosines) for kind, null in nulls.items()}
    all_of = zip(rows.tolist(), scores.tolist(), cosines.tolist(), strict=True)
    told = []
    for place, (row, score, cosine) in enumerate(all_of):
        kind: Kind = "image" if row < space.n_images else "text"
        told.append(
            Hit(
                space.ids[row],
                row,
                start + place + 1,
                score,
                cosine,
                float(p_of[kind][place]),
                float(hubs[row]),
                float(space.offset[row]),
                found.rank(cosine),
                bool(cosine >= cut.cosines[kind]),
            )
        )
    return tuple(told)


def best_p_value(
    cosine: Floats,
    rows: Ints,
    nulls: Mapping[Kind, QueryNull],
    n_images: int,
    n: int,
) -> float:
    """Chance that the best of n unrelated items would be as similar as the first of these rows."""
    if not len(rows):
        return 1.0
    kind: Kind = "image" if rows[0] < n_images else "text"
    p = float(nulls[kind].p(cosine)[0])
    return -expm1(n * log1p(-p)) if p < 1 else 1.0


def compare_rankings(answer: SearchResult, plain: SearchResult) -> SearchResult:
    """The answer with what the plain one shows and this one does not as `left`."""
    shown = {hit.id for hit in answer.hits}
    return replace(answer, left=tuple(hit for hit in plain.hits if hit.id not in shown))


def describe_changes(answer: SearchResult) -> str:
    """What changed on this page, in words; "" where nobody looked."""
    if answer.left is None or not answer.hits:
        return ""
    first, last = answer.hits[0].rank, answer.hits[-1].rank
    kept = [hit for hit in answer.hits if first <= hit.plain_rank <= last]
    up = sum(hit.rank < hit.plain_rank for hit in kept)
    down = sum(hit.rank > hit.plain_rank for hit in kept)
    hubs = sum(hit.hubness > 0 for hit in answer.left)
    return (
        f"Against cosine alone {len(answer.left)} of {len(answer.hits)} hits left this page, "
        f"{hubs} of them {'a hub' if hubs == 1 else 'hubs'}; of those that stayed {up} moved up "
        f"and {down} moved down."
    )
