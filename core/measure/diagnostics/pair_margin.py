from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import estimate, histogram, per_item_mean, percent
from core.measure.pair_ranks import PairRanks, clusters, pair_ranks
from core.measure.verdicts import MIX, Advice, Threshold
from core.numerics.spectra import moments, projections
from core.numerics.stats import best_left_out, folds, normal, two_way_error, wilson
from core.registry import Range
from core.types import Bools, Doubles, Finding, Reference, Space

UNRELATED = 1.645  # standard deviations that one unrelated image in twenty exceeds


@diagnostic(
    title="Pair margin",
    family="Pairs",
    source="Relative alignment: Oh et al. Geodesic Multi-Modal Mixup for Robust Fine-Tuning. "
    "NeurIPS 2023; the rule for misplaced captions is ours.",
    aid="Margins of the texts. Left of 0 another image is closer than the own one; inspect the "
    "far left first, captions may be misplaced there.",
    better="high",
    bounds=(-np.inf, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "share of captions that are probably misplaced", good=0.03, bad=0.07, source="ours"
    ),
    advice=Advice(
        why="A caption closer to another image than to its own is a miss for every user who types "
        "it, or a wrong caption.",
        what=MIX,
    ),
    per_item=True,
)
def pair_margin(
    space: Space,
    *,
    queries: Annotated[int, Range(100, 50_000, "texts measured, at most")] = 5000,
) -> tuple[Finding, ...]:
    """Squared distance of a text to the hardest other image minus that to its own image.

    Relative alignment with the sign reversed, so that more is better; the own image is the nearest
    of several. Above 0 it ranks first: the share of texts above 0 is recall@1. Close to 0 the pair
    is fragile. A score bias set by a hubness correction counts, as it does in search.

    A caption is probably misplaced when another image is closer and its own is no closer than one
    unrelated image in twenty: no hard negative, but a pair without any similarity. Of truly
    unrelated pairs this detects about 95 in 100.

    Args:
        space: at least two texts with an image of their own, and other images.
        queries: texts, drawn at random beyond, and fewer where images are very many; each is
            compared with all images.

    Returns:
        One finding (scope pairs). The interval is over connected groups of pairs.
        per_item: margin of a text; of an image, the mean margin of its texts.
        curve: histogram of the margins.

    Raises:
        TooFew: fewer than two such texts.

    >>> rows = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float32)
    >>> space = Space(rows, ("i", "j", "s", "t"), 2, np.array([[0, 2], [0, 3]]))
    >>> round(pair_margin(space)[0].value, 6)  # 2 - 0 and 0.4 - 0.8
    0.8
    """
    ranked = pair_ranks(space, q=queries)
    if len(ranked.texts) < 2:
        raise TooFew(
            "The pair margin",
            2,
            "texts with an image of their own beside other images",
            len(ranked.texts),
            "Add images and their captions.",
        )
    margins = 2 * (ranked.own_score - ranked.rival_score)
    value = float(margins.mean())
    low, high = normal(value, _error(space, ranked, margins))
    lost, chance = _lost(space, ranked)
    reference = float(np.mean(2 * (chance - np.maximum(ranked.own_score, ranked.rival_score))))
    sampled = f"{len(margins):,} of {ranked.n_texts:,} texts, each compared with all images"
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(reference, "shuffled pairs"),
            yardstick=float(lost.mean()),
            sentence=(
                f"The mean pair margin is {estimate(value, low, high)}, against {reference:.2f} "
                f"for shuffled pairs. The own image ranks first for "
                f"{100 * (ranked.rank == 1).mean():.3g}% of the texts."
            ),
            detail=_detail(lost),
            sampled=f"exact, all {sampled}"
            if len(margins) == ranked.n_texts
            else f"random {sampled}",
            per_item=per_item_mean(
                space, np.concatenate([ranked.texts, ranked.own]), np.tile(margins, 2)
            ),
            per_item_title="margin to the hardest other (below 0: another is closer)",
            curve=histogram(margins, "margin", "texts"),
        ),
    )


def _error(space: Space, ranked: PairRanks, margins: Doubles) -> float:
    """Standard error over images: as those of the texts, and as the hardest others."""
    cluster = clusters(space, np.arange(space.n))
    fold = folds(cluster)
    count = int(fold.max()) + 1
    following = np.where(np.isfinite(ranked.next_score), ranked.next_score, ranked.rival_score)
    without = best_left_out(margins, 2 * (ranked.own_score - following), fold[ranked.rival], count)
    kept = fold[ranked.texts][:, None] != np.arange(count)
    return two_way_error(margins, without, kept, cluster[ranked.texts])


def _lost(space: Space, ranked: PairRanks) -> tuple[Bools, Doubles]:
    """Texts that are probably misplaced, and each text's mean score with any image."""
    image = moments(space, "image")
    rows = space.vectors[ranked.texts]
    mean = projections(rows, image.mean)
    variance = np.einsum("ij,ij->i", rows.astype(np.float64) @ image.covariance, rows)
    own = np.einsum("ij,ij->i", rows, space.vectors[ranked.own], dtype=np.float64)
    lost: Bools = (
        (ranked.rank > 1)
        & (variance > 1e-12)
        & (own - mean < UNRELATED * np.sqrt(np.maximum(variance, 0.0)))
    )
    return lost, mean - float(space.offset[: space.n_images].mean(dtype=np.float64))


def _detail(lost: Bools) -> str:
    count, q = int(lost.sum()), len(lost)
    low, high = wilson(count, q)
    return (
        f"{count:,} of {q:,} captions ({percent(float(lost.mean()), low, high)}) are probably "
        "misplaced: another image is closer, their own no closer than one unrelated image in 20."
    )
