from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import (
    count,
    estimate,
    format_value,
    histogram,
    per_item_mean,
    share,
)
from core.measure.pair_check import FALSE_SHARE, FEWEST, JUDGES, PairCheck, check_pairs
from core.measure.pair_ranks import PairRanks, clusters, pair_ranks
from core.measure.verdicts import MIX, Advice, Threshold
from core.numerics.spectra import moments, projections
from core.numerics.stats import best_left_out, folds, normal, two_way_error
from core.registry import Range
from core.types import Doubles, Finding, Reference, Space


@diagnostic(
    title="Pair margin",
    worst="low",
    family="Pairs",
    source="Relative alignment: Oh et al. Geodesic Multi-Modal Mixup for Robust Fine-Tuning. "
    "NeurIPS 2023; the mixture for misplaced captions is ours, with Azzalini. A Class of "
    "Distributions Which Includes the Normal Ones. Scand. J. Statist. 1985.",
    aid="Margins of the texts. Left of 0 another image is closer than the own one.",
    better="high",
    bounds=(-np.inf, np.inf),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "estimated share of captions that belong elsewhere", good=0.03, bad=0.07, source="ours"
    ),
    advice=Advice(
        why="A caption closer to another image than to its own is a miss for every user who types "
        "it, or a wrong caption.",
        what=MIX,
    ),
    over="texts and images like these",
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

    The pairs are also compared with pairs swapped at random: the AUC is the probability that a
    pair is more similar than a swapped one. From 0.8 on, the share of captions that belong
    elsewhere is estimated from a mixture of swapped and right pairs, and captions are counted as
    probably misplaced while the estimated false-discovery share is at most 15%. Below, and for
    fewer than 100 texts, no caption is.

    Args:
        space: at least two texts with an image of their own, and other images.
        queries: texts, drawn at random beyond, and fewer where images are very many; each is
            compared with all images.

    Returns:
        One finding (scope pairs). The interval is over images with their texts, also as what is
        closest to other texts; none below 10.
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
    draws = len(np.unique(clusters(space, ranked.texts)))
    low, high = normal(value, _error(space, ranked, margins), draws=draws)
    checked = check_pairs(space, ranked)
    mean = projections(space.vectors[ranked.texts], moments(space, "image").mean)
    chance = mean - float(space.offset[: space.n_images].mean(dtype=np.float64))
    reference = float(np.mean(2 * (chance - np.maximum(ranked.own_score, ranked.rival_score))))
    sampled = f"{len(margins):,} of {ranked.n_texts:,} texts, each compared with all images"
    return (
        Finding(
            scope="pairs",
            value=value,
            low=low,
            high=high,
            reference=Reference(reference, "shuffled pairs"),
            yardstick=checked.share if checked.judges else float("nan"),
            sentence=(
                f"The mean pair margin is {estimate(value, low, high)}, against "
                f"{format_value(reference)} for shuffled pairs; the own image ranks first for "
                f"{share(float((ranked.rank == 1).mean()))} of the texts. {_misplaced(checked)}"
            ),
            detail=_detail(checked),
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
    number = int(fold.max()) + 1
    following = np.where(np.isfinite(ranked.next_score), ranked.next_score, ranked.rival_score)
    without = best_left_out(margins, 2 * (ranked.own_score - following), fold[ranked.rival], number)
    kept = fold[ranked.texts][:, None] != np.arange(number)
    return two_way_error(margins, without, kept, cluster[ranked.texts])


def _misplaced(checked: PairCheck) -> str:
    if not checked.judges:
        few = len(checked.flagged) < FEWEST
        return (
            "Too few texts to judge single captions."
            if few
            else "This encoder cannot judge these captions."
        )
    some = int(checked.flagged.sum())
    if some:
        return f"{count(some, 'caption is', 'captions are')} probably misplaced."
    if checked.share:
        return f"About {share(checked.share)} are misplaced, but not discernible one by one."
    return "No caption stands out as misplaced."


def _detail(checked: PairCheck) -> str:
    auc = estimate(checked.auc, checked.low, checked.high)
    result = f"Against pairs swapped at random the AUC of similarity is {auc}"
    if not checked.judges:
        return f"{result}; from {JUDGES:g} and {FEWEST} texts on, single captions can be judged."
    if not checked.share:
        return f"{result}. No share of swapped pairs is needed to explain the similarities."
    return (
        f"{result}. The estimated share of misplaced captions is {share(checked.share)}; of those "
        f"counted as probably misplaced about {share(FALSE_SHARE)} at most are right."
    )
