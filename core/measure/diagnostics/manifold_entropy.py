from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, count, estimate, format_value, per_item, scopes
from core.measure.local_neighbors import (
    COPY,
    LEAST,
    TIE,
    Lists,
    even_log_distance,
    inverse_dimensions,
    lists_of,
)
from core.measure.verdicts import DUPLICATES, Advice, Threshold
from core.numerics.sampling import thinned
from core.numerics.stats import normal
from core.registry import Range
from core.types import Doubles, Finding, Ints, Kind, Reference, Space

FLOOR = 1e-6  # distance assigned to copies
LISTS = 10  # neighbors for the dimension


@diagnostic(
    title="Manifold entropy",
    concern="Items crowd in clumps",
    worst="low",
    family="Collapse",
    source="Kozachenko, Leonenko. Sample estimate of the entropy of a random vector. Problems of "
    "Information Transmission 1987; as a collapse measure: Liu et al. AAAI 2023.",
    better="high",
    bounds=(-np.inf, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "neighbor distance as a share of that on a uniform sphere of the same dimension",
        good=0.5,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="Items that fill little of their manifold leave search only small differences to rank "
        "by.",
        what=DUPLICATES,
    ),
    over="as many images or texts like these",
    per_item=True,
)
def manifold_entropy(
    space: Space,
    *,
    k: Annotated[int, Range(1, 9, "the k-th neighbor is used")] = 3,
    dimension: Annotated[float, Range(0, 1000, "of the manifold; 0 estimates it")] = 0.0,
    queries: Annotated[int, Range(100, 50_000, "items measured, at most")] = 5000,
    candidates: Annotated[int, Range(100, 200_000, "candidates of a kind")] = 10_000,
) -> tuple[Finding, ...]:
    """Differential entropy of the items on a manifold of their own dimension, in nats.

    psi(n) - psi(k) + log V_m + m mean log r_k, from the distance r_k to the k-th neighbor and the
    intrinsic dimension m (Levina-Bickel over 10 neighbors), not d: in 512 dimensions even the whole
    sphere has -868 nats. Entropies compare only at the same m, so read it against the reference,
    the same estimate for n points uniform on a sphere of dimension m and radius 1; the difference
    over m is the log ratio of the neighbor distances.

    Copies have a distance of 0: they are counted, and set to 1e-6, which costs m * 13.8 nats each
    time the k-th neighbor is one.

    Args:
        space: at least 20 items of one kind.
        k: 3 to 5 are usual.
        dimension: set it to compare spaces at the same m.
        queries: items measured.
        candidates: beyond so many a random part is measured.

    Returns:
        A finding each for images and texts. The interval is over as many items like
        these, by a jackknife over images, and includes the error of m.
        per_item: distance to the k-th neighbor.

    Raises:
        TooFew: fewer than 20 images and fewer than 20 texts, or no two neighbors at different
            distances.

    >>> angle = np.arange(2000) / 2000 * 2 * np.pi
    >>> ring = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    >>> even = manifold_entropy(Space(ring, tuple(map(str, range(2000))), 2000), dimension=1, k=2)
    >>> round(even[0].value, 1)  # log 2 pi + log 2 - psi(2) at equal spacing
    2.1
    """
    part, rows = thinned(space, candidates)
    kinds: list[Kind] = ["image", "text"]
    large = scopes(part, LEAST, "The manifold entropy")
    measured = []
    for kind in (kind for kind in kinds if kind in large):
        lists = lists_of(part, kind, LISTS, queries, LISTS)
        m = _dimension(lists.radii[:, :LISTS], dimension)
        if np.isfinite(m):
            error = lists.jackknife_error(
                part, kind, LISTS, lambda r, n: _entropy(r, n, k, dimension)
            )
            n = part.span(kind).stop - part.span(kind).start
            measured.append(_measure(space, kind, n, k, m, error, lists, rows))
    if not measured:
        each = "different items of one kind, at different distances"
        raise TooFew("The manifold entropy", LEAST, each, 1, "Add more items.")
    return tuple(measured)


def _dimension(r: Doubles, given: float) -> float:
    """The dimension m; infinite where it cannot be estimated."""
    if given:
        return given
    apart = r[:, 0] > COPY
    inverse = inverse_dimensions(np.maximum(r, FLOOR))
    if apart.sum() < LEAST // 2 or not inverse[apart].mean() > TIE:
        return float("inf")
    return 1 / float(inverse[apart].mean())


def _entropy(r: Doubles, n: int, k: int, dimension: float) -> float:
    logs = np.log(np.maximum(r[:, k - 1], FLOOR))
    m = _dimension(r, dimension)
    return entropy(n, k, m, float(logs.mean())) if np.isfinite(m) else float("nan")


def _measure(
    space: Space, kind: Kind, n: int, k: int, m: float, error: float, lists: Lists, of: Ints
) -> Finding:
    rows, r = of[lists.rows], lists.radii
    logs = np.log(np.maximum(r[:, k - 1], FLOOR))
    value = entropy(n, k, m, float(logs.mean()))
    low, high = normal(value, error)
    even = entropy(n, k, m, even_log_distance(n, m + 1, k))
    nearer = float(np.exp(np.clip((value - even) / m, -50, 50)))
    whole = len(rows) == space.span(kind).stop - space.span(kind).start
    return Finding(
        scope=kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(even, f"uniform sphere of {m:.3g} dimensions, same n"),
        yardstick=nearer,
        sentence=(
            f"The manifold entropy of the {PLURAL[kind]} is {estimate(value, low, high)} nats, "
            f"against {format_value(even)} for a uniform sphere of dimension {m:.3g}. Neighbors "
            f"lie at {format_value(nearer)} times its distance."
        ),
        detail=_copies(r, k),
        sampled=(
            f"{'exact, all' if whole else 'random'} {len(rows):,} of {n:,} {PLURAL[kind]}, k = {k}"
        ),
        per_item=per_item(space, rows, r[:, k - 1]),
        per_item_title=f"distance to its neighbor number {k}",
    )


def entropy(n: int, k: int, m: float, mean_log: float) -> float:
    """The Kozachenko-Leonenko estimate from the mean log distance to the k-th neighbor.

    >>> round(entropy(2, 1, 1.0, 0.0), 6)  # psi(2) - psi(1) + log 2
    1.693147
    """
    from scipy.special import gammaln, psi

    ball = m / 2 * np.log(np.pi) - gammaln(m / 2 + 1)
    return float(psi(n) - psi(k) + ball + m * mean_log)


def _copies(r: Doubles, k: int) -> str:
    copies, floored = int((r[:, 0] <= COPY).sum()), int((r[:, k - 1] <= FLOOR).sum())
    if not copies:
        return ""
    return (
        f"Of {count(len(r), 'sampled item')} {copies:,} have a copy; {count(floored, 'distance')} "
        "of 0 had to be raised to a millionth."
    )
