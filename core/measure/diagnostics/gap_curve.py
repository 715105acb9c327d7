from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import estimate, format_value, share
from core.measure.gap_shift import LEAST_TESTED, Sweep, sweep
from core.measure.verdicts import Advice, Threshold
from core.numerics.stats import Z
from core.registry import Range
from core.types import Doubles, Finding, Reference, Space


@diagnostic(
    title="Gap curve (recall)",
    concern="Recall rises where the modality gap is shifted",
    family="Modality gap",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap. NeurIPS 2022; the split by pair is ours.",
    aid="Recall at every distance between the modalities. The dotted line is the present "
    "distance; a peak elsewhere is what shifting can gain.",
    better="low",
    bounds=(-1.0, 1.0),
    invariant=("rotation",),
    over="pairs like the test pairs, one for each image",
    threshold=Threshold(
        "lower end of the interval of the recall gained at the best shift",
        good=0.01,
        bad=0.05,
        source="ours",
    ),
    advice=Advice(
        why="It measures on the collection itself whether the modality gap costs recall, and how "
        "much closing it would gain.",
        what="Shift along the gap to the best point of the curve; keep it if recall rises on "
        "pairs that did not choose it.",
    ),
)
def gap_curve(
    space: Space,
    *,
    pairs: Annotated[int, Range(50, 8000, "pairs to use, at most")] = 1500,
    k: Annotated[int, Range(1, 100, "rank up to which the partner counts as retrieved")] = 1,
) -> tuple[Finding, ...]:
    """Recall@k that shifting the modality gap would gain.

    Every row is shifted along the line between the two centers, images one way and texts the other,
    and normalized. The line and the best shift are chosen on one half of the pairs; the value is
    the gain of that shift in recall@k on the other half: 0 when the current gap is as good as any,
    above 0 when closing or widening the gap would help, below 0 when the best shift of one half
    does not transfer.

    Shifting the candidates alone, all by the same vector, changes no ranking of one kind: rankings
    change only through normalization, and through shifting the queries. Recall here is among the
    half's own pairs, one for each group of connected items, so it is higher than in the whole
    collection; it is the mean of both directions.

    Args:
        space: at least 16 pairs without an item in common.
        pairs: drawn at random beyond; one half is for testing.
        k: recall@k.

    Returns:
        One finding (scope pairs). The interval is over the test pairs, paired; none below 50. No
        verdict where partners rank no better than by chance.
        curve: recall@k against the signed distance of the centers, the present one marked.

    Raises:
        TooFew: fewer than 16 such pairs.

    >>> rows = np.tile(np.eye(16, dtype=np.float32), (2, 1))
    >>> space = Space(rows, tuple(map(str, range(32))), 16,
    ...               np.stack([np.arange(16), 16 + np.arange(16)], 1))
    >>> gap_curve(space)[0].value  # every partner is first already
    0.0
    """
    result = sweep(space, pairs=pairs, temperature=0.0, what="The gap curve")
    recall = result.judged.recall(k)
    best, today = result.best(result.fitted.recall(k)), result.today
    value = float(recall[best] - recall[today])
    low, high = _interval(value, result.judged.ranks[best] <= k, result.judged.ranks[today] <= k)
    m = result.judged.losses.shape[1]
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(0.0, "the present gap"),
            yardstick=low if result.related else np.nan,  # nothing to gain from unrelated pairs
            sentence=_sentence(result, k, best, (value, low, high)),
            detail="Rankings change only through normalization and through shifting the queries.",
            sampled=f"{m:,} test pairs, {result.fitted.losses.shape[1]:,} for fitting, of "
            f"{len(space.pairs):,}",
            curve=result.curve(recall, f"recall@{k} among {m:,}"),
        ),
    )


def _interval(value: float, best: Doubles, today: Doubles) -> tuple[float, float]:
    """Paired, over pairs; one change each way is added, so that no change is not certainty."""
    change = (best.astype(np.float64) - today).mean(axis=0)
    m = len(change)
    if m < LEAST_TESTED:
        return np.nan, np.nan
    error = float(np.sqrt(((change - change.mean()) ** 2).sum() + 1) / m)
    return max(-1.0, value - Z * error), min(1.0, value + Z * error)


def _sentence(result: Sweep, k: int, best: int, number: tuple[float, float, float]) -> str:
    recall, sizes = result.judged.recall(k), result.judged.sizes
    today = result.today
    value, low, high = (100 * x for x in number)
    present, reached = format_value(sizes[today]), format_value(sizes[best])
    if len(result.moves) < 2:
        return (
            f"The recall@{k} gain from shifting the gap is 0: images and texts share one center. "
            f"Recall@{k} is {share(recall[today])}."
        )
    if best == today:
        return (
            f"The recall@{k} gain from shifting the gap is 0: the present distance of the centers, "
            f"{present}, is the best. Recall@{k} is {share(recall[today])}."
        )
    return (
        f"The recall@{k} gain at a center distance of {reached} instead of {present} is "
        f"{estimate(value, low, high)} percentage points, from {share(recall[today])}. "
        "Only an interval above 0 is a gain."
    )
