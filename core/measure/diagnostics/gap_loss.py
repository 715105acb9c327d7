from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import format_value
from core.measure.gap_shift import Sweep, sweep
from core.measure.verdicts import Advice, Threshold
from core.numerics.stats import normal
from core.registry import Range
from core.types import Curve, Finding, Reference, Space


@diagnostic(
    title="Gap curve (loss)",
    family="Modality gap",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap. NeurIPS 2022; the split by pair is ours.",
    aid="Contrastive loss at every distance between the kinds. The dotted line is today; the "
    "lowest point is where training would leave the gap.",
    better="low",
    bounds=(-np.inf, np.inf),
    invariant=("rotation",),
    threshold=Threshold(
        "nats surely saved at the best place (lower end of the interval)",
        good=0.1,
        bad=0.5,
        source="ours",
    ),
    advice=Advice(
        why="It shows whether the gap is where training left it; after a change of data or of "
        "encoder parts it often is not.",
        what="A shift along the gap to the lowest place; keep it only if recall rises as well, "
        "because a lower loss alone finds nothing.",
    ),
)
def gap_loss(
    space: Space,
    *,
    pairs: Annotated[int, Range(50, 8000, "pairs looked at, at most")] = 1500,
    temperature: Annotated[float, Range(0.0, 1.0, "of the contrastive loss; 0 fits it")] = 0.0,
) -> tuple[Finding, ...]:
    """How far the gap is from where the contrastive loss is least.

    The contrastive loss (both directions, in nats) of the pairs as they are, less that at the best
    place on the line between the two centres: 0 when today's gap is where training would leave
    it. The line and the best place come from one half of the pairs, the losses from the other.
    Training with a small temperature leaves a gap because the loss is least there: CLIP on COCO,
    with its own temperature of 0.01, has its least loss at its own gap of 0.82. Another
    temperature than the encoder's would move the best place to where cosines are as close together
    as it wants them, whatever the gap; so it is fitted to today's place unless it is given. A loss
    gained is not a recall gained: see the gap curve of recall.

    Args:
        space: at least 16 pairs without an item in common.
        pairs: drawn at random beyond; one half is judged. The loss grows with their number.
        temperature: 0.01 in CLIP; 0 takes the one with the least loss at today's place.

    Returns:
        One finding (scope pairs). The interval is over the judged pairs, for this line, place and
        temperature.
        curve: loss against the signed distance of the centres, today marked.

    Raises:
        TooFew: fewer than 16 such pairs.

    >>> rows = np.tile(np.eye(16, dtype=np.float32), (2, 1))
    >>> space = Space(rows, tuple(map(str, range(32))), 16,
    ...               np.stack([np.arange(16), 16 + np.arange(16)], 1))
    >>> abs(round(gap_loss(space)[0].value, 6))  # no loss, nothing to gain
    0.0
    """
    found = sweep(space, pairs=pairs, temperature=temperature, what="The gap curve")
    losses, today = found.judged.losses, found.today
    best = found.best(-found.fitted.losses.mean(axis=1))
    value = float((losses[today] - losses[best]).mean())
    without = found.judged.without[today] - found.judged.without[best]
    low, high = normal(value, float(np.sqrt((len(without) - 1) * without.var())))  # jackknife
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(0.0, "today's place"),
            yardstick=low,
            sentence=_sentence(found, best, (value, low, high)),
            sampled=(
                f"{losses.shape[1]:,} pairs judged, {found.fitted.losses.shape[1]:,} others "
                f"fitted, of {len(space.pairs):,}"
            ),
            curve=_curve(found),
        ),
    )


def _curve(found: Sweep) -> Curve | None:
    if len(found.moves) < 2:
        return None
    sizes, losses = found.judged.sizes, found.judged.losses.mean(axis=1)
    order = np.argsort(sizes, kind="stable")
    title = f"contrastive loss among {found.judged.losses.shape[1]:,}"
    return Curve(
        sizes[order],
        losses[order],
        "distance of the centres (below 0: crossed)",
        title,
        mark=float(sizes[found.today]),
    )


def _sentence(found: Sweep, best: int, number: tuple[float, float, float]) -> str:
    losses, sizes, today = found.judged.losses.mean(axis=1), found.judged.sizes, found.today
    if len(found.moves) < 2:
        return (
            "Images and texts share one centre, so there is no line to move them along; the "
            f"contrastive loss stays at {losses[today]:.3g} nats."
        )
    chance = (
        f"guessing would give {np.log(found.judged.losses.shape[1]):.1f} (temperature "
        f"{found.temperature:.2g})"
    )
    if best == today:
        return (
            f"The contrastive loss is least at today's place, with the centres {sizes[today]:.2f} "
            f"apart: {losses[today]:.3g} nats; {chance}."
        )
    if number[1] <= 0:
        return (
            f"No place has surely less contrastive loss than today's, with the centres "
            f"{sizes[today]:.2f} apart: {losses[today]:.3g} nats, and {losses[best]:.3g} with them "
            f"{sizes[best]:.2f} apart; {chance}."
        )
    return (
        f"The contrastive loss is least with the centres {sizes[best]:.2f} instead of "
        f"{sizes[today]:.2f} apart: {losses[best]:.3g} nats instead of {losses[today]:.3g}, "
        f"{format_value(*number)} less; {chance}."
    )
