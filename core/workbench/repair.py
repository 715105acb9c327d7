"""Repairing a space: fitted on some of the pairs, judged on the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.errors import InputError, TooFew
from core.improve import (
    HUB_CORRECTIONS,
    REPAIRS,
    Recipe,
    Step,
    fit_recipe,
    parse_steps,
    random_half,
    with_progress,
)
from core.measure import (
    Direction,
    Evaluation,
    Figure,
    Ranked,
    Versus,
    both_lists,
    compare_directions,
    gains,
    hub_tails,
    pair_similarities,
    points,
)
from core.measure import evaluate as measure_evaluate
from core.types import Bools, Finding, Kind, Progress, Space, SpaceCache
from core.workbench.held_out import held_out_rows, held_out_words
from core.workbench.ingest import no_progress
from core.workbench.jobs import begin_step
from core.workbench.measure import evaluate_spaces, measure

if TYPE_CHECKING:
    from core.store import EncodedCollection

DIRECTIONS: Mapping[str, Kind] = {"text_to_image": "text", "image_to_text": "image"}
WORDS = {"text_to_image": "text → image", "image_to_text": "image → text"}
SIGNS = ("alignment", "uniformity", "modality_gap", "effective_rank", "hubness")
FIGURES: Mapping[str, Callable[[Space], Figure]] = {
    "pair_similarities": pair_similarities,
    "hub_tails": partial(hub_tails, across=True),
}
ANSWERS = {
    "modality_gap": "per_modality_centering",
    "hubness": "nnn",
    "effective_rank": "whitening",
    "uniformity": "all_but_the_top",
}
JUDGED = "mAP"  # depends on every rank
DECIDING = (JUDGED, "recall@10")
LEAST = 8  # pairs to fit on, and pairs to judge with
TIMED = 256  # rows that the cost of a query is measured with
ROUNDS = 3  # of `suggest`; each keeps the better half, on twice the pairs
FIRST_PAIRS = 500

SUGGESTED = "suggested"
_DONE = SpaceCache(8)  # what recipes did, lately

Gain = tuple[float, float, float]
Verdict = Literal["helps", "hurts", "no clear effect"]


@dataclass(frozen=True)
class Repaired:
    """What a recipe did to the held-out pairs.

    Args:
        recipe: fitted on the other pairs.
        before: retrieval of the held-out pairs as the vectors are.
        after: the same repaired, among the same candidates.
        delta: by direction and metric the gain with its 95% interval, on the same queries.
        findings: of the held-out items, before and after; `figures` the same.
        versus: by direction the queries that find their item in the top 10 only after (`won`) or
            only before (`lost`).
        lists: by direction and row of such a query, rows and cosines of its first results before
            and after; of those that moved most.
        query_seconds: what the repair adds to a query.
        n_train: number of pairs that it was fitted on; `n_test` those that judge it.
        tried: with `suggest`, the recipes that were compared on pairs of the training half.
        rejected: with `suggest`, why the best of them is not suggested, in a sentence; "" else.
    """

    recipe: Recipe
    before: Evaluation
    after: Evaluation
    delta: Mapping[str, Mapping[str, Gain]]
    findings: tuple[tuple[Finding, ...], tuple[Finding, ...]]
    figures: tuple[Mapping[str, Figure], Mapping[str, Figure]]
    versus: Mapping[str, Versus]
    lists: Mapping[str, Mapping[int, tuple[Ranked, Ranked]]]
    query_seconds: float
    n_train: int
    n_test: int
    tried: tuple[tuple[str, float], ...] = ()
    rejected: str = ""

    @property
    def verdict(self) -> Verdict:
        """What the intervals of mAP and recall@10 in both directions show; a mixture is neither."""
        helped, hurt = self._signs(1), self._signs(-1)
        if helped and not hurt:
            return "helps"
        return "hurts" if hurt and not helped else "no clear effect"

    def _signs(self, sign: int) -> list[str]:
        """Directions with the metrics that have a gain, or a loss, by their intervals."""
        return [
            f"{metric} {WORDS[name]}"
            for name in DIRECTIONS
            for metric in DECIDING
            if _sign(self.delta[name][metric]) == sign
        ]

    def losses(self) -> list[str]:
        """Metrics with a loss, by their intervals, and how large it is."""
        return [
            f"{metric} {WORDS[name]} {self.points(name, metric)}"
            for name in DIRECTIONS
            for metric in DECIDING
            if _sign(self.delta[name][metric]) < 0
        ]

    @property
    def unchanged(self) -> bool:
        """Whether every held-out query ranks its item as before."""
        return all(
            np.array_equal(getattr(self.before, n).first_ranks, getattr(self.after, n).first_ranks)
            for n in DIRECTIONS
        )

    @property
    def recommended(self) -> Mapping[str, str]:
        """Repairs that answer a finding before which is not good, with its sentence."""
        found: dict[str, str] = {}
        for finding in self.findings[0]:
            if finding.name in ANSWERS and finding.verdict in ("bad", "watch"):
                found.setdefault(ANSWERS[finding.name], finding.sentence)
        return found

    def points(self, direction: str, metric: str) -> str:
        """A gain in points with its interval, such as "+1.2 points (−0.5 to +3.0)"."""
        return points(*self.delta[direction][metric])

    @property
    def sentence(self) -> str:
        """The gain in both directions with intervals, on what, and what it means for search."""
        if not self.recipe.steps:
            return self.rejected or "No step was chosen, so that nothing changed."
        if self.unchanged:
            why = self.recipe.inert or "vectors and scores changed too little for that"
            return f"No rank of {self.n_test:,} held-out pairs changed: {why}."
        parts = " and ".join(f"{WORDS[name]} {self.points(name, JUDGED)}" for name in DIRECTIONS)
        helped, hurt = self._signs(1), self._signs(-1)
        if helped and hurt:
            means = f"it helps {' and '.join(helped)} but hurts {' and '.join(hurt)}"
        else:
            means = {
                "helps": f"search finds more ({', '.join(helped)})",
                "hurts": f"search finds less ({', '.join(hurt)})",
                "no clear effect": "no effect on search is shown",
            }[self.verdict]
        return f"{JUDGED} {parts} on {self.n_test:,} held-out pairs: {means}."


def repair(
    opened: EncodedCollection,
    steps: str | Sequence[Step],
    *,
    progress: Progress = no_progress,
    begun: int = 0,
) -> Repaired:
    """Fit a recipe on some of the pairs and judge it on the others.

    The split is that of the attribute `split`, else by image at random: the captions of an image
    are on its side. The candidates are all items, those that were fitted on too.

    Args:
        opened: the collection.
        steps: such as "per_modality_centering,nnn:k=128"; "none" changes nothing.
        progress: called with (parts done, all parts); may raise to stop.
        begun: steps of the work that were done before.

    Raises:
        UnknownName: no such repair, hub correction or setting.
        TooFew: fewer than eight pairs to fit on or to judge with.
        InputError: the steps do not fit together, or map a row to zero.
    """
    chosen = parse_steps(steps) if isinstance(steps, str) else tuple(steps)
    held_out, which = held_out_rows(opened), held_out_words(opened)
    space = opened.space
    train = _without(space, held_out)
    n_test = int(held_out[space.pairs].all(axis=1).sum())
    for n, what in ((len(train.pairs), "pairs to fit on"), (n_test, "held-out pairs")):
        if n < LEAST:
            raise TooFew("A repair", LEAST, what, n, "Add captions first.")
    begin_step(progress, "fitting", begun + 1, begun + 2)
    progress(0, len(chosen))
    with with_progress(progress):
        recipe = fit_recipe(train, chosen)
    begin_step(progress, "judging", begun + 2, begun + 2)
    progress(0, 4)
    before = measure_evaluate(space, judged=held_out, which=which)
    progress(1, 4)
    repaired = recipe.spaces(space, held_out)
    progress(2, 4)
    after = evaluate_spaces(repaired, held_out, which) if chosen else before
    progress(3, 4)
    directions = {name: (getattr(after, name), getattr(before, name)) for name in DIRECTIONS}
    rows = np.flatnonzero(held_out)
    sides = space.subset(rows), recipe.space(space, held_out=held_out).subset(rows)
    versus = {
        name: compare_directions(repaired[DIRECTIONS[name]], space, *both)
        for name, both in directions.items()
    }
    result = Repaired(
        recipe,
        before,
        after,
        {name: gains(*both) for name, both in directions.items()},
        (measure(sides[0], SIGNS)[0], measure(sides[1], SIGNS)[0]),
        (_figures(sides[0]), _figures(sides[1])),
        versus,
        {
            name: both_lists(space, repaired[DIRECTIONS[name]], found)
            for name, found in versus.items()
        },
        _seconds(space, recipe),
        len(train.pairs),
        n_test,
    )
    progress(4, 4)
    return _DONE.put(_key(opened, chosen), result)


def known_repair(opened: EncodedCollection, steps: Sequence[Step]) -> Repaired | None:
    """What `repair` would return, where it was computed lately in this process."""
    found: Repaired | None = _DONE.known(_key(opened, steps))
    return found


def _key(opened: EncodedCollection, steps: Sequence[Step]) -> tuple[str, ...]:
    return opened.version, opened.space.key, *map(str, steps)


def suggest(
    opened: EncodedCollection, seconds: float, *, progress: Progress = no_progress
) -> Repaired:
    """The recipe of a grid that ranks pairs of the training half best, judged on the held-out ones.

    Half of the training pairs fit and the others compare. Successive halving: each round keeps
    the better half of the recipes and compares them with twice the pairs, as long as there is time;
    what it did not suffice for is not compared. To change nothing is in the grid, stays to the end,
    and is suggested where the best recipe hurts the held-out pairs: an encoder that was trained on
    the others ranks them as it ranks nothing else.

    Args:
        opened: the collection.
        seconds: the time for the comparison.
        progress: called with (recipes compared, all of them); may raise to stop.
    """
    started = perf_counter()
    train = _without(opened.space, held_out_rows(opened))
    compare = random_half(train)
    fit = _without(train, compare)
    if min(len(fit.pairs), int(compare[train.pairs].all(axis=1).sum())) < LEAST:
        raise TooFew("A suggestion", 4 * LEAST, "pairs", len(opened.space.pairs), "Add captions.")
    begin_step(progress, "comparing", 1, 3, "recipes")
    recipes: dict[int, Recipe] = {}
    scores: dict[int, float] = {}
    left, most = list(range(len(GRID))), FIRST_PAIRS
    for number in range(ROUNDS):
        rows, found = _some(train, compare, most), dict[int, float]()
        for done, i in enumerate(left):
            progress(done, len(left))
            if found and perf_counter() - started > seconds:
                break
            if i not in recipes:
                recipes[i] = fit_recipe(fit, parse_steps(GRID[i]))
            found[i] = _score(train, recipes[i], rows)
        if number and len(found) < len(left):
            break  # scores on more pairs do not compare with those on fewer
        scores |= found
        left = sorted(found, key=lambda i: -scores[i])[: max(2, len(found) // 2)]
        left = left if 0 in left else [*left[:-1], 0]
        most *= 2
    best = max(left, key=lambda i: (scores[i], i == 0))
    tried = tuple((GRID[i], scores[i]) for i in sorted(scores, key=lambda i: -scores[i]))
    result = repair(opened, GRID[best], progress=progress, begun=1)
    if result.verdict == "hurts":
        lost = " and ".join(result.losses())
        rejected = (
            f"Nothing is suggested: {GRID[best]} ranks pairs of the training half best, but on "
            f"{result.n_test:,} held-out pairs search finds less, {lost}."
        )
        result = replace(repair(opened, GRID[0], progress=progress, begun=1), rejected=rejected)
    result = replace(result, tried=tried)
    return _DONE.put((SUGGESTED, *_key(opened, ())), result)


def known_suggestion(opened: EncodedCollection) -> Repaired | None:
    """What `suggest` returned lately in this process."""
    found: Repaired | None = _DONE.known((SUGGESTED, *_key(opened, ())))
    return found


# What `suggest` compares; the first changes nothing.
GRID = (
    "none",
    "per_modality_centering",
    "gap_shift:amount=0.5",
    "all_but_the_top",
    "whitening:exponent=0.5",
    "whitening:exponent=1",
    "standardization",
    "procrustes",
    "cca",
    "pls",
    "invgc",
    "nnn:k=16",
    "nnn:k=128",
    "dualis",
    "per_modality_centering,nnn:k=128",
    "whitening:exponent=0.5,nnn:k=128",
    "cca,nnn:k=128",
)


def repair_names() -> tuple[str, ...]:
    """What a step may be called: repairs, then hub corrections."""
    return (*REPAIRS.all(), *HUB_CORRECTIONS.all())


def _sign(gain: Gain) -> int:
    return int(gain[1] > 0) - int(gain[2] < 0)


def _without(space: Space, held_out: Bools) -> Space:
    rows = np.flatnonzero(~held_out)
    if not 0 < np.searchsorted(rows, space.n_images) < len(rows):
        raise InputError(
            "A repair is fitted on images and texts, and one kind is missing outside of the "
            "held-out items. Leave some items with another `split` than test."
        )
    return space.subset(rows)


def _figures(space: Space) -> Mapping[str, Figure]:
    found = {}
    for name, figure in FIGURES.items():
        with suppress(TooFew):
            found[name] = figure(space)
    return found


def _score(space: Space, recipe: Recipe, judged: Bools) -> float:
    """Mean of mAP in both directions."""
    result = evaluate_spaces(recipe.spaces(space, judged), judged, "")
    directions: tuple[Direction, ...] = (result.text_to_image, result.image_to_text)
    return float(np.mean([direction.scores[JUDGED].value for direction in directions]))


def _some(space: Space, rows: Bools, most: int) -> Bools:
    """The rows of at most so many images and their texts; all of them where there are fewer."""
    images = np.flatnonzero(rows[: space.n_images])
    if len(images) <= most:
        return rows
    kept = np.zeros(space.n, bool)
    kept[np.random.default_rng(0).choice(images, most, replace=False)] = True
    kept[space.pairs[kept[space.pairs[:, 0]], 1]] = True
    return kept


def _seconds(space: Space, recipe: Recipe) -> float:
    """What the repair of one text query takes, one at a time."""
    queries = space.texts[:TIMED]
    started = perf_counter()
    for query in queries:
        recipe.queries(query[None], "text")
    return (perf_counter() - started) / max(1, len(queries))
