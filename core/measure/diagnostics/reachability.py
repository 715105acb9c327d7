from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, by_count, format_value, per_item, percent, share
from core.measure.pair_ranks import clusters
from core.measure.verdicts import NNN, Advice, Threshold
from core.numerics.neighbors import occurrences_without, top_k
from core.numerics.stats import folds, share_interval, two_way_error, unseen_share
from core.registry import Range
from core.types import Finding, Ints, Reference, Space

BILLION = 1e9
FOLDS = 25  # of the jackknife
SPARE = 10  # results beyond k, for those that are left out
MISSED = "Queries like these captions do not reach those images."
REACHED = "Queries like these captions reach as many images as random lists do."
EXTRAPOLATED = 0.2  # least share of the captions from which all are extrapolated


@diagnostic(
    title="Reachability",
    worst="low",
    family="Neighborhoods",
    source="Radovanovic, Nanopoulos, Ivanovic. Hubs in Space. JMLR 2010 (anti-hubs); across "
    "modalities and as a list of images: ours. Chao et al. Ecological Monographs 2014 "
    "(rarefaction).",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Number of images by how many captions retrieve them. Those at 0 are retrieved by no "
    "caption.",
    percent=True,
    threshold=Threshold(
        "share of unreachable images that random lists would reach",
        good=0.05,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="An image that no caption retrieves might as well not be in the collection.", what=NNN
    ),
    over="queries and images like these",
    per_item=True,
)
def reachability(
    space: Space,
    *,
    k: Annotated[int, Range(1, 100, "results per caption")] = 10,
    budget: Annotated[float, Range(1e-4, 1e7, "billions of operations to spend")] = 500.0,
) -> tuple[Finding, ...]:
    """Share of images that no caption retrieves among its first k results.

    Every text retrieves its k best images, as search does (score biases count); the value is the
    share of images on no list. An image that even its own caption does not retrieve is invisible in
    practice. The reference is random lists of the same number and length, which miss some images
    where captions are few.

    It is exact where 2 q n d operations are within the budget (500 billion take about 15 s on two
    cores). Beyond, a random part of the captions is used, and the share for all of them is
    estimated (the share missed by the part is an upper bound); or, when less than a fifth of them
    is affordable, a random part of the images is searched with the same part of the captions.

    Args:
        space: more than k images and at least two texts.
        k: 10 is a page of results.
        budget: raise it for an exact value.

    Returns:
        One finding (scope joint). The interval is over images with their captions, as queries and
        as results.
        per_item: captions that retrieve the image; 0 is unreachable.
        curve: number of images by that count.

    Raises:
        TooFew: k or fewer images, or fewer than two texts.

    >>> rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]  # no text is near the third
    >>> reachability(Space(rows, tuple("abcde"), 3), k=1)[0].value.__round__(3)
    0.333
    """
    both_kinds(space, 2, "Reachability")
    if space.n_images <= k:
        raise TooFew("Reachability", k + 1, "images", space.n_images, "Add images.")
    lists = _plan(space, k, budget)
    return (_finding(space, lists, _near(space, lists, k + SPARE), k),)


@dataclass(frozen=True)
class QueryLists:
    """Rows of images and of captions that are used."""

    images: Ints
    texts: Ints

    def share_of_texts(self, space: Space) -> float:
        """Share used of the captions that belong to this part of the images."""
        expected = (space.n - space.n_images) * len(self.images) / space.n_images
        return min(1.0, len(self.texts) / expected)


def _plan(space: Space, k: int, budget: float) -> QueryLists:
    """All; a part of the captions; or the same part of both, as the budget allows."""
    q, n = space.n - space.n_images, space.n_images
    share = budget * BILLION / (2.0 * q * n * space.d)
    rng = np.random.default_rng(0)
    everyone, texts = np.arange(n), np.arange(n, space.n)
    if share >= 1:
        return QueryLists(everyone, texts)
    if share >= EXTRAPOLATED:
        return QueryLists(
            everyone, np.sort(rng.choice(texts, max(2, int(share * q)), replace=False))
        )
    part = np.sqrt(share)
    images = rng.choice(everyone, min(n, max(k + 1, round(part * n))), replace=False)
    return QueryLists(
        np.sort(images), np.sort(rng.choice(texts, max(2, round(part * q)), replace=False))
    )


def _near(space: Space, lists: QueryLists, k: int) -> Ints:
    """(q, k) places of the images that each caption retrieves."""
    whole = len(lists.images) == space.n_images
    rows = space.images if whole else space.vectors[lists.images]
    bias = space.offset[lists.images]
    return np.concatenate(
        [
            top_k(
                space.vectors[lists.texts[start : start + 4096]],
                rows,
                k,
                offset=bias if bias.any() else None,
            )[0].astype(np.int32)
            for start in range(0, len(lists.texts), 4096)
        ]
    )


def _finding(space: Space, lists: QueryLists, near: Ints, k: int) -> Finding:
    n = len(lists.images)
    counts = np.bincount(near[:, :k].ravel(), minlength=n)
    used = lists.share_of_texts(space)
    part = used < 1 and n == space.n_images
    q = space.n - space.n_images if part else len(lists.texts)
    seen = float((counts == 0).mean())
    one, other = unseen_share(counts, used) if part else (seen, seen)
    cluster = clusters(space, np.arange(space.n))
    fold = folds(cluster, count=FOLDS)
    kept = fold[lists.images][:, None] != np.arange(int(fold.max()) + 1)
    without = np.zeros(kept.shape)
    for number, reduced in occurrences_without(near, k, fold[lists.texts], fold[lists.images]):
        without[kept[:, number], number] = reduced == 0
    error = two_way_error((counts == 0).astype(float), without, kept, cluster[lists.images])
    # The share missed by a part of the captions is an upper bound; the estimates give the lower.
    low = share_interval(min(one, other), error, cluster[lists.images])[0]
    high = share_interval(seen, error, cluster[lists.images])[1]
    chance = float(np.exp(q * np.log1p(-min(k / n, 1 - 1e-12))))
    return Finding(
        scope="joint",
        value=one,
        low=low,
        high=high,
        reference=Reference(chance, "random lists of the same number and length"),
        yardstick=max(0.0, one - chance) / max(1 - chance, 1e-9),
        sentence=(
            f"The share of images on no caption's first {k} results is "
            f"{percent(one, low, high)}, against {share(chance)} for random lists. "
            f"{MISSED if one > chance else REACHED}"
        ),
        detail=_detail(counts, seen if part else None),
        sampled=_sampled(space, lists),
        per_item=per_item(space, lists.images, counts.astype(np.float64)),
        per_item_title=f"captions that retrieve it in their first {k}",
        curve=by_count(counts, "captions that retrieve an image", "images"),
    )


def _detail(counts: Ints, seen: float | None) -> str:
    bound = "" if seen is None else f" (of all images at most {share(seen)})"
    none = int((counts == 0).sum())
    some = (
        "Every image is on some list"
        if not none
        else (f"{none:,} of the {len(counts):,} images {'is' if none == 1 else 'are'} on no list")
    )
    times = format_value(float(counts.max() / max(float(counts.mean()), 1e-9)))
    return f"{some}{bound}; the most frequent one is on {times} times as many lists as the average."


def _sampled(space: Space, lists: QueryLists) -> str:
    texts = space.n - space.n_images
    if len(lists.texts) == texts and len(lists.images) == space.n_images:
        return f"exact, all {texts:,} captions among all {space.n_images:,} images"
    return (
        f"random {len(lists.texts):,} of {texts:,} captions among "
        f"{len(lists.images):,} of {space.n_images:,} images"
    )
