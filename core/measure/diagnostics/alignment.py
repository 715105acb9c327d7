from __future__ import annotations

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import format_value, histogram
from core.measure.verdicts import MIX, Advice, Threshold
from core.numerics.spectra import Moments, moments
from core.numerics.stats import clustered_error, normal
from core.types import Doubles, Finding, Floats, Ints, Reference, Space

BLOCK = 512  # pairs whose rows stay in the cache


@diagnostic(
    title="Alignment",
    family="Pairs",
    source="Wang, Isola. Understanding Contrastive Representation Learning through Alignment and "
    "Uniformity on the Hypersphere. ICML 2020.",
    better="low",
    bounds=(0.0, 4.0),
    invariant=("rotation", "order"),
    aid="How far each pair lies apart. One hump near 0 is what alignment should look like; a "
    "second hump to the right is pairs that do not belong together.",
    threshold=Threshold(
        "mean pair cosine above that of shuffled pairs, in their standard deviations",
        good=2.0,
        bad=1.0,
        source="ours",
    ),
    advice=Advice(
        why="Search across kinds works by this and nothing else: a caption must be nearer to its "
        "picture than to others.",
        what=MIX,
    ),
    vital="pairs",
    per_item=True,
)
def alignment(space: Space) -> tuple[Finding, ...]:
    """How near an image and the text that belongs to it lie.

    The mean squared distance of the pairs, 2 - 2 cosine: 0 when every pair is one point, 2 when
    pairs are at right angles, 4 when opposite. Compare it with shuffled pairs, which is what the
    same rows give when nothing belongs together.

    Args:
        space: at least two images that have a text.

    Returns:
        One finding (scope pairs). The interval is over images: texts of one image stay together.
        per_item: mean squared distance of the item's own pairs.

    Raises:
        TooFew: fewer than two images with a text.

    >>> square = np.array([[1, 0], [0, 1], [1, 0], [0, -1]], np.float32)
    >>> alignment(Space(square, ("i", "j", "s", "t"), 2, np.array([[0, 2], [1, 3]])))[0].value
    2.0
    """
    pictures = len(np.unique(space.pairs[:, 0]))
    if pictures < 2:
        raise TooFew(
            "Alignment", 2, "images with a text of their own", pictures, "Add a captions file."
        )
    distances = 2 - 2 * _cosines(space)
    value = float(distances.mean())
    error = clustered_error(distances, space.pairs[:, 0])
    low, high = normal(value, error, 0.0, 4.0)
    shuffled, deviation = _shuffled(space)
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
            per_item=_per_item(space, distances),
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


def _shuffled(space: Space) -> tuple[float, float]:
    """Mean squared distance of an image with any text, and the deviation of their cosines."""
    image, text = moments(space, "image"), moments(space, "text")
    mean = float(image.mean @ text.mean)
    return 2 - 2 * mean, float(np.sqrt(max(0.0, _mean_square(image, text) - mean**2)))


def _mean_square(one: Moments, other: Moments) -> float:
    return float(np.einsum("ij,ij->", one.second, other.second))


def _per_item(space: Space, distances: Doubles) -> Floats:
    ends: Ints = space.pairs.T.ravel()
    counts = np.bincount(ends, minlength=space.n)
    sums = np.bincount(ends, weights=np.tile(distances, 2), minlength=space.n)
    result = np.full(space.n, np.nan, np.float32)
    has = counts > 0
    result[has] = sums[has] / counts[has]
    return result


def _sentence(value: float, low: float, high: float, shuffled: float, above: float) -> str:
    number = format_value(value, low, high)
    cosine = format_value(1 - value / 2, 1 - high / 2, 1 - low / 2)
    start = (
        f"An image and its text lie at a mean squared distance of {number} (cosine {cosine}); "
        f"shuffled pairs would lie at {shuffled:.2f}"
    )
    if not np.isfinite(above):
        return f"{start}, and all of those are alike."
    side = "more alike" if above >= 0 else "less alike"
    return f"{start}. That is {abs(above):.1f} standard deviations {side} than chance."
