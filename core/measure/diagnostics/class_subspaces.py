from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.class_means import ClassMeans, class_means
from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, estimate, format_value, quoted, share
from core.measure.verdicts import Advice, Threshold
from core.numerics.labels import HINT, Classes, labeled_classes, part_of, split
from core.numerics.sampling import groups
from core.numerics.spectra import moments
from core.numerics.stats import LEAST_DRAWS, auc, share_interval
from core.numerics.subspaces import fisher, masked_cosines, top_fisher_mask
from core.registry import Choices, Range
from core.types import Bools, Curve, Doubles, Finding, Floats, Ints, Reference, Space


@diagnostic(
    title="Class subspaces",
    concern="Two labels share their directions",
    family="Groups",
    source="Wu et al. Pair-conditioned gates (Hydra, later SimLAP). 2024, arXiv 2410.18200; here "
    "frozen: Fisher scores in place of training.",
    better="high",
    bounds=(0.0, 1.0),
    invariant=("rotation",),
    aid="Fisher score of each principal direction, best first. A steep start means that a few "
    "directions hold the difference.",
    over="held-out images of the two labels, with their captions",
    threshold=Threshold(
        "AUC of separating the two most confused labels", good=0.8, bad=0.6, source="ours"
    ),
    advice=Advice(
        why="Labels that overlap in the whole space may still separate in a few directions, which "
        "a filter or a reranker can use.",
        what="A reranker on the selected directions, fitted on labeled items; keep it if the "
        "recall of the two labels rises on held-out items.",
    ),
)
def class_subspaces(
    space: Space,
    *,
    task: Annotated[
        str, Choices(("apart", "alike"), "separate the two labels, or both from the rest")
    ] = "apart",
    directions: Annotated[int, Range(1, 1024, "principal directions to select")] = 64,
    least: Annotated[int, Range(8, 1000, "items a label needs to count")] = 20,
    most: Annotated[int, Range(2, 2000, "labels measured, the largest first")] = 200,
    sample: Annotated[int, Range(50, 100_000, "items of each group to fit and to test")] = 5000,
) -> tuple[Finding, ...]:
    """Whether the two most confused labels differ in some principal directions, and how well.

    The pair of labels whose items most often lie closer to the other's center. Half of their items
    select the principal directions with the highest Fisher scores; on the other half the value is
    the AUC of the cosine within those directions (to one center minus to the other). 0.5 is chance,
    1 perfect; the reference is plain cosine over all directions. Task "alike" selects the
    directions the two labels share against all other labels, and measures how well both are
    retrieved from the rest.

    Args:
        space: two labels with `least` items of one kind, three for "alike".
        task: see above.
        directions: with all d it is plain cosine.
        least: labels with fewer items are excluded.
        most: smaller labels beyond this number are excluded.
        sample: drawn at random beyond.

    Returns:
        A finding each for images and texts, measured on held-out items; an image's captions are
        held out together. The interval is over held-out images of the two groups, for these
        directions; none below 10 of either. Groups that differ in no direction, such as two labels
        of copies of one image, have exactly 0.5.
        curve: Fisher score of the directions, best first.

    Raises:
        TooFew: fewer labels, or all of a label's items belong to one image.

    >>> rows = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    >>> labels = tuple((name,) for name in "a" * 20 + "b" * 20 + "c" * 20)
    >>> class_subspaces(Space(rows, tuple(map(str, range(60))), 60, labels=labels))[0].value
    1.0
    """
    of_kinds = labeled_classes(space, "Class subspaces", least=least, most=most)
    halved = [_in_both_halves(c, _held_out(c, groups(space)[c.rows])) for c in of_kinds]
    needed = 2 if task == "apart" else 3
    enough = [(given, test) for given, test in halved if len(given.names) >= needed]
    if not enough:
        most_labels = max(len(given.names) for given, _ in halved)
        raise TooFew("Class subspaces", needed, "labels of several images", most_labels, HINT)
    return tuple(_measure(space, given, test, task, directions, sample) for given, test in enough)


@dataclass(frozen=True)
class Pair:
    """Two classes, and the share of their items that lie closer to the other's center."""

    first: int
    second: int
    confused: float


