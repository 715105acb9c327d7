from __future__ import annotations

import numpy as np

from core.measure.findings import count, estimate, format_value, percent
from core.measure.probe_data import (
    Augmented,
    ProbeData,
    check_images,
    relative_similarity,
    unrelated,
)
from core.measure.probes import probe
from core.measure.verdicts import Advice, Threshold
from core.numerics.neighbors import ranks
from core.numerics.stats import wilson
from core.types import Curve, Finding, Floats, Ints, Reference

LEAST = 10
RESAMPLES = 1000


@probe(
    title="Invariance",
    family="Encoder",
    source="Garrido, Najman, LeCun. Self-supervised learning of Split Invariant Equivariant "
    "representations. ICML 2023; scaled by unrelated images: ours.",
    aid="Relative similarity of an image to itself, against the strength of the augmentation: 0 "
    "is the image as it is, 4 the strongest.",
    better="high",
    bounds=(-np.inf, 1.0),
    takes="images",
    over="images like these",
    threshold=Threshold(
        "cosine with the augmented image, 0 for unrelated images and 1 for no change",
        good=0.8,
        bad=0.4,
        source="ours",
    ),
    advice=Advice(
        why="An image should be retrieved although it was cropped, rotated or compressed; if its "
        "vector moves, it will not be.",
        what="Average the vectors of augmented images, or use another encoder; keep it if recall "
        "with augmented queries rises and plain recall does not drop.",
    ),
)
def invariance(data: ProbeData) -> tuple[Finding, ...]:
    """Similarity of an image to itself after rotation, cropping, blur or recoding.

    I = (c - c0) / (1 - c0), with c the mean cosine of an image and its augmented self and c0 that
    of two different images. 1 when the augmentation is ignored, 0 when the image becomes any other.
    Whether that is wanted depends on the search: a search for a red car needs its color.

    Args:
        data: at least 10 images, a random sample of the collection; 200 suffice.

    Returns:
        A finding for each augmentation, named "invariance: rotation" and so on, of scope image, at
        its usual strength, with the bootstrap interval over images; the detail gives how
        often the augmented image retrieves the original first.
        per_item: cosine of each image with its augmented self.
        curve: I against the strength of the augmentation.

    Raises:
        TooFew: fewer than 10 images.
        InputError: the encoder gives all images the same vector.

    >>> rows = np.eye(10, dtype=np.float32)  # ten orthogonal images; each keeps a cosine of 0.6
    >>> near = 0.6 * rows + 0.8 * np.roll(rows, 1, axis=0)
    >>> result = invariance(ProbeData(rows, {"tilt": Augmented(near[:, None], ("a bit",), 0)}))
    >>> round(result[0].value, 6)
    0.6
    """
    check_images(data, "Invariance", LEAST)
    return tuple(_finding(name, data.images, c) for name, c in data.changed.items())


def _finding(name: str, originals: Floats, change: Augmented) -> Finding:
    n = len(originals)
    cosines = np.einsum("id,ivd->iv", originals, change.rows, dtype=np.float64)
    one = np.ones((1, n))
    unlike = float(unrelated(originals, one)[0])
    steps = [float(relative_similarity(originals, same, one)[0]) for same in cosines.T]
    value, same = steps[change.usual], cosines[:, change.usual]
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = relative_similarity(originals, same, weights.astype(np.float64))
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    first = int((_own_rank(originals, change.rows[:, change.usual]) == 1).sum())
    ends = wilson(first, n)
    low, high = min(low, value), max(high, value)
    return Finding(
        name=name,
        scope="image",
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, "two different images"),
        sentence=(
            f"Invariance to {name} ({change.strengths[change.usual]}) is "
            f"{estimate(value, low, high)}, against 0 for unrelated images. Below 1, augmented "
            "copies are harder to retrieve."
        ),
        detail=(
            f"Cosine {format_value(float(same.mean()))}; two different images have "
            f"{format_value(unlike)}. The augmented image retrieves the original first for "
            f"{percent(first / n, *ends)} of {count(n, 'image')}."
        ),
        sampled=f"{n:,} images, each among all of them",
        per_item=same.astype(np.float32),
        per_item_title=f"cosine with itself after {name}",
        curve=Curve(
            np.arange(len(steps) + 1.0),
            np.array([1.0, *steps]),
            "strength of the augmentation",
            "relative similarity",
        ),
    )


def _own_rank(originals: Floats, changed: Floats) -> Ints:
    """(n,) rank of each image for its augmented view among all different images."""
    _, first, code = np.unique(originals, axis=0, return_index=True, return_inverse=True)
    rows = np.sort(first)
    own = np.searchsorted(rows, first)[code]
    return ranks(changed, originals[rows], np.stack([np.arange(len(own)), own], axis=1))
