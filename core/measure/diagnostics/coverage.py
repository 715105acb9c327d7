from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, estimate, histogram, per_item
from core.measure.pair_ranks import clusters
from core.measure.verdicts import Advice, Threshold
from core.numerics.neighbors import top_k
from core.numerics.sampling import sampled_rows
from core.numerics.spectra import moments
from core.numerics.stats import clustered_error, normal
from core.registry import Choices, Range
from core.types import Doubles, Finding, Floats, Reference, Space

OUTLYING = 0.99  # share of images closer to another image than the limit


@diagnostic(
    title="Coverage",
    family="Neighbourhoods",
    source="Venkataramanan, Kijak, Amsaleg, Avrithis. It Takes Two to Tango: Mixup for Deep "
    "Metric Learning. ICLR 2022 (utilization); the out-of-coverage rate is ours.",
    better="low",
    bounds=(0.0, 4.0),
    invariant=("rotation", "order"),
    aid="Squared distance of each text to its nearest image. The far right are texts about things "
    "of which there is no image.",
    threshold=Threshold(
        "share of texts farther from any image than 99% of the images are",
        good=0.05,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="A query in a region without images returns whatever is nearest, however far that is.",
        what="Add images for the texts behind it; until then limit results by their probability "
        "under the null. Check the share again afterwards.",
    ),
    per_item=True,
)
def coverage(
    space: Space,
    *,
    center: Annotated[str, Choices(("yes", "no"), "subtract each kind's mean first")] = "yes",
    queries: Annotated[int, Range(100, 50_000, "texts, and images, measured, at most")] = 2000,
    candidates: Annotated[int, Range(100, 1_000_000, "images to choose from")] = 50_000,
) -> tuple[Finding, ...]:
    """Whether the images cover the region where the texts are.

    Utilization u: the mean squared distance of a text to its nearest image. 0 when every text
    coincides with an image, 2 when orthogonal, 4 when opposite. Each kind is centered first,
    because the modality gap would dominate it otherwise. The reference is the distance of an image
    to its nearest other image; texts beyond the 99th percentile of that are out of coverage, and
    the verdict is on their share.

    Args:
        space: at least two different images and two texts.
        center: "no" measures the rows as they are.
        queries: texts, and images left out in turn; random ones beyond.
        candidates: beyond so many a random part of the images is searched.

    Returns:
        One finding (scope joint). Texts of one image are one cluster for the interval.
        per_item: squared distance of the text to the nearest image.

    Raises:
        TooFew: fewer than two images or texts, or all of a kind are the same.

    >>> rows = np.array([[1, 0], [0, 1], [2**-.5, 2**-.5], [1, 0]], np.float32)
    >>> round(coverage(Space(rows, tuple("abcd"), 2), center="no")[0].value, 6)  # half 2 - sqrt 2
    0.292893
    """
    both_kinds(space, 2, "Coverage")
    texts = sampled_rows(space, "text", queries, 1)
    images = sampled_rows(space, "image", candidates, 2)
    rows, queried = space.vectors[images], space.vectors[texts]
    if center == "yes":
        rows = _centered(rows, moments(space, "image").mean)
        queried = _centered(queried, moments(space, "text").mean)
    alone = np.sort(
        np.random.default_rng(3).choice(len(rows), min(len(rows), queries), replace=False)
    )
    within = _nearest(rows[alone], rows, exclude=alone)
    distances = _nearest(queried, rows)
    limit = float(np.quantile(within, OUTLYING))
    out = float((distances > limit + 1e-6).mean())
    value = float(distances.mean())
    error = clustered_error(distances, clusters(space, texts))
    low, high = normal(value, error, 0.0, 4.0)
    whole = len(texts) == space.n - space.n_images and len(images) == space.n_images
    return (
        Finding(
            scope="joint",
            value=value,
            low=low,
            high=high,
            reference=Reference(float(within.mean()), "an image among the other images"),
            yardstick=out,
            sentence=(
                "The mean squared distance of a text to its nearest image is "
                f"{estimate(value, low, high)}, against {within.mean():.2g} between images. "
                f"{out:.1%} of the texts are out of coverage: farther than 99% of the images are."
            ),
            detail=(
                f"95% of the texts are closer than {np.quantile(distances, 0.95):.2g}; the limit "
                f"of coverage is {limit:.2g}."
            ),
            sampled=(
                f"{'exact, all' if whole else 'random'} {len(texts):,} of "
                f"{space.n - space.n_images:,} texts among {len(images):,} of "
                f"{space.n_images:,} images{', each kind centered' if center == 'yes' else ''}"
            ),
            per_item=per_item(space, texts, distances),
            per_item_title="squared distance to the nearest image",
            curve=histogram(distances, "squared distance to the nearest image", "texts"),
        ),
    )


def _centered(rows: Floats, mean: Doubles) -> Floats:
    """The rows minus the mean, normalized, in place."""
    rows -= mean.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    if not float(lengths.max()) > 1e-5:
        raise TooFew("Coverage", 2, "different items of each kind", 1, "Add more items.")
    rows /= np.maximum(lengths, np.float32(1e-12))
    return rows


def _nearest(queries: Floats, rows: Floats, exclude: np.ndarray | None = None) -> Doubles:
    """(q,) squared distance to the nearest row, in float64."""
    result = top_k(queries, rows, 1, exclude=exclude)[0][:, 0]
    off = queries.astype(np.float64) - rows[result]
    squared: Doubles = np.einsum("ij,ij->i", off, off)
    return squared