def _measure(
    space: Space, given: Classes, test: Bools, task: str, directions: int, sample: int
) -> Finding:
    linked = groups(space)
    train = part_of(given, ~test)
    of = class_means(space.vectors, train)
    pair = _most_confused(space.vectors, train, of, 2 * sample)
    basis = moments(space, given.kind).centered_eigen[1]
    fit = [space.vectors[rows] @ basis for rows in _groups(given, ~test, pair, task, sample)]
    rows = _groups(given, test, pair, task, sample)
    tested, of_image = [space.vectors[r] @ basis for r in rows], (linked[rows[0]], linked[rows[1]])
    scores = fisher(fit[0], fit[1])
    gate = top_fisher_mask(scores, directions)
    value, error = _auc(tested, _centers(fit, task), gate, of_image)
    plain, _ = _auc(tested, _centers(fit, task), np.ones(space.d), of_image)
    few = min(of_image, key=lambda side: len(np.unique(side)))
    low = high = value if not gate.any() else np.nan
    if gate.any() and len(np.unique(few)) >= LEAST_DRAWS:
        low, high = share_interval(value, error, few)
    kind = PLURAL[given.kind]
    a, b = quoted(given.names[pair.first]), quoted(given.names[pair.second])
    aim = f"separating {a} from {b}" if task == "apart" else f"{a} and {b} among the rest"
    return Finding(
        scope=given.kind,
        value=value,
        low=low,
        high=high,
        reference=Reference(plain, "plain cosine, same items"),
        sentence=(
            f"The AUC of {aim} is {estimate(value, low, high)} on held-out {kind}, against "
            f"{format_value(plain)} for plain cosine. {_meaning(gate, task, value > plain)}"
        ).strip(),
        detail=(
            f"Of {len(given.names):,} labels, {a} and {b} are the most confused: "
            f"{share(pair.confused)} of their items lie closer to the other's center. "
            f"{int(gate.sum())} of {space.d} directions are selected."
        ),
        sampled=f"{sum(map(len, fit)):,} {kind} to fit, {sum(map(len, tested)):,} held out",
        curve=Curve(
            np.arange(1.0, space.d + 1), np.sort(scores)[::-1], "direction, best first", "Fisher"
        ),
    )


def _meaning(gate: Doubles, task: str, gains: bool) -> str:
    if not gate.any():
        return f"The two {'labels' if task == 'apart' else 'groups'} differ in no direction."
    return "A reranker on the selected directions can use the gain." if gains else ""


def _most_confused(vectors: Floats, given: Classes, of: ClassMeans, most: int) -> Pair:
    """The pair with the most items on the wrong side; closer centers break ties."""
    rng = np.random.default_rng(0)
    count = len(given.names)
    chosen = rng.choice(len(given.rows), min(len(given.rows), most), replace=False)
    codes = given.codes[chosen]
    scores = vectors[given.rows[chosen]] @ of.means.T - (of.means**2).sum(axis=1) / 2
    wrong = np.zeros((count, count))
    np.add.at(wrong, (codes, scores.argmax(axis=1)), 1.0)
    rate = wrong / np.maximum(1, np.bincount(codes, minlength=count))[:, None]
    total = np.triu(1.0 + rate + rate.T - 1e-6 * _squared(of.means), 1)
    first, second = np.unravel_index(int(total.argmax()), total.shape)
    return Pair(int(first), int(second), float(rate[first, second] + rate[second, first]) / 2)


def _squared(means: Doubles) -> Doubles:
    lengths = (means**2).sum(axis=1)
    apart: Doubles = lengths[:, None] + lengths - 2 * means @ means.T
    return apart


def _groups(given: Classes, mask: Bools, pair: Pair, task: str, sample: int) -> tuple[Ints, Ints]:
    """Rows of the two groups, a seeded sample of each."""
    codes = given.codes
    first, second = codes == pair.first, codes == pair.second
    sides = (first, second) if task == "apart" else (first | second, ~(first | second))
    rng = np.random.default_rng(0)

    def some(side: Bools) -> Ints:
        rows = given.rows[side & mask]
        return np.sort(rng.choice(rows, min(len(rows), sample), replace=False))

    return some(sides[0]), some(sides[1])


def _centers(fit: list[Doubles], task: str) -> Doubles:
    """(1 or 2, d) the first group's center, and the second's for task "apart"."""
    return np.stack([rows.mean(axis=0) for rows in (fit if task == "apart" else fit[:1])])


def _held_out(given: Classes, linked: Ints) -> Bools:
    """The held-out half of each class; the captions of an image are all in one half."""
    _, first, place = np.unique(linked, return_index=True, return_inverse=True)
    test: Bools = split(given)[first][place]
    return test


def _in_both_halves(given: Classes, test: Bools) -> tuple[Classes, Bools]:
    """The classes with items in both halves: those of few images may lie in one alone."""
    held_out = np.bincount(given.codes[test], minlength=len(given.names))
    both = (held_out > 0) & (held_out < given.sizes)
    keep = both[given.codes]
    starts = np.concatenate([[0], np.cumsum(given.sizes[both])]).astype(np.int64)
    names = tuple(name for name, kept in zip(given.names, both, strict=True) if kept)
    return Classes(given.kind, names, given.rows[keep], starts, given.of, given.rule), test[keep]


def _auc(
    tested: list[Doubles], centers: Doubles, gate: Doubles, of_image: tuple[Ints, Ints]
) -> tuple[float, float]:
    """AUC of the cosine to one center, minus that to the other where there is one.

    A gate that is 0 in all directions leaves no cosine to rank by: all items tie.
    """
    if not gate.any():
        return 0.5, 0.0
    result = [masked_cosines(rows, centers, gate) for rows in tested]
    scores = [f[:, 0] - f[:, 1] if len(centers) > 1 else f[:, 0] for f in result]
    # Scores that differ by rounding only are ties.
    return auc(np.round(scores[0], 9), np.round(scores[1], 9), of_image)
