from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, histogram, per_item, percent, scopes, share
from core.measure.verdicts import DUPLICATES, Advice, Threshold
from core.numerics.neighbors import Neighbors, nearest
from core.numerics.nulls import cap_share
from core.numerics.stats import wilson
from core.registry import Range
from core.types import Finding, Kind, Reference, Space

COPY = 1 - 1e-6
FEWEST = 500  # items sampled whatever they cost


@diagnostic(
    title="Near-duplicates",
    family="Neighbourhoods",
    source="Abbas, Tirumala, Simig, Ganguli, Morcos. SemDeDup: Data-efficient learning at "
    "web-scale through semantic deduplication. 2023; Wilson, JASA 1927 (interval).",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Cosine of each item with its nearest neighbor. A peak at 1 is copies.",
    threshold=Threshold("share of items with a near-duplicate", good=0.02, bad=0.2, source="ours"),
    advice=Advice(
        why="Copies fill the first page of results with one image and make recall look worse than "
        "it is.",
        what=DUPLICATES,
    ),
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
        A finding each for images and texts, with the Wilson interval.
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
    lists = nearest(space, kind, kind, k=1, q=min(queries, max(FEWEST, affordable)))
    cosines = lists.cosines[:, 0]
    hits = int((cosines >= threshold - 1e-6).sum())
    value = hits / len(cosines)
    low, high = wilson(hits, len(cosines))
    low, high = min(low, value), max(high, value)
    n = lists.n_candidates
    chance = -np.expm1((n - 1) * np.log1p(-min(cap_share(threshold, space.d), 1 - 1e-12)))
    return Finding(
        scope=kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(float(chance), "uniform on the sphere, same n and d"),
        sentence=(
            f"The near-duplicate share of the {PLURAL[kind]} (cosine {threshold:g} or more) is "
            f"{percent(value, low, high)}, against {share(chance)} for a uniform distribution. "
            "Copies crowd the first page of results."
        ),
        detail=_copies(lists),
        sampled=(
            f"{'exact, all' if lists.share == 1 else 'random'} {len(cosines):,} of {n:,} "
            f"{PLURAL[kind]}, each compared with all"
        ),
        per_item=per_item(space, lists.queries, cosines),
        per_item_title="cosine with its nearest neighbor",
        curve=histogram(cosines, "cosine with the nearest neighbor", "items"),
    )


def _copies(lists: Neighbors) -> str:
    copies = int((lists.cosines[:, 0] >= COPY).sum())
    return f"{copies:,} of the {len(lists.queries):,} sampled items have an exact copy."
