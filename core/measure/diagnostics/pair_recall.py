from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import format_value, per_item, percent, share
from core.measure.pair_ranks import AFFORDABLE, FEWEST
from core.measure.retrieval import Direction, recall_curve, text_to_image
from core.measure.verdicts import MIX, Advice, Threshold
from core.numerics.stats import share_interval
from core.registry import Range
from core.types import Finding, Reference, Score, Space

K = 10
GOOD, BAD = 0.6, 0.3
# Images and recall@10 of CLIP ViT-L/14@336px, zero-shot: Flickr30k and MS-COCO (Radford et al.).
PUBLISHED = ((1000, 0.952), (5000, 0.722))


@diagnostic(
    title="Recall@10",
    family="Pairs",
    source="Radford et al. Learning Transferable Visual Models From Natural Language Supervision. "
    "ICML 2021 (Table 13: recall@10 of CLIP); its scaling to other numbers of images is ours.",
    better="high",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Share of texts whose own image is among the first k results.",
    percent=True,
    threshold=Threshold(
        "recall@10 over that of CLIP among as many images", good=GOOD, bad=BAD, source="ours"
    ),
    advice=Advice(
        why="It is search itself: how often a caption finds its own image on the first page.",
        what=MIX,
    ),
    over="queries and images like these",
    vital="pairs",
    per_item=True,
)
def pair_recall(
    space: Space,
    *,
    queries: Annotated[int, Range(100, 50_000, "texts measured, at most")] = 2000,
) -> tuple[Finding, ...]:
    """Share of texts whose own image is among the first ten results, of all images.

    1 when every caption finds its image; the reference is a random order. It is the recall@10 from
    text to image of an evaluation; where items are held out (attribute `split` is `test`), their
    texts alone are queries, because an encoder may have been trained on the others.

    The more images, the harder: the verdict is on the ratio to CLIP's recall@10 among 1,000 images
    of Flickr30k (95%) and 5,000 of MS-COCO (72%), on a logistic line in the log of their number.

    Args:
        space: at least two pairs.
        queries: texts, drawn at random beyond, and fewer where images are very many; each is
            compared with all images.

    Returns:
        One finding (scope pairs). The interval is over images with their texts, as queries and as
        candidates.
        per_item: rank of the text's own image.
        curve: recall@k by k.

    Raises:
        TooFew: fewer than two pairs.

    >>> x = np.eye(12, dtype=np.float32)
    >>> rows = np.concatenate([x, x])
    >>> pairs = np.array([[i, 12 + i] for i in range(12)])
    >>> pair_recall(Space(rows, tuple(map(str, range(24))), 12, pairs))[0].value
    1.0
    """
    held_out = space.held_out if len(space.held_out) else None
    tested = space.pairs if held_out is None else space.pairs[held_out[space.pairs].all(axis=1)]
    if len(tested) < 2:
        what = "pairs of an image and a caption" + (" held out" if held_out is not None else "")
        raise TooFew("Recall@10", 2, what, len(tested), "Add captions.")
    affordable = int(AFFORDABLE / 4 / (2.0 * space.n_images * space.d))  # a vital sign is quick
    most = min(queries, max(FEWEST, affordable))
    direction = text_to_image(space, judged=held_out, most=most)
    score = direction.scores[f"recall@{K}"]
    usual = max(usual_recall(direction.n_candidates), score.chance)
    texts = len(np.unique(tested[:, 1]))
    used = len(direction.queries)
    perfect = share_interval(1.0, 0.0, direction.groups)[0]  # where every query finds its image
    return (
        Finding(
            scope="pairs",
            value=score.value,
            low=score.low,
            high=score.high,
            reference=Reference(score.chance, "a random order"),
            yardstick=score.value / usual,
            sentence=(
                f"Recall@10 from text to image is {percent(score.value, score.low, score.high)}, "
                f"against {share(score.chance)} for a random order and {share(usual)} for CLIP "
                f"among as many images. {_meaning(score, usual, perfect)}"
            ),
            detail=_detail(direction),
            sampled=(
                f"{'exact, all' if used == texts else 'random'} {used:,} of {texts:,} texts"
                f"{'' if held_out is None else ' that are held out'}, among all "
                f"{direction.n_candidates:,} images"
            ),
            per_item=per_item(space, direction.queries, direction.first_ranks.astype(np.float64)),
            per_item_title="rank of its own image",
            curve=recall_curve(direction),
        ),
    )


def usual_recall(n: int) -> float:
    """Recall@10 of CLIP among n images, on the logistic line through two published figures.

    >>> [round(usual_recall(n), 2) for n in (100, 1000, 5000, 20_000)]
    [1.0, 0.95, 0.72, 0.31]
    """
    (n1, first), (n2, second) = PUBLISHED
    start, end = np.log(first / (1 - first)), np.log(second / (1 - second))
    slope = (end - start) / np.log(n2 / n1)
    return float(1 / (1 + np.exp(-(start + slope * np.log(n / n1)))))


def _meaning(score: Score, usual: float, perfect: float) -> str:
    """What the recall means; `perfect` is the low end of the interval of a recall of 1."""
    if perfect <= score.chance:
        return "Too few images to tell search by text from guessing."
    if not score.low > score.chance:
        return "Search by text is not significantly better than guessing."
    if score.value / usual < BAD:
        return "Search by text fails for most queries."
    works = score.value / usual >= GOOD
    return "Search by text " + ("works." if works else "misses more than it should.")


def _detail(direction: Direction) -> str:
    first, rank = direction.scores["recall@1"], direction.scores["median_rank"]
    return (
        f"Recall@1 is {percent(first.value, first.low, first.high)}; the median rank of the own "
        f"image is {format_value(rank.value)} of {direction.n_candidates:,}."
    )
