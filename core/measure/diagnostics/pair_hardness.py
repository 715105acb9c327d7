from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import count, estimate, format_value, histogram, per_item_mean, share
from core.measure.pair_ranks import clusters, unrelated_cosines
from core.measure.verdicts import MIX, Advice, Threshold
from core.numerics.directions import antipodal, slerp
from core.numerics.stats import folds, normal, two_way_error
from core.registry import Range
from core.types import Doubles, Finding, Ints, Reference, Space

BLOCK = 2048
HALF = 0.5


@diagnostic(
    title="Pair hardness",
    concern="Captions fit other images as well as their own",
    family="Pairs",
    source="Oh et al. Geodesic Multi-Modal Mixup for Robust Fine-Tuning. NeurIPS 2023 (m2-Mix); "
    "its use on stored vectors is ours.",
    aid="Hardness of the pairs. At the far right are the pairs that a mix of another pair "
    "imitates best.",
    better="low",
    bounds=(-2.0, 2.0),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "hardness below that of unrelated pairs, in standard deviations of unrelated cosines",
        good=2.0,
        bad=1.0,
        source="ours, the same as for alignment",
    ),
    advice=Advice(
        why="It tests whether pairs stay closest when both sides are mixed: pairs that barely do "
        "will fail after a small change of data.",
        what=MIX,
    ),
    over="pairs like these",
    per_item=True,
)
def pair_hardness(
    space: Space,
    *,
    queries: Annotated[int, Range(100, 20_000, "pairs measured, at most")] = 2000,
    candidates: Annotated[int, Range(100, 100_000, "pairs mixed, at most")] = 10_000,
) -> tuple[Finding, ...]:
    """Cosine with the hardest mix of another pair, minus the cosine with the item's own partner.

    Every other pair is mixed halfway along the great circle between its image and its text. The
    hardness of a pair is the largest cosine of its image with such a mix, minus the cosine with its
    own text; the same from the text; the mean of both. Below 0 the partner is closer than any mix.
    With a modality gap it is above 0 for most pairs, so read it against unrelated pairs, and read
    the largest: those pairs are fragile.

    It depends on how many pairs are mixed: beyond `candidates` a random part is, so that
    collections compare. Pairs that share the image or the text do not compete.

    Args:
        space: at least two pairs with nothing in common.
        queries: pairs, drawn at random from those mixed.
        candidates: pairs, drawn at random beyond.

    Returns:
        One finding (scope pairs). The interval is over images with their texts, also as
        what is mixed; none below 10.
        per_item: mean hardness of the item's pairs, with the item as query.
        curve: histogram over pairs.

    Raises:
        TooFew: not enough pairs without an item in common. Pairs of opposite points have no
            midpoint and are not mixed.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    >>> space = Space(rows, ("i", "j", "s", "t"), 2, np.array([[0, 2], [1, 3]]))
    >>> pair_hardness(space)[0].value  # cosine 0 with the other pair, 1 with its own
    -1.0
    """
    mixed, left_out = _mixed_pairs(space, candidates)
    anchors = _sample(mixed, queries, 1)
    hardest, following, place = _hardest(space, anchors, mixed)
    can = np.isfinite(hardest).all(axis=1)
    anchors, hardest, following, place = anchors[can], hardest[can], following[can], place[can]
    if len(anchors) < 2:
        raise TooFew(
            "Pair hardness",
            2,
            "pairs with no item in common",
            len(anchors),
            "Add images and their captions.",
        )
    own = np.einsum(
        "ij,ij->i", space.vectors[anchors[:, 0]], space.vectors[anchors[:, 1]], dtype=np.float64
    )
    sides = hardest - own[:, None]
    hardness = sides.mean(axis=1)
    value = float(hardness.mean())
    error = _error(space, anchors, hardness, hardest - following, mixed[place, 0])
    draws = len(np.unique(clusters(space, anchors[:, 0])))
    low, high = normal(value, error, -2.0, 2.0, draws=draws)
    unrelated, deviation = unrelated_cosines(space)
    reference = float(np.clip(hardest.mean() - unrelated, -2, 2))
    below = (reference - value) / deviation if deviation > 1e-9 else float("nan")
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(reference, "unrelated pairs"),
            yardstick=below,
            sentence=(
                f"Pair hardness is {estimate(value, low, high)}, against {format_value(reference)} "
                f"for unrelated pairs. {_meaning(value, below)}"
            ),
            detail=_detail(reference, hardness, left_out),
            sampled=_sampled(len(anchors), len(mixed), len(space.pairs)),
            per_item=per_item_mean(space, anchors.ravel(), sides.ravel()),
            per_item_title="hardness of its pairs",
            curve=histogram(hardness, "hardness", "pairs"),
        ),
    )


