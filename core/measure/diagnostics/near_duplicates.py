from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, histogram, per_item, percent, scopes, share
from core.measure.pair_ranks import clusters
from core.measure.verdicts import DUPLICATES, Advice, Threshold
from core.numerics.neighbors import TIE, Neighbors, have_copies, nearest
from core.numerics.nulls import cap_share
from core.numerics.stats import folds, share_interval, two_way_error
from core.registry import Range
from core.types import Finding, Kind, Reference, Space

LISTED = 20  # neighbors listed: those that are left if one is left out
FEWEST = 500  # items sampled whatever they cost
FEW = 0.02  # share of items up to which near-duplicates do no harm
CROWDED = "Near-duplicates crowd the first page of results."
SPREAD = "The first page of results is not crowded by near-duplicates."


@diagnostic(
    title="Near-duplicates",
    family="Neighborhoods",
    source="Abbas, Tirumala, Simig, Ganguli, Morcos. SemDeDup: Data-efficient learning at "
    "web-scale through semantic deduplication. 2023.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Cosine of each item with its nearest neighbor. A peak at 1 is near-duplicates.",
    percent=True,
    threshold=Threshold(
        "share of items with a near-duplicate above that of a uniform distribution",
        good=FEW,
        bad=0.2,
        source="ours",
    ),
    advice=Advice(
        why="Near-duplicates fill the first page of results with one image and make recall look "
        "worse than it is.",
        what=DUPLICATES,
    ),
    over="items like these",
    vital="image",
    per_item=True,
)
def near_duplicates(
    space: Space,
    *,
    threshold: Annotated[
        float, Range(0.5, 1.0, "cosine from which two items are near-duplicates")
    ] = 0.97,
    queries: Annotated[int, Range(100, 100_000, "items sampled, at most")] = 2000,
    budget: Annotated[float, Range(1e-4, 1e7, "billions of operations for each kind")] = 500.0,
) -> tuple[Finding, ...]:
    """Share of items with a near-duplicate of their kind.

    An item counts when the cosine with its nearest neighbor reaches the threshold. 0 when there are
    no near-duplicates. Each sampled item is compared with all others. Which cosine means a
    duplicate depends on the encoder: inspect the histogram, and a few pairs, before deleting
    anything.

    Args:
        space: at least two items of one kind.
        threshold: cosine from which two items are near-duplicates.
        queries: items sampled; random ones beyond, and fewer where 2 q n d operations are more
            than the budget (from 250,000 items of 512 dimensions), but not below 500.
        budget: raise it, and queries, for a narrower interval.

    Returns:
        A finding each for images and texts. The interval is over other items of the same kind,
        where those that belong to one image are one draw. The detail counts exact copies:
        identical vectors, and identical files that an ingest stored once.
        per_item: cosine with the nearest other item of its kind.
        curve: histogram of those.

    Raises:
        TooFew: fewer than two images and fewer than two texts.

    >>> rows = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], np.float32)
    >>> near_duplicates(Space(rows, ("a", "b", "c", "d"), 4))[0].value  # a and b
    0.5
    """
    kinds: list[Kind] = ["image", "text"]
    large = scopes(space, 2, "Finding near-duplicates")
    return tuple(
        _measure(space, kind, threshold, queries, budget) for kind in kinds if kind in large
    )


def _measure(space: Space, kind: Kind, threshold: float, queries: int, budget: float) -> Finding:
    span = space.span(kind)
    affordable = int(budget * 1e9 / (2.0 * (span.stop - span.start) * space.d))
    lists = nearest(space, kind, kind, k=LISTED, q=min(queries, max(FEWEST, affordable)))
    cosines, n = lists.cosines[:, 0], lists.n_candidates
    value, low, high = _share(space, lists, threshold)
    chance = float(-np.expm1((n - 1) * np.log1p(-min(cap_share(threshold, space.d), 1 - 1e-12))))
    kinds = PLURAL[kind]
    return Finding(
        scope=kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(chance, "uniform on the sphere, same n and d"),
        yardstick=max(0.0, value - chance),
        sentence=(
            f"The near-duplicate share of the {kinds} (cosine of {threshold:g} or more) is "
            f"{percent(value, low, high)}, against {share(chance)} for a uniform distribution. "
            f"{CROWDED if value - chance > FEW else SPREAD}"
        ),
        detail=_copies(space, lists),
        sampled=(
            f"{'exact, all' if lists.share == 1 else 'random'} {len(cosines):,} of {n:,} {kinds}, "
            "each compared with all"
        ),
        per_item=per_item(space, lists.queries, cosines),
        per_item_title="cosine with its nearest neighbor",
        curve=histogram(cosines, "cosine with the nearest neighbor", "items"),
    )


def _share(space: Space, lists: Neighbors, threshold: float) -> tuple[float, float, float]:
    """The share with its interval: an item and its near-duplicates are drawn anew."""
    near = lists.cosines >= threshold - TIE
    cluster = clusters(space, np.arange(space.n))
    fold = folds(cluster)
    number = int(fold.max()) + 1
    in_fold = np.zeros((len(near), number), np.int64)
    query, column = np.nonzero(near)
    np.add.at(in_fold, (query, fold[lists.indices[query, column]]), 1)
    hits, without = near[:, 0].astype(float), in_fold.sum(axis=1)[:, None] > in_fold
    kept = fold[lists.queries][:, None] != np.arange(number)
    error = two_way_error(hits, without.astype(float), kept, cluster[lists.queries])
    value = float(hits.mean())
    return value, *share_interval(value, error, cluster[lists.queries])


def _copies(space: Space, lists: Neighbors) -> str:
    copied, what = have_copies(space.vectors, lists), "an identical vector"
    if len(space.copies) and space.copies[lists.queries].any():
        copied = copied | (space.copies[lists.queries] > 0)
        what += ", or identical files that were stored once"
    some = int(copied.sum())
    if not some:
        return f"No item of the {len(lists.queries):,} has an exact copy ({what})."
    verb = "has" if some == 1 else "have"
    return f"{some:,} of the {len(lists.queries):,} items {verb} an exact copy ({what})."
