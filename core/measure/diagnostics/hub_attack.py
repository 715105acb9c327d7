from __future__ import annotations

from bisect import bisect_left
from math import nan
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, SIDES, by_count, format_value, interval, per_item
from core.measure.verdicts import Advice, Threshold
from core.numerics.neighbors import Neighbors, nearest
from core.numerics.sampling import groups
from core.numerics.stats import folds, jackknife_error, normal
from core.numerics.tails import CountLaw, count_law
from core.registry import Range
from core.types import Doubles, Finding, Ints, Reference, Scope, Space

FOLDS = 25  # of the jackknife
LONGEST = 20  # neighbors in the lists that diagnostics share
WORK = 5e11  # floating-point operations, above which fewer queries are taken
LEAST = 200  # queries, whatever the work
SHOWN = 5  # items that the detail names


@diagnostic(
    title="Hub attack",
    family="Neighborhoods",
    source="Zhang et al. Adversarial Hubness in Multi-Modal Retrieval. arXiv 2412.14113, 2024 "
    "(the attack); Benjamini, Hochberg. JRSS B 1995 (false discoveries); the test: ours.",
    better="low",
    bounds=(0.0, np.inf),
    invariant=("rotation", "order"),
    aid="Number of items by how many neighbor lists of unrelated queries they are in. A dot far to "
    "the right of all others: one item that answers everything.",
    threshold=Threshold("items with an in-degree beyond their own distribution", 0, 0, "ours"),
    advice=Advice(
        why="An item that is made to be near everything is a result of every query: hubs are how "
        "a search can be attacked.",
        what="Inspect the items behind it and delete those that were planted. Where they stay, a "
        "hubness correction such as DualIS or NNN ranks them lower.",
    ),
    over="queries like these",
    per_item=True,
    concern="some items answer queries that they cannot belong to",
)
def hub_attack(
    space: Space,
    *,
    k: Annotated[int, Range(1, 20, "neighbors in each list")] = 10,
    rate: Annotated[float, Range(1e-6, 0.5, "false-discovery rate")] = 0.01,
    queries: Annotated[int, Range(100, 50_000, "lists measured, at most")] = 5000,
) -> tuple[Finding, ...]:
    """Number of items whose in-degree cannot come from the collection's own distribution.

    The in-degree of an item is the number of k-lists that it is in; those of an image and its
    captions count once, and its own do not. Some items are hubs by nature: in-degrees are fitted as
    Poisson counts whose rates are log-normal, by the lower 95% (of the others only that they are
    higher counts), so that a planted item does not make itself usual. Each item has its tail
    probability under that law; named are those that the Benjamini-Hochberg procedure keeps at the
    rate. In a collection without an attack an item is named with a probability of at most the rate,
    as far as the law holds.

    All items are candidates, since a sample could miss the planted one; beyond 500 billion
    operations fewer queries are taken (200 at least). An attack on the queries of one topic alone
    is found only where it is in more lists than the largest natural hubs.

    Args:
        space: more than k items of one kind.
        k: neighbors; an item is never its own.
        rate: of false discoveries among the items that are named.
        queries: lists, drawn at random beyond.

    Returns:
        A finding each for texts to images, images, texts. The interval is over queries like
        these (jackknife over 25 folds, with the law as fitted).
        per_item: the in-degree (at least, when a sample of the queries was measured).
        curve: number of items by in-degree.

    Raises:
        TooFew: k or fewer images, and k or fewer texts.

    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(400, 64)) + np.repeat([1.0, -1.0], 200)[:, None] * np.eye(64)[0]
    >>> rows[7] = rows[200:].mean(axis=0)  # an image in the middle of the texts
    >>> rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    >>> [f.value for f in hub_attack(Space(rows, tuple(map(str, range(400))), 200))]
    [1.0, 0.0, 0.0]
    """
    sizes = {"image": space.n_images, "text": space.n - space.n_images, "joint": space.n_images}
    largest = max(sizes.values())
    if largest <= k:
        raise TooFew("Hub attack", k + 1, "items of one kind", largest, "Add more items.")
    most = int(min(queries, max(LEAST, WORK / (2 * largest * space.d))))
    return tuple(
        _measure(space, scope, nearest(space, *sides, k=LONGEST, q=most, ranked=True), k, rate)
        for scope, sides in SIDES.items()
        if sizes[scope] > k and (scope != "joint" or sizes["text"] > 1)
    )


