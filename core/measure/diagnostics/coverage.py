from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, estimate, format_value, histogram, per_item, share
from core.measure.pair_ranks import clusters
from core.measure.verdicts import Advice, Threshold
from core.numerics.neighbors import top_k
from core.numerics.sampling import sampled_rows
from core.numerics.spectra import moments
from core.numerics.stats import best_left_out, folds, normal, two_way_error
from core.registry import Choices, Range
from core.types import Doubles, Finding, Floats, Ints, Reference, Space

PAGE = 10  # results among which a text should find its own image
RELATED = 0.1  # share of texts that do, above chance: below it nearness says nothing
FAR = 0.25  # share out of coverage above which it is bad
ROUNDING = 1e-6  # of a mean distance between float32 rows
OUTLYING = 0.99  # share of images closer to another image than the limit


@diagnostic(
    title="Coverage",
    concern="Many texts have no image near them",
    family="Neighborhoods",
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
        bad=FAR,
        source="ours",
    ),
    advice=Advice(
        why="A query in a region without images returns whatever is nearest, however far that is.",
        what="Add images for the texts behind it; until then limit results by their probability "
        "under the null. Check the share again afterwards.",
    ),
    over="texts and images like these",
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
        One finding (scope joint). The interval is over images with their texts, as queries and as
        what is nearest; none below 10. Where captions hardly find their own images there is no
        verdict of good.
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
    within = _distances(rows[alone], rows, top_k(rows[alone], rows, 1, exclude=alone)[0][:, 0])
    near = top_k(queried, rows, PAGE)[0]
    distances = _distances(queried, rows, near[:, 0])
    next_ones = _distances(queried, rows, near[:, min(1, near.shape[1] - 1)])
    limit = float(np.quantile(within, OUTLYING))
    out = float((distances > limit + ROUNDING).mean())
    value = float(distances.mean())
    error = _error(space, texts, images[near[:, 0]], distances, next_ones)
    draws = min(len(np.unique(clusters(space, of_kind))) for of_kind in (texts, images))
    low, high = normal(value, error, 0.0, 4.0, draws=draws)
    found = _found(space, texts, images, near)
    whole = len(texts) == space.n - space.n_images and len(images) == space.n_images
    return (
        Finding(
            scope="joint",
            value=value,
            low=low,
            high=high,
            reference=Reference(float(within.mean()), "an image among the other images"),
            yardstick=out if found >= RELATED or out > FAR else float("nan"),
            sentence=(
                "Coverage (mean squared distance between a text and its nearest image) is "
                f"{estimate(value, low, high)}, against {format_value(float(within.mean()))} "
                f"between images. {share(out)} of the texts are farther than 99% of the images."
            ),
            detail=_detail(distances, limit, found),
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


def _distances(queries: Floats, rows: Floats, nearest: Ints) -> Doubles:
    """(q,) squared distance to some rows, in float64."""
    off = queries.astype(np.float64) - rows[nearest]
    squared: Doubles = np.einsum("ij,ij->i", off, off)
    return squared


def _error(
    space: Space, texts: Ints, nearest: Ints, distances: Doubles, next_ones: Doubles
) -> float:
    """Standard error over images: as what texts belong to, and as what is nearest to a text."""
    cluster = clusters(space, np.arange(space.n))
    fold = folds(cluster)
    count = int(fold.max()) + 1
    without = best_left_out(distances, next_ones, fold[nearest], count)
    kept = fold[texts][:, None] != np.arange(count)
    return two_way_error(distances, without, kept, cluster[texts])


def _found(space: Space, texts: Ints, images: Ints, near: Ints) -> float:
    """Share of the texts with one of their own images on the first page, above chance.

    0 is a random order, 1 all; 1 where no text has an image of its own.
    """
    image, text = space.pairs[np.isin(space.pairs[:, 0], images)].T
    own = np.zeros(0, bool)
    asked = np.isin(text, texts)
    if asked.any():
        place = np.searchsorted(texts, text[asked])
        hit = (images[near[place]] == image[asked][:, None]).any(axis=1)
        own = np.bincount(place, weights=hit)[np.unique(place)] > 0
    chance = min(1.0, near.shape[1] / len(images))
    return float((own.mean() - chance) / max(1 - chance, 1e-9)) if len(own) and chance < 1 else 1.0


def _detail(distances: Doubles, limit: float, found: float) -> str:
    quantile = format_value(float(np.quantile(distances, 0.95)))
    result = (
        f"95% of the texts are closer than {quantile}; the limit of coverage is "
        f"{format_value(limit)}."
    )
    if found >= RELATED:
        return result
    return (
        f"{result} Captions hardly find their own images, so that a near image need not show what "
        "a text says: there is no verdict of good coverage."
    )
