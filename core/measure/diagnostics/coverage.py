from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, format_value, histogram, per_item
from core.measure.verdicts import Advice, Threshold
from core.numerics.neighbors import top_k
from core.numerics.sampling import groups, sampled_rows
from core.numerics.spectra import moments
from core.numerics.stats import clustered_error, normal
from core.registry import Choices, Range
from core.types import Doubles, Finding, Floats, Reference, Space

OUTLYING = 0.99  # share of images whose nearest other image is nearer than the limit


@diagnostic(
    title="Coverage",
    family="Neighbourhoods",
    source="Venkataramanan, Kijak, Amsaleg, Avrithis. It Takes Two to Tango: Mixup for Deep "
    "Metric Learning. ICLR 2022 (utilization); the out-of-coverage rate is ours.",
    better="low",
    bounds=(0.0, 4.0),
    invariant=("rotation", "order"),
    aid="Squared distance of each text to the nearest picture. What lies right of most is asked "
    "about things of which there is no picture.",
    threshold=Threshold(
        "share of texts farther from any image than 99% of the images are",
        good=0.05,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="Questions that land where there is no picture are answered with whatever is nearest, "
        "however far that is.",
        what="Add pictures for the texts behind it; until then show fewer results by the chance "
        "under the null. Check the share again afterwards.",
    ),
    per_item=True,
)
def coverage(
    space: Space,
    *,
    centre: Annotated[str, Choices(("yes", "no"), "take each kind's mean out first")] = "yes",
    queries: Annotated[int, Range(100, 50_000, "texts, and images, looked at, at most")] = 2000,
    candidates: Annotated[int, Range(100, 1_000_000, "images to choose from")] = 50_000,
) -> tuple[Finding, ...]:
    """Whether there are pictures where the texts look for them.

    Utilization u: the mean squared distance of a text to its nearest image. 0 when every text lies
    on an image, 2 at right angles, 4 opposite. Each kind is centred first, because the modality
    gap would be most of it otherwise. The reference is what images find among the other images;
    texts beyond the 99th percentile of that are out of coverage, and the verdict is on their share.

    Args:
        space: at least two different images and two texts.
        centre: "no" measures the rows as they are.
        queries: texts asked, and images left out in turn; random ones beyond.
        candidates: beyond so many a random part of the images is searched.

    Returns:
        One finding (scope joint). Texts of one picture are one draw for the interval.
        per_item: squared distance of the text to the nearest image.

    Raises:
        TooFew: fewer than two images or texts, or all of a kind are the same.

    >>> rows = np.array([[1, 0], [0, 1], [2**-.5, 2**-.5], [1, 0]], np.float32)
    >>> round(coverage(Space(rows, tuple("abcd"), 2), centre="no")[0].value, 6)  # half 2 - sqrt 2
    0.292893
    """
    both_kinds(space, 2, "Coverage")
    texts = sampled_rows(space, "text", queries, 1)
    images = sampled_rows(space, "image", candidates, 2)
    rows, asks = space.vectors[images], space.vectors[texts]
    if centre == "yes":
        rows = _less(rows, moments(space, "image").mean)
        asks = _less(asks, moments(space, "text").mean)
    alone = np.sort(
        np.random.default_rng(3).choice(len(rows), min(len(rows), queries), replace=False)
    )
    within = _nearest(rows[alone], rows, exclude=alone)
    distances = _nearest(asks, rows)
    limit = float(np.quantile(within, OUTLYING))
    out = float((distances > limit + 1e-6).mean())
    value = float(distances.mean())
    together = groups(space)[texts]
    several = len(np.unique(together)) > 1
    error = clustered_error(distances, together if several else texts)
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
                "The nearest image lies at a mean squared distance of "
                f"{format_value(value, low, high)} "
                f"from a text; an image finds another at {within.mean():.2g}. 95% of the texts "
                f"are nearer than {np.quantile(distances, 0.95):.2g}, and {out:.1%} are farther "
                f"than 99% of the images are from theirs ({limit:.2g}): out of coverage."
            ),
            sampled=(
                f"{'exact, all' if whole else 'random'} {len(texts):,} of "
                f"{space.n - space.n_images:,} texts among {len(images):,} of "
                f"{space.n_images:,} images{', each kind centred' if centre == 'yes' else ''}"
            ),
            per_item=per_item(space, texts, distances),
            per_item_title="squared distance to the nearest image",
            curve=histogram(distances, "squared distance to the nearest image", "texts"),
        ),
    )


def _less(rows: Floats, mean: Doubles) -> Floats:
    """The rows less the mean, brought back to length 1, in their own place."""
    rows -= mean.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    if not float(lengths.max()) > 1e-5:
        raise TooFew("Coverage", 2, "different items of each kind", 1, "Add more items.")
    rows /= np.maximum(lengths, np.float32(1e-12))
    return rows


def _nearest(asks: Floats, rows: Floats, exclude: np.ndarray | None = None) -> Doubles:
    """(q,) squared distance to the nearest row, in float64."""
    found = top_k(asks, rows, 1, exclude=exclude)[0][:, 0]
    off = asks.astype(np.float64) - rows[found]
    squared: Doubles = np.einsum("ij,ij->i", off, off)
    return squared
