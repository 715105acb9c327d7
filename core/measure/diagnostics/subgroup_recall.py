from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import format_value, per_item
from core.measure.pair_ranks import pair_ranks
from core.measure.verdicts import SMALL, Advice, Threshold
from core.numerics.labels import HINT, member_matrix
from core.numerics.sampling import groups
from core.numerics.stats import Z, bootstrap, chance_std, clustered_error, macro_std, wilson
from core.registry import Choices, Range
from core.types import Bools, Curve, Doubles, Finding, Floats, Ints, Reference, Space

OTHER = "other"


@diagnostic(
    title="Recall by label",
    family="Groups",
    source="Chiu, Chen, Ma. Better May Not Be Fairer: A Study on Subgroup Discrepancy in Image "
    "Classification. ICCV 2023 (MacroStd); noise floor and intervals ours.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Recall of each label, worst first. A flat line serves everybody alike; a step at the "
    "left is a group that search fails.",
    threshold=Threshold(
        "deviation of recall over labels beyond chance", good=0.05, bad=0.15, source="ours"
    ),
    advice=Advice(why="A good average can hide labels that search hardly finds.", what=SMALL),
    per_item=True,
)
def subgroup_recall(
    space: Space,
    *,
    k: Annotated[int, Range(1, 100, "results that a caption looks at")] = 10,
    least: Annotated[int, Range(2, 1000, "captions a label needs to stand alone")] = 20,
    ddof_style: Annotated[
        str, Choices(("population", "nist"), "denominator of the deviation")
    ] = "population",
    queries: Annotated[int, Range(100, 50_000, "captions asked, at most")] = 5000,
) -> tuple[Finding, ...]:
    """How unevenly search serves the labels: how far recall differs from group to group.

    MacroStd: the deviation of recall@k over labels, weighted by their captions; a caption counts
    for every label of its picture. 0 when all labels are found alike, at most 0.5. Small groups
    differ by chance, so the reference is what equal recall would show at these sizes (parametric
    bootstrap), and the excess over it is what the verdict looks at. Labels with fewer than `least`
    captions are "other". The paper leaves the denominator open: "nist" divides by (G - 1) / G.

    Args:
        space: labelled pictures with captions, two groups of `least` captions.
        k: recall among the first k pictures, all pictures being candidates.
        least: 20, below which a share says little.
        ddof_style: see above.
        queries: captions asked; random ones beyond, and fewer where pictures are very many.

    Returns:
        One finding (scope pairs). The interval is over pictures; its lower end has the noise
        floor taken out.
        per_item: recall of the picture's label, of its worst where it has several.
        curve: recall of each label, worst first.

    Raises:
        TooFew: no captions, no labels, or fewer than two such groups.

    >>> rows = np.eye(3, dtype=np.float32)[[0, 1, 0, 0]]  # the second caption finds the first
    >>> two = Space(rows, tuple("abcd"), 2, np.array([[0, 2], [1, 3]]), (("x",), ("y",), (), ()))
    >>> try:
    ...     subgroup_recall(two, k=1, least=2)
    ... except TooFew as few:
    ...     print(str(few)[:47])
    Recall by label needs at least 2 groups of 2 or
    """
    asked = _ask(space, k, queries)
    table = _table(space, asked, least)
    if len(table.names) < 2:
        each = f"groups of {least} or more captions whose picture has one label"
        raise TooFew("Recall by label", 2, each, len(table.names), HINT)
    return (_finding(space, asked, table, k, ddof_style),)


@dataclass(frozen=True)
class Answers:
    """Captions asked, whether each found a picture of its own, and who is one draw."""

    queries: Ints
    hits: Bools
    clusters: Ints
    of: int


@dataclass(frozen=True)
class Table:
    """Groups by name, and which caption (place) counts for which group; `own` per picture."""

    names: tuple[str, ...]
    place: Ints
    group: Ints
    images: Ints
    image_group: Ints

    def counts(self, weights: Doubles) -> Doubles:
        """(G,) sum of captions' weights over each group."""
        return np.bincount(self.group, weights[self.place], len(self.names)).astype(np.float64)


