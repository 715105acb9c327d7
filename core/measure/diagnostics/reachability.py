from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, per_item, percent, share
from core.measure.verdicts import NNN, Advice, Threshold
from core.numerics.neighbors import top_k
from core.numerics.stats import Z, unseen_share, wilson
from core.registry import Range
from core.types import Curve, Finding, Ints, Reference, Space

BILLION = 1e9
EXTRAPOLATED = 0.2  # least share of the captions from which all are extrapolated


@diagnostic(
    title="Reachability",
    family="Neighbourhoods",
    source="Radovanovic, Nanopoulos, Ivanovic. Hubs in Space. JMLR 2010 (anti-hubs); across "
    "modalities and as a list of images: ours. Chao et al. Ecological Monographs 2014 "
    "(rarefaction).",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Number of images by how many captions retrieve them. Those at 0 are retrieved by no "
    "caption.",
    threshold=Threshold(
        "share of unreachable images that random lists would reach",
        good=0.05,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="An image that no caption retrieves might as well not be in the collection.", what=NNN
    ),
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
        One finding (scope joint).
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
    result = _counts(space, lists, k)
    return (_finding(space, lists, result, k),)


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


def _counts(space: Space, lists: QueryLists, k: int) -> Ints:
    """(m,) captions that retrieve each image."""
    whole = len(lists.images) == space.n_images
    rows = space.images if whole else space.vectors[lists.images]
    bias = space.offset[lists.images]
    counts = np.zeros(len(lists.images), np.int64)
    for start in range(0, len(lists.texts), 4096):
        queries = space.vectors[lists.texts[start : start + 4096]]
        near = top_k(queries, rows, k, offset=bias if bias.any() else None)[0]
        counts += np.bincount(near.ravel(), minlength=len(counts))
    return counts


def _finding(space: Space, lists: QueryLists, counts: Ints, k: int) -> Finding:
    used, n = lists.share_of_texts(space), len(counts)
    part = used < 1 and n == space.n_images
    q = space.n - space.n_images if part else len(lists.texts)
    seen = float((counts == 0).mean())
    one, other = unseen_share(counts, used) if part else (seen, seen)
    low, high = wilson(seen * n, n)
    if part:  # the share missed by the sample is an upper bound; the estimates give the lower
        spread_of = Z * np.sqrt(min(one, other) * (1 - min(one, other)) / n)
        low, high = max(0.0, min(one, other) - spread_of), max(seen, one)
    chance = float(np.exp(q * np.log1p(-min(k / n, 1 - 1e-12))))
    return Finding(
        scope="joint",
        value=one,
        low=min(low, one),
        high=max(high, one),
        reference=Reference(chance, "random lists of the same number and length"),
        yardstick=max(0.0, one - chance) / max(1 - chance, 1e-9),
        sentence=(
            f"The share of images on no caption's first {k} results is "
            f"{percent(one, min(low, one), max(high, one))}, "
            f"against {share(chance)} for random lists. Search does not reach them."
        ),
        detail=_detail(counts, seen if part else None),
        sampled=_sampled(space, lists),
        per_item=per_item(space, lists.images, counts.astype(np.float64)),
        per_item_title=f"captions that retrieve it in their first {k}",
        curve=_by_count(counts),
    )


def _detail(counts: Ints, seen: float | None) -> str:
    bound = "" if seen is None else f" (of all images at most {seen:.1%})"
    return (
        f"{int((counts == 0).sum()):,} of {len(counts):,} images are on no list{bound}; the most "
        f"frequent one is on {counts.max() / max(float(counts.mean()), 1e-9):.0f} times as many "
        "lists as the average."
    )


def _sampled(space: Space, lists: QueryLists) -> str:
    texts = space.n - space.n_images
    if len(lists.texts) == texts and len(lists.images) == space.n_images:
        return f"exact, all {texts:,} captions among all {space.n_images:,} images"
    return (
        f"random {len(lists.texts):,} of {texts:,} captions among "
        f"{len(lists.images):,} of {space.n_images:,} images"
    )


def _by_count(counts: Ints) -> Curve:
    times, images = np.unique(counts, return_counts=True)
    return Curve(
        times.astype(np.float64),
        images.astype(np.float64),
        "captions that retrieve an image",
        "images",
        log_y=True,
    )
