from __future__ import annotations

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import estimate, format_value, histogram, per_item_mean
from core.measure.pair_ranks import unrelated_cosines
from core.measure.verdicts import MIX, Advice, Threshold
from core.numerics.stats import clustered_error, normal
from core.types import Doubles, Finding, Reference, Space

BLOCK = 512  # pairs whose rows fit in the cache


@diagnostic(
    title="Alignment",
    concern="Pairs are hardly more similar than random ones",
    family="Pairs",
    source="Wang, Isola. Understanding Contrastive Representation Learning through Alignment and "
    "Uniformity on the Hypersphere. ICML 2020.",
    better="low",
    bounds=(0.0, 4.0),
    invariant=("rotation", "order"),
    aid="Squared distance of each pair. A single peak near 0 is good alignment; a second peak to "
    "the right is pairs that do not belong together.",
    threshold=Threshold(
        "mean cosine of pairs above that of shuffled pairs, in their standard deviations",
        good=2.0,
        bad=1.0,
        source="ours",
    ),
    advice=Advice(
        why="Cross-modal search depends on it alone: a caption must be closer to its own image "
        "than to others.",
        what=MIX,
    ),
    over="images like these, with their texts",
    vital="pairs",
    per_item=True,
)
def alignment(space: Space) -> tuple[Finding, ...]:
    """Mean squared distance between an image and the text that belongs to it.

    2 - 2 cosine, averaged over pairs: 0 when every pair coincides, 2 when pairs are orthogonal, 4
    when opposite. The reference is the same over shuffled pairs, the chance level of these rows.

    Args:
        space: at least two images that have a text.

    Returns:
        One finding (scope pairs). The interval is over images: texts of one image stay together;
        none below 10.
        per_item: mean squared distance of the item's own pairs.

    Raises:
        TooFew: fewer than two images with a text.

    >>> square = np.array([[1, 0], [0, 1], [1, 0], [0, -1]], np.float32)
    >>> alignment(Space(square, ("i", "j", "s", "t"), 2, np.array([[0, 2], [1, 3]])))[0].value
    2.0
    """
    images = len(np.unique(space.pairs[:, 0]))
    if images < 2:
        raise TooFew(
            "Alignment", 2, "images with a text of their own", images, "Add a captions file."
        )
    distances = 2 - 2 * _cosines(space)
    value = float(distances.mean())
    error = clustered_error(distances, space.pairs[:, 0])
    low, high = normal(value, error, 0.0, 4.0, draws=images)
    mean, deviation = unrelated_cosines(space)
    shuffled = 2 - 2 * mean
    above = (shuffled - value) / 2 / deviation if deviation > 1e-9 else float("nan")
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(shuffled, "shuffled pairs"),
            yardstick=above,
            sentence=_sentence(value, low, high, shuffled, above),
            sampled=f"exact, all {len(space.pairs):,} pairs",
            per_item=per_item_mean(space, space.pairs.T.ravel(), np.tile(distances, 2)),
            per_item_title="mean squared distance to its pairs",
            curve=histogram(distances, "squared distance of a pair", "pairs"),
        ),
    )


def _cosines(space: Space) -> Doubles:
    result = np.empty(len(space.pairs))
    for start in range(0, len(result), BLOCK):
        image, text = space.pairs[start : start + BLOCK].T
        result[start : start + BLOCK] = np.einsum(
            "ij,ij->i", space.vectors[image], space.vectors[text], dtype=np.float64
        )
    return result


def _sentence(value: float, low: float, high: float, shuffled: float, above: float) -> str:
    start = (
        f"Alignment (mean squared distance of pairs) is {estimate(value, low, high)}, against "
        f"{format_value(shuffled)} for shuffled pairs."
    )
    if not np.isfinite(above):
        return f"{start} All shuffled pairs have the same cosine, so there is no scale to judge by."
    side = "more" if above >= 0 else "less"
    return (
        f"{start} Pairs are {format_value(abs(above))} standard deviations {side} similar than "
        "shuffled ones."
    )
