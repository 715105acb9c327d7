from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.class_means import LABELS_SHOW, labels_p
from core.measure.diagnostics import diagnostic
from core.measure.findings import estimate, format_value, per_item, percent, quoted, share
from core.measure.pair_ranks import pair_ranks
from core.measure.verdicts import SMALL, Advice, Threshold
from core.numerics.labels import HINT, classes, member_matrix
from core.numerics.sampling import groups
from core.numerics.stats import Z, bootstrap, chance_std, clustered_error, macro_std, wilson
from core.registry import Choices, Range
from core.types import Bools, Curve, Doubles, Finding, Floats, Ints, Reference, Space

OTHER = "other"
LEAST_IMAGES = 50  # for an interval


@diagnostic(
    title="Recall by label",
    concern="Search is worse for some labels",
    worst="low",
    family="Groups",
    source="Chiu, Chen, Ma. Better May Not Be Fairer: A Study on Subgroup Discrepancy in Image "
    "Classification. ICCV 2023 (MacroStd); noise floor and intervals ours.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    aid="Recall of each label, worst first. A flat line is equal recall; a step at the left is a "
    "group that search fails.",
    over="images like these, with their captions",
    threshold=Threshold(
        "deviation of recall over labels above chance", good=0.05, bad=0.15, source="ours"
    ),
    advice=Advice(why="A good average can hide labels with low recall.", what=SMALL),
    per_item=True,
)
def subgroup_recall(
    space: Space,
    *,
    k: Annotated[int, Range(1, 100, "recall@k")] = 10,
    least: Annotated[int, Range(2, 1000, "captions a label needs not to be pooled")] = 20,
    ddof_style: Annotated[
        str, Choices(("population", "nist"), "denominator of the deviation")
    ] = "population",
    queries: Annotated[int, Range(100, 50_000, "captions used as queries, at most")] = 5000,
) -> tuple[Finding, ...]:
    """Deviation of recall@k over labels (MacroStd).

    The deviation of recall@k over labels, weighted by their captions; a caption counts for every
    label of its image. 0 when all labels have the same recall, at most 0.5. Small groups differ by
    chance, so the reference is the deviation under equal recall at these sizes (parametric
    bootstrap), and the verdict is on the excess over it. Labels with fewer than `least` captions
    are pooled as "other". The paper leaves the denominator open: "nist" divides by (G - 1) / G.

    Args:
        space: labeled images with captions, two groups of `least` captions.
        k: recall among the first k images, with all images as candidates.
        least: 20, below which a share is too noisy.
        ddof_style: see above.
        queries: captions; random ones beyond, and fewer where images are very many.

    Returns:
        One finding (scope pairs). The interval is over images with their captions, none below 50;
        the noise floor is subtracted from its lower end. No verdict where recall does not
        differ and labels do not show in the vectors either.
        per_item: recall of the image's label, of its worst where it has several.
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
    results = _retrieve(space, k, queries)
    table = _table(space, results, least)
    if len(table.names) < 2:
        each = f"groups of {least} or more captions whose image has one label"
        raise TooFew("Recall by label", 2, each, len(table.names), HINT)
    return (_finding(space, results, table, k, ddof_style),)


@dataclass(frozen=True)
class CaptionResults:
    """Captions, whether each retrieved an image of its own, and their clusters."""

    queries: Ints
    hits: Bools
    clusters: Ints
    of: int


@dataclass(frozen=True)
class Table:
    """Groups by name, and the caption (place) and group of each membership."""

    names: tuple[str, ...]
    place: Ints
    group: Ints
    images: Ints
    image_group: Ints

    def counts(self, weights: Doubles) -> Doubles:
        """(G,) sum of captions' weights by group."""
        return np.bincount(self.group, weights[self.place], len(self.names)).astype(np.float64)


def _retrieve(space: Space, k: int, most: int) -> CaptionResults:
    result = pair_ranks(space, q=most)
    if not len(result.texts):
        raise TooFew("Recall by label", 2, "captions of labeled images", 0, "Add captions.")
    return CaptionResults(
        result.texts, result.rank <= k, groups(space)[result.texts], result.n_texts
    )


