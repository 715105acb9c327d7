from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, format_value, per_item, share
from core.measure.verdicts import NNN, Advice, Threshold
from core.numerics.neighbors import top_k
from core.numerics.stats import Z, unseen_share, wilson
from core.registry import Range
from core.types import Curve, Finding, Ints, Reference, Space

BILLION = 1e9
TELLING = 0.2  # share of the captions from which an estimate for all of them is made


@diagnostic(
    title="Reachability",
    family="Neighbourhoods",
    source="Radovanovic, Nanopoulos, Ivanovic. Hubs in Space. JMLR 2010 (anti-hubs); across "
    "modalities and as a list of pictures: ours. Chao et al. Ecological Monographs 2014 "
    "(rarefaction).",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="How many pictures are found by how many captions. Those at 0 cannot be found by any "
    "caption, however the collection is searched.",
    threshold=Threshold(
        "share of pictures out of reach that random lists would reach",
        good=0.05,
        bad=0.25,
        source="ours",
    ),
    advice=Advice(
        why="A picture that no caption finds might as well not be in the collection.", what=NNN
    ),
    per_item=True,
)
def reachability(
    space: Space,
    *,
    k: Annotated[int, Range(1, 100, "results that a caption looks at")] = 10,
    budget: Annotated[float, Range(1e-4, 1e7, "billions of operations to spend")] = 500.0,
) -> tuple[Finding, ...]:
    """Which pictures no caption finds among its first k results.

    Every text asks for its k best pictures, as search does (score biases count); the value is the
    share of pictures that are on no list. A picture that even its own caption does not bring up is
    invisible in practice. Read it against the reference: random lists of the same number and
    length, which leave some pictures out where captions are few.

    It is exact where 2 q n d operations are within the budget (500 billion take about 15 s on two
    cores). Beyond, a random part of the captions asks, and the share for all of them is estimated
    (the share left out by the part is an upper bound); or, when less than a fifth could ask, a
    random part of the pictures is asked for by the same part of the captions.

    Args:
        space: more than k pictures and at least two texts.
        k: 10 is a page of results.
        budget: raise it for an exact answer.

    Returns:
        One finding (scope joint).
        per_item: captions that find the picture; 0 is unreachable.
        curve: number of pictures by that count.

    Raises:
        TooFew: k or fewer pictures, or fewer than two texts.

    >>> rows = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]  # nobody asks for the third
    >>> reachability(Space(rows, tuple("abcde"), 3), k=1)[0].value.__round__(3)
    0.333
    """
    both_kinds(space, 2, "Reachability")
    if space.n_images <= k:
        raise TooFew("Reachability", k + 1, "images", space.n_images, "Add images.")
    asked = _plan(space, k, budget)
    found = _ask(space, asked, k)
    return (_finding(space, asked, found, k),)


@dataclass(frozen=True)
class QueryLists:
    """Which rows of pictures and of captions take part."""

    images: Ints
    texts: Ints

    def share_of_texts(self, space: Space) -> float:
        """Share of the captions that belong to these pictures' part of the collection."""
        expected = (space.n - space.n_images) * len(self.images) / space.n_images
        return min(1.0, len(self.texts) / expected)


def _plan(space: Space, k: int, budget: float) -> QueryLists:
    """All of them; a part of the captions; or the same part of both, whatever is affordable."""
    q, n = space.n - space.n_images, space.n_images
    share = budget * BILLION / (2.0 * q * n * space.d)
    rng = np.random.default_rng(0)
    everyone, texts = np.arange(n), np.arange(n, space.n)
    if share >= 1:
        return QueryLists(everyone, texts)
    if share >= TELLING:
        return QueryLists(
            everyone, np.sort(rng.choice(texts, max(2, int(share * q)), replace=False))
        )
    part = np.sqrt(share)
    images = rng.choice(everyone, min(n, max(k + 1, round(part * n))), replace=False)
    return QueryLists(
        np.sort(images), np.sort(rng.choice(texts, max(2, round(part * q)), replace=False))
    )


def _ask(space: Space, asked: QueryLists, k: int) -> Ints:
    """(m,) captions that find each picture."""
    whole = len(asked.images) == space.n_images
    rows = space.images if whole else space.vectors[asked.images]
    bias = space.offset[asked.images]
    counts = np.zeros(len(asked.images), np.int64)
    for start in range(0, len(asked.texts), 4096):
        queries = space.vectors[asked.texts[start : start + 4096]]
        lists = top_k(queries, rows, k, offset=bias if bias.any() else None)[0]
        counts += np.bincount(lists.ravel(), minlength=len(counts))
    return counts


def _finding(space: Space, asked: QueryLists, counts: Ints, k: int) -> Finding:
    share, n = asked.share_of_texts(space), len(counts)
    part = share < 1 and n == space.n_images
    q = space.n - space.n_images if part else len(asked.texts)
    seen = float((counts == 0).mean())
    one, other = unseen_share(counts, share) if part else (seen, seen)
    low, high = wilson(seen * n, n)
    if part:  # the sample's own share is sure for all captions; below, what each estimate allows
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
        sentence=_sentence(counts, one, low, high, chance, k, seen if part else None),
        sampled=_sampled(space, asked),
        per_item=per_item(space, asked.images, counts.astype(np.float64)),
        per_item_title=f"captions that find it in their first {k}",
        curve=_by_count(counts),
    )


def _sentence(
    counts: Ints, value: float, low: float, high: float, chance: float, k: int, seen: float | None
) -> str:
    number = format_value(100 * value, 100 * low, 100 * high)
    told = "" if seen is None else f" (at most {seen:.1%}, which is what the sample leaves out)"
    unreachable = int((counts == 0).sum())
    return (
        f"{number}% of the pictures are in no caption's first {k} results{told}; random lists "
        f"would leave out {share(chance)}. {unreachable:,} of {len(counts):,} pictures were "
        f"not found by the captions that asked, and the most found one is in "
        f"{counts.max() / max(float(counts.mean()), 1e-9):.0f} times as many lists as the average."
    )


def _sampled(space: Space, asked: QueryLists) -> str:
    texts = space.n - space.n_images
    if len(asked.texts) == texts and len(asked.images) == space.n_images:
        return f"exact, all {texts:,} captions among all {space.n_images:,} pictures"
    return (
        f"random {len(asked.texts):,} of {texts:,} captions among "
        f"{len(asked.images):,} of {space.n_images:,} pictures"
    )


def _by_count(counts: Ints) -> Curve:
    times, pictures = np.unique(counts, return_counts=True)
    return Curve(
        times.astype(np.float64),
        pictures.astype(np.float64),
        "captions that find a picture",
        "pictures",
        log_y=True,
    )
