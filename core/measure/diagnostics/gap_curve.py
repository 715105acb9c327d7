from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import format_value
from core.measure.gap_shift import Sweep, sweep
from core.measure.verdicts import Advice, Threshold
from core.numerics.stats import Z
from core.registry import Range
from core.types import Curve, Doubles, Finding, Reference, Space


@diagnostic(
    title="Gap curve (recall)",
    family="Modality gap",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap. NeurIPS 2022; the split by pair is ours.",
    aid="Recall at every distance between the kinds. The dotted line is today; a peak elsewhere "
    "is what a repair of the gap can gain.",
    better="low",
    bounds=(-1.0, 1.0),
    invariant=("rotation",),
    threshold=Threshold(
        "recall surely gained at the best place (lower end of the interval)",
        good=0.01,
        bad=0.05,
        source="ours",
    ),
    advice=Advice(
        why="It shows on this collection's own pairs whether the modality gap costs recall, and "
        "how much closing it would give.",
        what="A shift along the gap to the best place on the curve; keep it if recall on pairs "
        "that did not choose it rises.",
    ),
)
def gap_curve(
    space: Space,
    *,
    pairs: Annotated[int, Range(50, 8000, "pairs looked at, at most")] = 1500,
    k: Annotated[int, Range(1, 100, "places in which the partner counts as found")] = 1,
) -> tuple[Finding, ...]:
    """How much recall moving images and texts together or apart would gain.

    Every row is moved along the line between the two centres, images one way and texts the other,
    and brought back to length 1. The line and the best place are chosen on one half of the pairs;
    the value is what that place gains in recall@k on the other half, against today: 0 when today's
    place is as good as any, above 0 when a repair of the gap would help, below 0 when the best
    place of one half does not carry over.

    Moving the gallery alone, all items alike, would change no ranking of one kind: what changes
    rankings is bringing rows back to length 1, and moving the queries. Recall here is among the
    half's own pairs, one for each group that hangs together, so it is higher than in the whole
    collection; it is the mean of both directions.

    Args:
        space: at least 16 pairs without an item in common.
        pairs: drawn at random beyond; one half is judged.
        k: 1 for recall@1.

    Returns:
        One finding (scope pairs). The interval is over the judged pairs, today against the best.
        curve: recall@k against the signed distance of the centres, today marked.

    Raises:
        TooFew: fewer than 16 such pairs.

    >>> rows = np.tile(np.eye(16, dtype=np.float32), (2, 1))
    >>> space = Space(rows, tuple(map(str, range(32))), 16,
    ...               np.stack([np.arange(16), 16 + np.arange(16)], 1))
    >>> gap_curve(space)[0].value  # every partner is found already
    0.0
    """
    found = sweep(space, pairs=pairs, temperature=0.0, what="The gap curve")
    recall = found.judged.recall(k)
    best, today = found.best(found.fitted.recall(k)), found.today
    value = float(recall[best] - recall[today])
    low, high = _interval(value, found.judged.ranks[best] <= k, found.judged.ranks[today] <= k)
    m = found.judged.losses.shape[1]
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(0.0, "today's place"),
            yardstick=low,
            sentence=_sentence(found, k, best, (value, low, high)),
            sampled=f"{m:,} pairs judged, {found.fitted.losses.shape[1]:,} others fitted, of "
            f"{len(space.pairs):,}",
            curve=_curve(found, recall, f"recall@{k} among {m:,}"),
        ),
    )


def _interval(value: float, best: Doubles, today: Doubles) -> tuple[float, float]:
    """Over pairs, paired; one change each way is added, so that no change is not certainty."""
    change = (best.astype(np.float64) - today).mean(axis=0)
    m = len(change)
    error = float(np.sqrt(((change - change.mean()) ** 2).sum() + 1) / m)
    return max(-1.0, value - Z * error), min(1.0, value + Z * error)


def _curve(found: Sweep, y: Doubles, title: str) -> Curve | None:
    if len(found.moves) < 2:
        return None
    sizes = found.judged.sizes
    order = np.argsort(sizes, kind="stable")
    return Curve(
        sizes[order],
        y[order],
        "distance of the centres (below 0: crossed)",
        title,
        mark=float(sizes[found.today]),
    )


def _sentence(found: Sweep, k: int, best: int, number: tuple[float, float, float]) -> str:
    recall, sizes = found.judged.recall(k), found.judged.sizes
    today = found.today
    if len(found.moves) < 2:
        return (
            f"Images and texts share one centre, so there is no line to move them along; "
            f"recall@{k} stays at {recall[today]:.1%}."
        )
    rule = "Only bringing rows back to length 1, and moving the queries, changes rankings."
    if best == today:
        return (
            f"Today's place, with the centres {sizes[today]:.2f} apart, is the best for recall@{k} "
            f"({recall[today]:.1%}): moving the kinds gains 0. {rule}"
        )
    points = format_value(*(100 * x for x in number))
    sign = "+" if number[0] > 0 else ""
    return (
        f"With the centres {sizes[best]:.2f} instead of {sizes[today]:.2f} apart, recall@{k} goes "
        f"from {recall[today]:.1%} to {recall[best]:.1%} ({sign}{points} points, "
        f"{100 * number[1]:+.1f} to {100 * number[2]:+.1f}; 0 if today's place were the best). "
        f"{rule}"
    )
