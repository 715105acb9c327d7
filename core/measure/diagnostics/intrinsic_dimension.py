from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, scopes
from core.measure.local_neighbors import (
    COPY,
    LEAST,
    SPARE,
    TIE,
    TIES,
    Lists,
    by_scale,
    distinct,
    lists_of,
    resolved,
)
from core.measure.verdicts import DUPLICATES, Advice, Threshold
from core.numerics.nulls import log_share, sphere_neighbor_distances
from core.numerics.sampling import thinned
from core.numerics.stats import normal
from core.registry import Range
from core.types import Doubles, Finding, Kind, Reference, Space

KEPT = 0.9  # of the ratios: the largest tenth is discarded, as in the paper


@diagnostic(
    title="Intrinsic dimension",
    concern="Items vary in few ways",
    family="Neighborhoods",
    source="Facco, d'Errico, Rodriguez, Laio. Estimating the Intrinsic Dimension of Datasets by a "
    "Minimal Neighborhood Information. Scientific Reports 2017 (TwoNN).",
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
        why="A low local dimension means that neighbors differ in few ways, often because of "
        "copies; a high one makes indexes slower and hubs likelier.",
        what=DUPLICATES,
    ),
    over="as many different images or texts like these",
)
def intrinsic_dimension(
    space: Space,
    *,
    queries: Annotated[int, Range(100, 50_000, "items measured, at most")] = 5000,
    candidates: Annotated[int, Range(100, 200_000, "candidates of a kind")] = 10_000,
) -> tuple[Finding, ...]:
    """Local dimension from the ratio of the two nearest neighbor distances (TwoNN).

    In m dimensions the ratio of the second to the first neighbor distance exceeds x with
    probability x^-m; the value is the fitted m. A curve in 512 dimensions has 1, a sphere's surface
    2. Large dimensions are underestimated (20 as about 15), so compare with the reference, points
    uniform on the sphere with the same n and d.

    Copies are removed first: a distance of 0 has no ratio. It depends on the scale, so the curve
    shows it for all, a half and a quarter of the items.

    Args:
        space: at least 20 different items of one kind.
        queries: items measured.
        candidates: beyond so many a random part is measured.

    Returns:
        A finding each for images and texts. The interval is over as many items like
        these, from halves of the images.

    Raises:
        TooFew: fewer than 20 images and fewer than 20 texts, or all at the same distance.

    >>> angle = np.random.default_rng(0).random(2000) * 6.28
    >>> circle = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    >>> round(intrinsic_dimension(Space(circle, tuple(map(str, range(2000))), 2000))[0].value, 1)
    1.0
    """
    part, _ = thinned(space, candidates)
    kinds: list[Kind] = ["image", "text"]
    large = scopes(part, LEAST, "The intrinsic dimension")
    findings = [_measure(space, part, kind, queries) for kind in kinds if kind in large]
    measured = tuple(f for f in findings if isinstance(f, Finding))
    if not measured:
        raise TooFew(
            "The intrinsic dimension",
            LEAST,
            "items of one kind (and half of all) with two neighbors at different distances",
            max(f for f in findings if isinstance(f, int)),
            "Add more items.",
        )
    return measured


def two_nn(log_ratios: Doubles) -> Doubles:
    """The dimension from log(second / first distance); several samples (r, m) give (r,).

    The i-th smallest ratio of m has the empirical distribution F = i / m, as in the paper and in
    scikit-dimension.

    >>> round(float(two_nn(np.log([[1.25, 1.5, 2.0, 4.0]] * 2))[0]), 6)  # the 4th is discarded
    1.880301
    """
    x = np.sort(log_ratios, axis=-1)
    m = x.shape[-1]
    kept = int(m * KEPT)
    y = -np.log1p(-np.arange(1, kept + 1) / m)
    x = x[..., :kept]
    return np.asarray((x * y).sum(axis=-1) / (x * x).sum(axis=-1))


def _measure(space: Space, part: Space, kind: Kind, queries: int) -> Finding | int:
    """The finding, or the number of usable items when that is too small."""
    unique, _, copies = distinct(part, kind)
    lists, logs = _log_ratios(unique, kind, queries, 2 + SPARE)
    if not resolved(logs):
        return int((logs > TIE).sum())
    value = float(two_nn(logs))
    error = lists.error(unique, kind, 2, _log_dimension)
    low, high = np.exp(normal(np.log(value), error))
    n = unique.span(kind).stop - unique.span(kind).start
    draws = max(1, 5000 // len(logs))
    first, second = sphere_neighbor_distances(n, space.d, draws * len(logs), 0)
    even = float(two_nn(np.log(second / first).reshape(draws, -1)).mean())
    return Finding(
        scope=kind,
        value=value,
        low=float(low),
        high=float(high),
        reference=Reference(even, "uniform on the sphere, same n and d"),
        yardstick=log_share(value, even),
        sentence=(
            f"The intrinsic dimension (TwoNN) of the {PLURAL[kind]} is "
            f"{estimate(value, low, high)}, against {even:.3g} for {n:,} points uniform on the "
            f"sphere. The lower, the fewer ways in which neighbors differ."
        ),
        detail=f"Excluded: {count(copies, 'copy', 'copies')}." if copies else "",
        sampled=f"{len(logs):,} of {n:,} different {PLURAL[kind]}",
        curve=by_scale(unique, kind, value, lambda part: _dimension(part, kind, queries)),
    )


def _log_ratios(space: Space, kind: Kind, queries: int, more: int) -> tuple[Lists, Doubles]:
    """Queries that have no near-copy, and log(r2 / r1) of each; distances in float64."""
    lists = lists_of(space, kind, 2, queries, more)
    if lists.near.shape[1] < 2:
        return lists, np.empty(0)
    lists = lists.of(lists.radii[:, 0] > COPY)
    return lists, np.log(lists.radii[:, 1] / lists.radii[:, 0])


def _log_dimension(radii: Doubles, n: int) -> float:
    return float(np.log(two_nn(np.log(radii[:, 1] / radii[:, 0]))))


def _dimension(space: Space, kind: Kind, queries: int) -> float | None:
    logs = _log_ratios(space, kind, queries, TIES)[1]
    return float(two_nn(logs)) if resolved(logs) else None