def _ask(space: Space, k: int, most: int) -> Answers:
    found = pair_ranks(space, q=most)
    if not len(found.texts):
        raise TooFew("Recall by label", 2, "captions of labelled pictures", 0, "Add captions.")
    return Answers(found.texts, found.rank <= k, groups(space)[found.texts], found.n_texts)


def _table(space: Space, asked: Answers, least: int) -> Table:
    """Which caption counts for which label; small labels together are "other"."""
    names, image, label = member_matrix(space, np.arange(space.n_images))
    pairs = space.pairs[np.isin(space.pairs[:, 1], asked.queries)]
    starts = np.searchsorted(image, pairs[:, 0])
    sizes = np.searchsorted(image, pairs[:, 0], "right") - starts
    at = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    place = np.repeat(np.searchsorted(asked.queries, pairs[:, 1]), sizes)
    both = np.unique(np.stack([place, label[at]], axis=1), axis=0)
    size = np.bincount(both[:, 1], minlength=len(names))
    large = np.flatnonzero(size >= least)
    renamed = np.full(len(names), len(large), np.int64)
    renamed[large] = np.arange(len(large))
    both = np.unique(np.stack([both[:, 0], renamed[both[:, 1]]], axis=1), axis=0)
    rest = both[:, 1] == len(large)
    kept = tuple(names[i] for i in large)
    if rest.sum() >= least:
        kept = (*kept, OTHER)
    else:
        both = both[~rest]
    return Table(kept, both[:, 0], both[:, 1], image, renamed[label])


def _finding(space: Space, asked: Answers, table: Table, k: int, style: str) -> Finding:
    counts = table.counts(np.ones(len(asked.queries)))
    rates = table.counts(asked.hits.astype(np.float64)) / counts
    value = macro_std(rates, counts, style)
    crowd = _crowding(asked)
    floor = chance_std(float(counts @ rates / counts.sum()), counts / crowd, style)
    drawn = bootstrap(asked.hits, table.place, table.group, asked.clusters, style)
    half = Z * float((drawn**2).std())
    low = float(np.sqrt(max(0.0, value**2 - floor**2 - half)))
    high = min(1.0, float(np.sqrt(value**2 + half)))
    excess = float(np.sqrt(max(0.0, value**2 - floor**2)))
    order = np.argsort(rates, kind="stable")
    worst, best = order[0], order[-1]
    ends = wilson(rates[worst] * counts[worst] / crowd, counts[worst] / crowd)
    return Finding(
        scope="pairs",
        value=value,
        low=min(low, value),
        high=high,
        reference=Reference(floor, "equal recall in all groups of these sizes"),
        yardstick=excess,
        sentence=(
            f"Recall@{k} from text to image differs by {format_value(value, low, high)} "
            "(deviation over "
            f"{len(table.names):,} groups); equal recall would show {floor:.2g}, so "
            f"{excess:.2g} is more than chance. Worst is '{table.names[worst]}' at "
            f"{rates[worst]:.0%} ({ends[0]:.0%} to {ends[1]:.0%}, {int(counts[worst]):,} "
            f"captions), "
            f"best '{table.names[best]}' at {rates[best]:.0%}; all together "
            f"{asked.hits.mean():.0%}."
        ),
        sampled=(
            f"{'exact, all' if len(asked.queries) == asked.of else 'random'} "
            f"{len(asked.queries):,} of {asked.of:,} captions among all {space.n_images:,} images"
        ),
        per_item=_per_item(space, table, rates),
        per_item_title=f"recall@{k} of its label",
        curve=Curve(np.arange(1.0, len(rates) + 1), rates[order], "label, worst first", "recall"),
    )


def _crowding(asked: Answers) -> float:
    """How many captions count as one, because those of a picture succeed or fail together."""
    hits = asked.hits.astype(np.float64)
    alone = hits.var() / len(hits)
    if len(np.unique(asked.clusters)) < 2 or not alone > 0:
        return 1.0
    return max(1.0, clustered_error(hits, asked.clusters) ** 2 / alone)


def _per_item(space: Space, table: Table, rates: Doubles) -> Floats:
    """Recall of each picture's worst label."""
    known = table.image_group < len(rates)
    worst = np.full(space.n, np.inf)
    np.minimum.at(worst, table.images[known], rates[table.image_group[known]])
    rows = np.flatnonzero(np.isfinite(worst))
    return per_item(space, rows, worst[rows])