def _measure(space: Space, scope: Scope, lists: Neighbors, k: int, rate: float) -> Finding:
    from scipy.stats import false_discovery_control

    targets = space.span("image" if scope == "joint" else scope)
    m = targets.stop - targets.start
    group, item = _strangers(space, lists, k)
    item -= targets.start
    degree = np.bincount(item, minlength=m)
    law = count_law(degree)
    adjusted = false_discovery_control(law.tail(degree.astype(np.float64)))
    named = np.flatnonzero(adjusted <= rate)
    named = named[np.argsort(-degree[named], kind="stable")]
    value = float(len(named))
    low, high = _interval(group, item, degree, _least(law, rate * max(1.0, value) / m))
    kind = PLURAL["image" if scope == "joint" else scope]
    asked = " for text queries" if scope == "joint" else f" among {kind}"
    of = f"{kind} have" if m != 1 else f"{kind.removesuffix('s')} has"
    ends = interval(value, low, high)
    count = f"{len(named):,} of {m:,} {of} an in-degree{asked} beyond its own distribution"
    whole = "exact, all" if lists.share == 1 else "random"
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, f"no attack: none, at a false-discovery rate of {rate:g}"),
        sentence=(
            f"{count}{f' ({ends})' if ends else ''}, against none without an attack. "
            f"{_meaning(len(named))}"
        ),
        detail=_detail(space, targets.start + named, degree[named], adjusted[named], degree, law),
        sampled=f"{whole} {len(lists.queries):,} lists of {k} among {m:,} {kind}",
        per_item=per_item(space, np.arange(targets.start, targets.stop), degree.astype(np.float32)),
        per_item_title=f"{k}-lists of other items that it is in",
        curve=by_count(degree, "lists an item is in", "items"),
    )


def _strangers(space: Space, lists: Neighbors, k: int) -> tuple[Ints, Ints]:
    """Groups of an image with its captions, and items of other groups in their lists, once each."""
    group = groups(space)
    asking = np.repeat(group[lists.queries], k)
    item = lists.indices[:, :k].ravel()
    other = group[item] != asking
    codes = np.unique(asking[other] * space.n + item[other])
    return codes // space.n, codes % space.n


def _least(law: CountLaw, p: float) -> int:
    """The lowest count whose tail probability is at most p."""
    counts = range(1, 1 << 40)
    return 1 + bisect_left(counts, True, key=lambda n: law.tail(np.array([float(n)]))[0] <= p)


def _interval(group: Ints, item: Ints, degree: Ints, least: int) -> tuple[float, float]:
    """Items in at least so many lists, over folds of the groups that ask."""
    fold = folds(group, count=FOLDS)
    sizes = np.bincount(fold)
    if len(sizes) < 2:
        return nan, nan
    without = np.empty(len(sizes))
    for one, size in enumerate(sizes):
        left = degree - np.bincount(item[fold == one], minlength=len(degree))
        without[one] = (left >= least * (1 - size / len(fold))).sum()
    named = float((degree >= least).sum())
    return normal(named, jackknife_error(without), 0.0, float(len(degree)))


def _meaning(named: int) -> str:
    if not named:
        return "No item is a result of more queries than a natural hub."
    return (
        "It is a result of queries that it cannot belong to."
        if named == 1
        else "They are results of queries that they cannot belong to."
    )


def _detail(space: Space, rows: Ints, degree: Ints, q: Doubles, every: Ints, law: CountLaw) -> str:
    usual = f"The median in-degree is {np.median(every):,.0f}, the largest {every.max():,}"
    if not len(rows):
        return f"{usual}."
    shown = zip(rows[:SHOWN].tolist(), degree.tolist(), q.tolist(), strict=False)
    each = ", ".join(f"{space.ids[r]} ({n:,} lists, q = {p:.1g})" for r, n, p in shown)
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    spread = format_value(float(np.exp(law.spread)))
    return f"{usual}; natural in-degrees differ by a factor of {spread}. Named: {each}{more}."
