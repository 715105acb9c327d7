from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, SIDES, by_count, estimate, format_value, per_item, share
from core.measure.pair_ranks import clusters
from core.measure.verdicts import NNN, Advice, Threshold
from core.numerics.neighbors import Neighbors, nearest, occurrences_without
from core.numerics.nulls import binomial_skewness
from core.numerics.sampling import thinned
from core.numerics.stats import folds, jackknife_error, normal
from core.registry import Range
from core.types import Doubles, Finding, Ints, Reference, Scope, Space

FOLDS = 25  # of the jackknife
SPARE = 10  # items in each list beyond k, for those that are left out


@diagnostic(
    title="Hubness",
    family="Neighborhoods",
    source="Radovanovic, Nanopoulos, Ivanovic. Hubs in Space: Popular Nearest Neighbors in "
    "High-Dimensional Data. JMLR 2010; Hoover 1936 (the Robin Hood index).",
    better="low",
    bounds=(-np.inf, np.inf),
    invariant=("rotation", "order"),
    aid="Number of items by how many neighbor lists they are in. Dots far to the right are hubs; "
    "items at 0 are never retrieved.",
    threshold=Threshold(
        "skewness of k-occurrence above that of random lists",
        good=1.0,
        bad=2.0,
        source="ours; Radovanovic et al. 2010 call data above 1.4 strongly hubby",
    ),
    advice=Advice(
        why="Hubs are returned for queries they are unrelated to and push relevant items down.",
        what=NNN,
    ),
    over="queries and items like these",
    vital="image",
    per_item=True,
)
def hubness(
    space: Space,
    *,
    k: Annotated[int, Range(1, 100, "neighbors in each list")] = 10,
    queries: Annotated[int, Range(100, 50_000, "lists measured, at most")] = 5000,
    candidates: Annotated[int, Range(100, 200_000, "items of a kind to choose from")] = 10_000,
) -> tuple[Finding, ...]:
    """Skewness of the k-occurrence: whether a few items dominate the neighbor lists.

    N_k counts the k-lists that an item is in; the value is its skewness. Near 0 no item is favored;
    above about 2 a few hubs are results of many queries and many items are results of none. Scope
    joint takes texts as queries and images as candidates, as search does (score biases count);
    image and text stay within one kind.

    N_k depends on the number of items: beyond `candidates` a random part is measured, so that
    collections compare. When only a part of the lists is measured, the skewness is corrected for it
    (factorial cumulants of a thinned count), while the Robin Hood index and the share of items in
    no list are upper bounds.

    Args:
        space: more than k items of one kind.
        k: neighbors; an item is never its own.
        queries: lists, drawn at random beyond.
        candidates: images, and texts, at most.

    Returns:
        A finding each for texts to images, images, texts; 0 when all N_k are equal. The interval
        is over images with their texts, as queries and as results (jackknife over 25 folds);
        none below 10 images.
        per_item: lists the item is in (scaled to all queries when a sample was measured).
        curve: number of items by N_k.

    Raises:
        TooFew: k or fewer images, and k or fewer texts.

    >>> square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    >>> hubness(Space(square, ("a", "b", "c", "d"), 4), k=3)[0].value  # every item in every list
    0.0
    """
    part, rows = thinned(space, candidates)
    sizes = {"image": part.n_images, "text": part.n - part.n_images, "joint": part.n_images}
    own = {scope: part.span(scope).stop - part.span(scope).start for scope in ("image", "text")}
    if max(own.values()) <= k:
        raise TooFew("Hubness", k + 1, "items of one kind", max(own.values()), "Add more items.")
    return tuple(
        _measure(space, rows, scope, nearest(part, *sides, k=k + SPARE, q=queries, ranked=True), k)
        for scope, sides in SIDES.items()
        if sizes[scope] > k and (scope != "joint" or own["text"] > 1)
    )


def skewness(counts: Ints | Doubles, share: float = 1.0) -> float:
    """Skewness of N_k from its counts over a share of the queries.

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
        # A sample cannot resolve less than chance variation; a ratio of noises would result.
        k2 = max(k2, f1 / 2)
    return k3 / k2**1.5 if k2 > 1e-12 else 0.0


def _measure(space: Space, rows: Ints, scope: Scope, lists: Neighbors, k: int) -> Finding:
    targets = space.span("image" if scope == "joint" else scope)
    among = rows[(rows >= targets.start) & (rows < targets.stop)]
    places = np.searchsorted(among, rows[lists.indices])
    counts = np.bincount(places[:, :k].ravel(), minlength=len(among)).astype(np.float64)
    value = skewness(counts, lists.share)
    fold = folds(clusters(space, rows), count=FOLDS)
    without = [
        skewness(c, lists.share)
        for _, c in occurrences_without(
            places, k, fold[lists.queries], fold[np.searchsorted(rows, among)]
        )
    ]
    draws = min(len(np.unique(clusters(space, of))) for of in (among, rows[lists.queries]))
    low, high = _interval(value, jackknife_error(np.array(without)), draws)
    others = lists.n_candidates - (scope != "joint")
    even = binomial_skewness(lists.n_queries, k / others) if k < others else 0.0
    kind = PLURAL["image" if scope == "joint" else scope]
    whole = lists.share == 1 and len(rows) == space.n
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "random lists of the same number and length"),
        yardstick=value - even,
        sentence=(
            f"Hubness (skewness of {k}-occurrence) {_of(scope)} is {estimate(value, low, high)}, "
            f"against {format_value(even)} for random lists. {_meaning(value - even, kind)}"
        ),
        detail=_detail(scope, counts, lists),
        sampled=(
            f"{'exact, all' if whole else 'random'} {len(places):,} lists of {k} "
            f"among {len(among):,} of {targets.stop - targets.start:,} {kind}"
        ),
        per_item=per_item(space, among, counts / lists.share),
        per_item_title=f"{k}-lists it is in",
        curve=by_count(counts, "lists an item is in", "items"),
    )


def _interval(value: float, error: float, draws: int) -> tuple[float, float]:
    """The 95% interval, on a log scale where the error is below half the value.

    Spaces that happen to have a low skewness have a low error too: over draws of a population the
    correlation is 0.6 to 0.9, and a symmetric interval would lie below the truth too often.
    """
    if not 0 < 2 * error < value:
        return normal(value, error, draws=draws)
    low, high = np.exp(normal(float(np.log(value)), error / value, draws=draws))
    return float(low), float(high)


def _meaning(excess: float, kind: str) -> str:
    if excess <= 1:
        return f"No {kind} crowd the results of unrelated queries."
    some = "A few" if excess > 2 else "Some"
    return f"{some} {kind} are results of many queries they are unrelated to."


def _of(scope: Scope) -> str:
    return "of images for text queries" if scope == "joint" else f"among {PLURAL[scope]}"


def _detail(scope: Scope, counts: Doubles, lists: Neighbors) -> str:
    mean = counts.mean()
    kind = PLURAL["image" if scope == "joint" else scope]
    robin_hood = 0.5 * np.abs(counts - mean).sum() / max(1.0, counts.sum())
    most = "at most " if lists.share < 1 else ""
    largest = format_value(float(counts.max() / max(mean, 1e-9)))
    return (
        f"The largest hub is in {largest} times as many lists as the average, "
        f"{most}{share(float((counts == 0).mean()))} of the {kind} are in none, and the Robin Hood "
        f"index is {most}{share(float(robin_hood))}."
    )
