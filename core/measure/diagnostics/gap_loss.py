from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import estimate, format_value
from core.measure.gap_shift import LEAST_TESTED, Sweep, sweep
from core.measure.verdicts import Advice, Threshold
from core.numerics.stats import normal
from core.registry import Range
from core.types import Finding, Reference, Space


@diagnostic(
    title="Gap curve (loss)",
    concern="The modality gap costs loss",
    family="Modality gap",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap. NeurIPS 2022; the split by pair is ours.",
    aid="Contrastive loss at every distance between the modalities. The dotted line is the "
    "present distance; the lowest point is where training would leave the gap.",
    better="low",
    bounds=(-np.inf, np.inf),
    invariant=("rotation",),
    over="pairs like the test pairs, one for each image",
    threshold=Threshold(
        "lower end of the interval of the nats saved at the best shift",
        good=0.1,
        bad=0.5,
        source="ours",
    ),
    advice=Advice(
        why="It measures whether the gap is where training left it; after a change of data or of "
        "parts of the encoder it often is not.",
        what="Shift along the gap to the lowest point; keep it only if recall rises as well, "
        "because a lower loss alone retrieves nothing.",
    ),
)
def gap_loss(
    space: Space,
    *,
    pairs: Annotated[int, Range(50, 8000, "pairs to use, at most")] = 1500,
    temperature: Annotated[float, Range(0.0, 1.0, "of the contrastive loss; 0 fits it")] = 0.0,
) -> tuple[Finding, ...]:
    """Contrastive loss that shifting the modality gap would save, in nats.

    The contrastive loss (both directions) of the pairs as they are, minus that at the best point of
    the line between the two centers: 0 when the present gap is where training would leave it. The
    line and the best point come from one half of the pairs, the losses from the other. Training
    with a small temperature leaves a gap because the loss is lowest there: CLIP on COCO, with its
    own temperature of 0.01, has its lowest loss at its own gap of 0.82. Another temperature than
    the encoder's would move the best point to where cosines are as close together as it prefers,
    whatever the gap; so it is fitted to the present gap unless it is given. A lower loss is not a
    higher recall: see the gap curve of recall.

    Args:
        space: at least 16 pairs without an item in common.
        pairs: drawn at random beyond; one half is for testing. The loss grows with their number.
        temperature: 0.01 in CLIP; 0 takes the one with the lowest loss at the present gap, with
            targets smoothed by one pair (Platt 1999): where all partners rank first, the loss alone
            falls with the temperature.

    Returns:
        One finding (scope pairs). The interval is over the test pairs, for this line, shift and
        temperature; none below 50. No verdict where partners rank no better than by chance.
        curve: loss against the signed distance of the centers, the present one marked.

    Raises:
        TooFew: fewer than 16 such pairs.

    >>> rows = np.tile(np.eye(16, dtype=np.float32), (2, 1))
    >>> space = Space(rows, tuple(map(str, range(32))), 16,
    ...               np.stack([np.arange(16), 16 + np.arange(16)], 1))
    >>> abs(round(gap_loss(space)[0].value, 6))  # no loss, nothing to gain
    0.0
    """
    result = sweep(space, pairs=pairs, temperature=temperature, what="The gap curve")
    losses, today = result.judged.losses, result.today
    best = result.best(-result.fitted.losses.mean(axis=1))
    value = float((losses[today] - losses[best]).mean())
    left_out = result.judged.jackknife[today] - result.judged.jackknife[best]
    error = float(np.sqrt((len(left_out) - 1) * left_out.var()))  # jackknife
    low, high = normal(value, error if losses.shape[1] >= LEAST_TESTED else np.nan)
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(0.0, "the present gap"),
            yardstick=low if result.related else np.nan,  # nothing to gain from unrelated pairs
            sentence=_sentence(result, best, (value, low, high)),
            detail=(
                f"Chance level {np.log(losses.shape[1]):.1f} nats; temperature "
                f"{format_value(result.temperature)}."
            ),
            sampled=(
                f"{losses.shape[1]:,} test pairs, {result.fitted.losses.shape[1]:,} for "
                f"fitting, of {len(space.pairs):,}"
            ),
            curve=result.curve(losses.mean(axis=1), f"contrastive loss among {losses.shape[1]:,}"),
        ),
    )


def _sentence(result: Sweep, best: int, number: tuple[float, float, float]) -> str:
    losses, sizes, today = result.judged.losses.mean(axis=1), result.judged.sizes, result.today
    before, after = format_value(losses[today]), format_value(losses[best])
    if len(result.moves) < 2:
        return (
            "The contrastive loss saved by shifting the gap is 0: images and texts share one "
            f"center. The loss is {before} nats."
        )
    if best == today:
        return (
            "The contrastive loss saved by shifting the gap is 0: it is lowest at the present gap "
            f"of {format_value(sizes[today])}. The loss is {before} nats."
        )
    return (
        f"The contrastive loss saved at a gap of {format_value(sizes[best])} instead of "
        f"{format_value(sizes[today])} is {estimate(*number)} nats, from {before} to {after}. "
        f"{_meaning(number[1])}"
    )


def _meaning(low: float) -> str:
    if np.isnan(low):
        return "So few test pairs cannot tell whether the loss is lower."
    if low > 0:
        return "The present gap is not where training would leave it."
    return "That is not significantly better than the present gap."