def _sample(pairs: Ints, most: int, seed: int) -> Ints:
    if len(pairs) <= most:
        return pairs
    kept = np.sort(np.random.default_rng(seed).choice(len(pairs), most, replace=False))
    result: Ints = pairs[kept]
    return result


def _mixed_pairs(space: Space, most: int) -> tuple[Ints, int]:
    """The pairs to mix, and how many of the sample have no midpoint."""
    drawn = _sample(np.unique(space.pairs, axis=0), most, 0)
    image, text = drawn.T
    opposite = antipodal(space.vectors[image], space.vectors[text])
    return drawn[~opposite], int(opposite.sum())


def _hardest(space: Space, anchors: Ints, mixed: Ints) -> tuple[Doubles, Doubles, Ints]:
    """(q, 2) largest cosine of the image, and of the text, with a mix of another pair.

    Also the next largest cosine (-inf without), and the place of the largest among the mixes.
    """
    best, following = (np.full((len(anchors), 2), -np.inf) for _ in range(2))
    place = np.zeros((len(anchors), 2), np.int64)
    here = np.arange(len(anchors))
    rows = [space.vectors[anchors[:, side]] for side in (0, 1)]
    for start in range(0, len(mixed), BLOCK):
        image, text = mixed[start : start + BLOCK].T
        mixes = slerp(space.vectors[image], space.vectors[text], HALF).astype(np.float32)
        shared = (anchors[:, :1] == image) | (anchors[:, 1:] == text)
        for side in (0, 1):
            cosines = rows[side] @ mixes.T
            cosines[shared] = -np.inf
            top = cosines.argmax(axis=1)
            value = cosines[here, top].astype(np.float64)
            cosines[here, top] = -np.inf
            second = np.maximum(cosines.max(axis=1), np.minimum(value, best[:, side]))
            following[:, side] = np.maximum(following[:, side], second)
            place[:, side] = np.where(value > best[:, side], start + top, place[:, side])
            best[:, side] = np.maximum(best[:, side], value)
    return best, following, place


def _error(space: Space, anchors: Ints, hardness: Doubles, lead: Doubles, hardest: Ints) -> float:
    """Standard error over images: as anchors, and as what is mixed. `lead` is over the next."""
    fold = folds(clusters(space, np.arange(space.n)))
    number = int(fold.max()) + 1
    without = np.repeat(hardness[:, None], number, axis=1)
    lead = np.where(np.isfinite(lead), lead, 0.0) / 2
    for side in (0, 1):
        without[np.arange(len(anchors)), fold[hardest[:, side]]] -= lead[:, side]
    kept = fold[anchors[:, 0]][:, None] != np.arange(number)
    return two_way_error(hardness, without, kept, clusters(space, anchors[:, 0]))


def _meaning(value: float, below: float) -> str:
    if not np.isfinite(below) or below < 1.0:
        return "Pairs are hardly closer than a mix of others: search may confuse them."
    if value > 0:
        return "For the average pair some mix of another is closer than the own partner."
    return "The average pair is closer than any mix of another."


def _detail(reference: float, hardness: Doubles, left_out: int) -> str:
    were = "was" if left_out == 1 else "were"
    opposite = (
        f" {count(left_out, 'pair')} of opposite points {were} not mixed." if left_out else ""
    )
    hardest = format_value(float(hardness.max()))
    return (
        f"{share(float((hardness >= reference).mean()))} of the pairs are as hard as unrelated "
        f"ones; the hardest has {hardest}.{opposite}"
    )


def _sampled(n: int, mixed: int, pairs: int) -> str:
    if n == mixed == pairs:
        return f"exact, all {pairs:,} pairs"
    return f"random {n:,} pairs against mixes of {mixed:,}, of {pairs:,}"