def _table(space: Space, results: CaptionResults, least: int) -> Table:
    """The labels of each caption; small labels are pooled as "other"."""
    names, image, label = member_matrix(space, np.arange(space.n_images))
    pairs = space.pairs[np.isin(space.pairs[:, 1], results.queries)]
    starts = np.searchsorted(image, pairs[:, 0])
    sizes = np.searchsorted(image, pairs[:, 0], "right") - starts
    at = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    place = np.repeat(np.searchsorted(results.queries, pairs[:, 1]), sizes)
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


def _finding(space: Space, results: CaptionResults, table: Table, k: int, style: str) -> Finding:
    counts = table.counts(np.ones(len(results.queries)))
    rates = table.counts(results.hits.astype(np.float64)) / counts
    value = macro_std(rates, counts, style)
    effect = _design_effect(results)
    floor = chance_std(float(counts @ rates / counts.sum()), counts / effect, style)
    drawn = bootstrap(results.hits, table.place, table.group, results.clusters, style)
    half = Z * float((drawn**2).std())
    low = min(value, float(np.sqrt(max(0.0, value**2 - floor**2 - half))))
    high = min(1.0, float(np.sqrt(value**2 + half)))
    # Recall of nearly all or none: what the deviation may be at the ends of its interval.
    hits, of = float(counts @ rates) / effect, float(counts.sum()) / effect
    high = max(high, *(chance_std(end, counts / effect, style) for end in wilson(hits, of)))
    if len(np.unique(results.clusters)) < LEAST_IMAGES:
        low = high = np.nan
    excess = float(np.sqrt(max(0.0, value**2 - floor**2)))
    order = np.argsort(rates, kind="stable")
    worst, best = order[0], order[-1]
    ends = wilson(rates[worst] * counts[worst] / effect, counts[worst] / effect)
    return Finding(
        scope="pairs",
        value=value,
        low=low,
        high=high,
        reference=Reference(floor, "equal recall in all groups of these sizes"),
        yardstick=excess if low > 0 or _labels_show(space) else np.nan,
        sentence=(
            f"The deviation of recall@{k} over {len(table.names):,} labels (MacroStd) is "
            f"{estimate(value, low, high)}, against {format_value(floor)} under equal recall. "
            f"The lowest recall is that of {quoted(table.names[worst])}."
        ),
        detail=(
            f"Recall of {quoted(table.names[worst])} is {percent(rates[worst], *ends)} of "
            f"{int(counts[worst]):,} captions, of {quoted(table.names[best])}, the highest, "
            f"{share(rates[best])}, and overall {share(results.hits.mean())}. Excess of the "
            f"deviation over chance: {format_value(excess)}."
        ),
        sampled=(
            f"{'exact, all' if len(results.queries) == results.of else 'random'} "
            f"{len(results.queries):,} of {results.of:,} captions among {space.n_images:,} images"
        ),
        per_item=_per_item(space, table, rates),
        per_item_title=f"recall@{k} of its label",
        curve=Curve(np.arange(1.0, len(rates) + 1), rates[order], "label, worst first", "recall"),
    )


def _labels_show(space: Space) -> bool:
    """Whether the images of a label lie closer together than those of shuffled labels."""
    given = classes(space, "image", least=5)
    return len(given.names) > 1 and labels_p(space, "image", given.names) <= LABELS_SHOW


def _design_effect(results: CaptionResults) -> float:
    """Design effect: captions per independent one, as those of an image are correlated."""
    hits = results.hits.astype(np.float64)
    alone = hits.var() / len(hits)
    if len(np.unique(results.clusters)) < 2 or not alone > 0:
        return 1.0
    return max(1.0, clustered_error(hits, results.clusters) ** 2 / alone)


def _per_item(space: Space, table: Table, rates: Doubles) -> Floats:
    """Recall of each image's worst label."""
    known = table.image_group < len(rates)
    worst = np.full(space.n, np.inf)
    np.minimum.at(worst, table.images[known], rates[table.image_group[known]])
    rows = np.flatnonzero(np.isfinite(worst))
    return per_item(space, rows, worst[rows])
