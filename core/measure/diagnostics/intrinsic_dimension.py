from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, format_value, scopes
from core.measure.local_neighbors import COPY, LEAST, TIE, Lists, distinct, lists_of
from core.measure.verdicts import DUPLICATES, Advice, Threshold
from core.numerics.nulls import sphere_neighbor_distances
from core.numerics.sampling import thinned
from core.registry import Range
from core.types import Curve, Doubles, Finding, Kind, Reference, Space

KEPT = 0.9  # of the ratios: the largest tenth is dropped, as in the paper
RESAMPLES = 200
CONSIDERED = (
    4  # neighbours measured again in float64, so that the two nearest are surely among them
)


@diagnostic(
    title="Intrinsic dimension",
    family="Neighbourhoods",
    source="Facco, d'Errico, Rodriguez, Laio. Estimating the Intrinsic Dimension of Datasets by a "
    "Minimal Neighborhood Information. Scientific Reports 2017 (TwoNN).",
    better="none",
    bounds=(0.0, np.inf),
    invariant=("rotation", "order"),
    aid="The dimension as measured on fewer and fewer items. A flat line can be trusted; a rising "
    "one says that more items would show more directions.",
    threshold=Threshold("TwoNN dimension", good=5.0, bad=2.0, source="ours"),
    advice=Advice(
        why="Few local directions mean that near items differ in few ways, often because of "
        "copies; many make indexes slower and hubs likelier.",
        what=DUPLICATES,
    ),
)
def intrinsic_dimension(
    space: Space,
    *,
    queries: Annotated[int, Range(100, 50_000, "items looked at, at most")] = 5000,
    candidates: Annotated[int, Range(100, 200_000, "items of a kind to choose from")] = 10_000,
) -> tuple[Finding, ...]:
    """How many directions one can move in locally, from the two nearest neighbours (TwoNN).

    In m dimensions the ratio of the second to the first neighbour's distance exceeds x with
    probability x^-m; the value is the fitted m. A curve in 512 dimensions has 1, a sphere's
    surface 2. Large dimensions come out too small (20 as about 15), so compare with the
    reference, which is what evenly spread points of the same n and d would give.

    Copies are removed first: a distance of 0 has no ratio. It depends on the scale, so the curve
    shows it for all, a half and a quarter of the items.

    Args:
        space: at least 20 different items of one kind.
        queries: items whose neighbours are found.
        candidates: beyond so many a random part is measured.

    Returns:
        A finding each for images and texts. The interval is the bootstrap over items,
        wider as those in each other's lists go together.

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
    found = [_measure(space, part, kind, queries) for kind in kinds if kind in large]
    told = tuple(f for f in found if isinstance(f, Finding))
    if not told:
        raise TooFew(
            "The intrinsic dimension",
            LEAST,
            "items of one kind (and half of all) with two neighbours at different distances",
            max(f for f in found if isinstance(f, int)),
            "Add more items.",
        )
    return told


def two_nn(log_ratios: Doubles) -> Doubles:
    """The dimension from log(second / first distance); several samples (r, m) give (r,)."""
    x = np.sort(log_ratios, axis=-1)
    m = x.shape[-1]
    kept = int(m * KEPT)
    y = -np.log1p(-np.arange(kept) / m)
    x = x[..., :kept]
    return np.asarray((x * y).sum(axis=-1) / (x * x).sum(axis=-1))


def _can_tell(log_ratios: Doubles) -> bool:
    """Whether most items have two neighbours at different distances; a lattice has none."""
    return len(log_ratios) >= LEAST and float((log_ratios > TIE).mean()) > 0.5


def _measure(space: Space, part: Space, kind: Kind, queries: int) -> Finding | int:
    """The finding, or how many items could have told when too few can."""
    unique, _, copies = distinct(part, kind)
    lists, logs = _log_ratios(unique, kind, queries)
    if not _can_tell(logs):
        return int((logs > TIE).sum())
    value = float(two_nn(logs))
    low, high = _interval(value, lists, logs)
    n = unique.span(kind).stop - unique.span(kind).start
    first, second = sphere_neighbor_distances(n, space.d, 5000, 0)
    even = float(two_nn(np.log(second / first)))
    removed = f" {copies:,} copies were left out." if copies else ""
    return Finding(
        scope=kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, "uniform on the sphere, same n and d"),
        sentence=(
            f"Locally the {PLURAL[kind]} vary in about {format_value(value, low, high)} "
            "directions; "
            f"{n:,} points spread evenly in {space.d} dimensions would measure {even:.3g}.{removed}"
        ),
        sampled=f"{len(logs):,} of {n:,} different {PLURAL[kind]}",
        curve=_by_scale(unique, kind, queries, value),
    )


def _log_ratios(space: Space, kind: Kind, queries: int) -> tuple[Lists, Doubles]:
    """Queries that have no near-copy, and log(r2 / r1) of each; distances in float64."""
    lists = lists_of(space, kind, 10, queries, CONSIDERED)
    if lists.near.shape[1] < 2:
        return lists, np.empty(0)
    lists = lists.of(lists.radii[:, 0] > COPY)
    return lists, np.log(lists.radii[:, 1] / lists.radii[:, 0])


def _interval(value: float, lists: Lists, logs: Doubles) -> tuple[float, float]:
    """The bootstrap, wider by what items in each other's lists have in common."""
    drawn = np.random.default_rng(0).integers(0, len(logs), (RESAMPLES, len(logs)))
    low, high = np.quantile(two_nn(logs[drawn]), [0.025, 0.975])
    wider = lists.error(logs, 2) / max(1e-12, float(logs.std(ddof=1) / np.sqrt(len(logs))))
    return max(0.0, min(value, value - wider * (value - low))), max(
        value, value + wider * (high - value)
    )


def _by_scale(space: Space, kind: Kind, queries: int, value: float) -> Curve:
    span = space.span(kind)
    rows = np.random.default_rng(0).permutation(np.arange(span.start, span.stop))
    sizes, dimensions = [float(len(rows))], [value]
    for part in (rows[: len(rows) // 2], rows[: len(rows) // 4]):
        logs = _log_ratios(space.subset(part), kind, queries)[1]
        if _can_tell(logs):
            sizes.append(float(len(part)))
            dimensions.append(float(two_nn(logs)))
    return Curve(
        np.array(sizes[::-1]), np.array(dimensions[::-1]), "items", "dimension", log_x=True
    )
