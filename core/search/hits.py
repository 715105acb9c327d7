"""What stands beside each hit: its tail probability, hubness, bias, and whether it matches."""

from __future__ import annotations

from collections.abc import Mapping
from math import expm1, log1p

from core.search.compared import Compared
from core.search.cut import Cut
from core.search.hubs import hub_ratios
from core.search.null import Null
from core.types import Floats, Hit, Ints, Kind


def hits(
    found: Compared,
    nulls: Mapping[Kind, Null],
    cut: Cut,
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


def best_of(
    cosine: Floats,
    rows: Ints,
    nulls: Mapping[Kind, Null],
    n_images: int,
    n: int,
) -> float:
    """Chance that the best of n unrelated items would be as similar as the first of these rows."""
    if not len(rows):
        return 1.0
    kind: Kind = "image" if rows[0] < n_images else "text"
    p = float(nulls[kind].p(cosine)[0])
    return -expm1(n * log1p(-p)) if p < 1 else 1.0
