from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, format_value, per_item
from core.measure.verdicts import NNN, Advice, Threshold
from core.numerics.neighbors import Neighbors, Side, nearest
from core.numerics.nulls import binomial_skewness
from core.numerics.sampling import thinned
from core.numerics.stats import normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Ints, Reference, Scope, Space

GROUPS = 20  # of queries, left out in turn for the interval
SIDES: dict[Scope, tuple[Side, Side]] = {
    "joint": ("text", "image"),
    "image": ("image", "image"),
    "text": ("text", "text"),
}


@diagnostic(
    title="Hubness",
    family="Neighbourhoods",
    source="Radovanovic, Nanopoulos, Ivanovic. Hubs in Space: Popular Nearest Neighbors in "
    "High-Dimensional Data. JMLR 2010; Hoover 1936 (the Robin Hood index).",
    better="low",
    bounds=(-np.inf, np.inf),
    invariant=("rotation", "order"),
    aid="How many items are in how many neighbour lists. Dots far to the right are hubs that "
    "crowd everybody's results; those at 0 are never found.",
    threshold=Threshold(
        "skewness of k-occurrence",
        good=1.0,
        bad=2.0,
        source="ours; Radovanovic et al. 2010 call data above 1.4 strongly hubby",
    ),
    advice=Advice(
        why="Hubs answer questions they have nothing to do with and push the right items down.",
        what=NNN,
    ),
    vital="image",
    per_item=True,
)
def hubness(
    space: Space,
    *,
    k: Annotated[int, Range(1, 100, "neighbours in each list")] = 10,
    queries: Annotated[int, Range(100, 50_000, "lists looked at, at most")] = 5000,
    candidates: Annotated[int, Range(100, 200_000, "items of a kind to choose from")] = 10_000,
) -> tuple[Finding, ...]:
    """Whether a few items turn up in everybody's neighbour lists.

    N_k counts the k-lists that an item is in; the value is its skewness. Near 0 no item is
    favoured; above about 2 a few hubs answer many queries and many items answer none. Scope joint
    asks with texts for images, as search does (score biases count); image and text ask within one
    kind.

    N_k depends on how many items there are: beyond `candidates` a random part is measured, so that
    collections compare. When not every list is looked at, the skewness is corrected for it
    (factorial cumulants of a thinned count), while the Robin Hood index and the share of items in
    no list can only be given as upper bounds.

    Args:
        space: more than k items of one kind.
        k: neighbours; an item is never its own.
        queries: lists, drawn at random beyond.
        candidates: images, and texts, at most.

    Returns:
        A finding each for texts to images, images, texts; 0 when all N_k are equal. The interval
        is over queries (jackknife).
        per_item: lists the item is in (estimated for all queries when a part was asked).
        curve: number of items by N_k.

    Raises:
        TooFew: k or fewer images, and k or fewer texts.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> hubness(Space(square, ("a", "b", "c", "d"), 4), k=3)[0].value  # everyone in every list
    0.0
    """
    part, rows = thinned(space, candidates)
    sizes = {"image": part.n_images, "text": part.n - part.n_images, "joint": part.n_images}
    asked = {scope: part.span(scope).stop - part.span(scope).start for scope in ("image", "text")}
    if max(asked.values()) <= k:
        raise TooFew("Hubness", k + 1, "items of one kind", max(asked.values()), "Add more items.")
    return tuple(
        _measure(space, rows, scope, nearest(part, *sides, k=k, q=queries, ranked=True))
        for scope, sides in SIDES.items()
        if sizes[scope] > k and (scope != "joint" or asked["text"] > 1)
    )


def skewness(counts: Ints | Doubles, share: float = 1.0) -> float:
    """Skewness of N_k from the counts that a share of the queries gave.

    >>> round(skewness(np.array([10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])), 6)  # a star
    2.796824
    """
    c1 = float(counts.mean())
    off = counts - c1
    c2, c3 = float((off**2).mean()), float((off**3).mean())
    f1, f2 = c1 / share, (c2 - c1) / share**2
    k2 = f2 + f1
    k3 = (c3 - 3 * c2 + 2 * c1) / share**3 + 3 * k2 - 2 * f1
    if share < 1:
        # Evener than chance is beyond what a sample can resolve; a ratio of noises would result.
        k2 = max(k2, f1 / 2)
    return k3 / k2**1.5 if k2 > 1e-12 else 0.0


def _measure(space: Space, rows: Ints, scope: Scope, lists: Neighbors) -> Finding:
    k = lists.indices.shape[1]
    found = rows[lists.indices]
    targets = space.span("image" if scope == "joint" else scope)
    among = rows[(rows >= targets.start) & (rows < targets.stop)]
    counts = _count(found, among)
    value = skewness(counts, lists.share)
    low, high = normal(value, _error(found, among, counts, lists.share))
    others = lists.n_candidates - (scope != "joint")
    even = binomial_skewness(lists.n_queries, k / others) if k < others else 0.0
    kind = PLURAL["image" if scope == "joint" else scope]
    whole = lists.share == 1 and len(rows) == space.n
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "nobody favoured"),
        sentence=_sentence(scope, format_value(value, low, high), even, counts, lists),
        sampled=(
            f"{'exact, all' if whole else 'random'} {len(found):,} lists of {k} "
            f"among {len(among):,} of {targets.stop - targets.start:,} {kind}"
        ),
        per_item=per_item(space, among, counts / lists.share),
        per_item_title=f"{k}-lists it is in",
        curve=_by_count(counts),
    )


def _count(found: Ints, among: Ints) -> Doubles:
    """How often each row of `among` (sorted) is in the lists."""
    place = np.searchsorted(among, found.ravel())
    return np.bincount(place, minlength=len(among)).astype(np.float64)


def _error(found: Ints, among: Ints, counts: Doubles, share: float) -> float:
    """Standard error over queries: the jackknife that leaves out one group at a time."""
    groups = min(GROUPS, len(found))
    if groups < 2:
        return 0.0
    parts = [found[g::groups] for g in range(groups)]
    without = np.array(
        [skewness(counts - _count(p, among), share * (1 - len(p) / len(found))) for p in parts]
    )
    return float(np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum()))


def _sentence(scope: Scope, number: str, even: float, counts: Doubles, lists: Neighbors) -> str:
    mean = counts.mean()
    kind = "images" if scope == "joint" else PLURAL[scope]
    robin_hood = 0.5 * np.abs(counts - mean).sum() / max(1.0, counts.sum())
    most = "at most " if lists.share < 1 else ""
    asker = "When texts ask for images" if scope == "joint" else f"Among {kind}"
    return (
        f"{asker}, list membership has a skewness of {number}; {even:.2f} if nobody were favoured. "
        f"The busiest is in {counts.max() / max(mean, 1e-9):.0f} times as many lists as the "
        f"average, {most}{(counts == 0).mean():.0%} of the {kind} are in none, and {most}"
        f"{robin_hood:.0%} of all places would have to move to be even (Robin Hood index)."
    )


def _by_count(counts: Doubles) -> Curve:
    sizes, items = np.unique(counts, return_counts=True)
    return Curve(sizes, items.astype(np.float64), "lists an item is in", "items", log_y=True)
