from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, per_item, scopes
from core.measure.local_neighbors import (
    COPY,
    LEAST,
    SPARE,
    TIE,
    TIES,
    Lists,
    by_scale,
    distinct,
    even_log_distance,
    inverse_dimensions,
    lists_of,
    resolved,
)
from core.measure.verdicts import DUPLICATES, Advice, Threshold
from core.numerics.nulls import log_share
from core.numerics.sampling import thinned
from core.numerics.stats import normal
from core.registry import Range
from core.types import Doubles, Finding, Ints, Kind, Reference, Space


@diagnostic(
    title="Local dimension",
    concern="Around some items there is little variety",
    worst="low",
    family="Neighborhoods",
    source="Levina, Bickel. Maximum Likelihood Estimation of Intrinsic Dimension. NIPS 2004; "
    "averaged as MacKay and Ghahramani 2005 advise.",
    better="none",
    bounds=(0.0, np.inf),
    invariant=("rotation", "order"),
    aid="The dimension measured on fewer and fewer items. A flat line is reliable; a rising one "
    "means that more items would show more directions.",
    threshold=Threshold(
        "log of the dimension as a share of that of a uniform sphere at the same n and d",
        good=0.4,
        bad=0.2,
        source="ours",
    ),
    advice=Advice(
        why="It is the number of ways in which neighbors differ; a low region in the map is often "
        "a cluster of copies.",
        what=DUPLICATES,
    ),
    over="as many different images or texts like these",
    per_item=True,
)
def local_dimension(
    space: Space,
    *,
    k: Annotated[int, Range(3, 100, "neighbors of each item")] = 20,
    queries: Annotated[int, Range(100, 50_000, "items measured, at most")] = 5000,
    candidates: Annotated[int, Range(100, 200_000, "candidates of a kind")] = 10_000,
) -> tuple[Finding, ...]:
    """Local dimension from the k nearest neighbor distances (Levina-Bickel).

    Each item has m_i = 1 / mean of log(r_k / r_j) over its nearer neighbors j; the value is the
    inverse of the mean of their inverses. It covers a larger neighborhood than TwoNN
    (`intrinsic_dimension`): agreement of the two means that the dimension does not depend on the
    scale. Large dimensions are underestimated; compare with the reference, points uniform on the
    sphere with the same n and d.

    Args:
        space: at least 20 different items of one kind, and more than k.
        k: 20 in common use.
        queries: items measured.
        candidates: beyond so many a random part is measured.

    Returns:
        A finding each for images and texts. Copies are excluded. The interval is over as
        many items like these, from halves of the images.
        per_item: the dimension around the item, m_i.
        curve: the dimension at a quarter, a half and all of the items.

    Raises:
        TooFew: not enough different items of one kind, or all at the same distance.

    >>> angle = np.random.default_rng(0).random(2000) * 6.28
    >>> circle = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    >>> round(local_dimension(Space(circle, tuple(map(str, range(2000))), 2000))[0].value, 1)
    1.0
    """
    least = max(LEAST, k + 1)
    part, rows = thinned(space, candidates)
    kinds: list[Kind] = ["image", "text"]
    large = scopes(part, least, "The local dimension")
    findings = [_measure(space, part, rows, kind, k, queries) for kind in kinds if kind in large]
    measured = tuple(f for f in findings if f is not None)
    if not measured:
        each = "different items of one kind, at different distances"
        raise TooFew("The local dimension", least, each, 1, "Add more items.")
    return measured


def _measure(
    space: Space, part: Space, rows: Ints, kind: Kind, k: int, queries: int
) -> Finding | None:
    unique, kept, copies = distinct(part, kind)
    n = unique.span(kind).stop - unique.span(kind).start
    lists, inverse = _inverses(unique, kind, k, queries, k + SPARE)
    if not resolved(inverse):
        return None
    value = 1 / float(inverse.mean())
    low, high = np.exp(normal(np.log(value), lists.error(unique, kind, k, _log_dimension)))
    far = even_log_distance(n, space.d, k)
    even = (k - 1) / sum(far - even_log_distance(n, space.d, j) for j in range(1, k))
    return Finding(
        scope=kind,
        value=value,
        low=float(low),
        high=float(high),
        reference=Reference(even, "uniform on the sphere, same n and d"),
        yardstick=log_share(value, even),
        sentence=(
            f"The local dimension of the {PLURAL[kind]} ({k} nearest neighbors) is "
            f"{estimate(value, low, high)}, against {format_value(even)} for {n:,} points uniform "
            "on the sphere. The lower, the fewer ways in which neighbors differ."
        ),
        detail=f"Excluded: {count(copies, 'copy', 'copies')}." if copies else "",
        sampled=f"{len(inverse):,} of {n:,} different {PLURAL[kind]}",
        per_item=per_item(space, rows[kept[lists.rows]], 1 / np.maximum(inverse, TIE)),
        per_item_title="dimension around it",
        curve=by_scale(unique, kind, value, lambda part: _dimension(part, kind, k, queries)),
    )


def _inverses(space: Space, kind: Kind, k: int, queries: int, more: int) -> tuple[Lists, Doubles]:
    """Sampled rows and their 1 / m_i; rows with a near-copy are excluded."""
    lists = lists_of(space, kind, k, queries, more)
    if lists.radii.shape[1] < k:
        return lists, np.empty(0)
    lists = lists.of(lists.radii[:, 0] > COPY)
    return lists, inverse_dimensions(lists.radii[:, :k])


def _log_dimension(radii: Doubles, n: int) -> float:
    return -float(np.log(inverse_dimensions(radii).mean()))


def _dimension(space: Space, kind: Kind, k: int, queries: int) -> float | None:
    inverse = _inverses(space, kind, k, queries, TIES)[1]
    return 1 / float(inverse.mean()) if resolved(inverse) else None
