"""Analogies across modalities: image - text of one label + text of another retrieves the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.measure.findings import points
from core.numerics.directions import MIN_LENGTH
from core.numerics.labels import member_matrix
from core.numerics.sampling import groups, half_of_groups, sampled_rows
from core.types import Bools, Doubles, Floats, Ints, Mix, Score, Space

LEAST = 10  # swaps, at least
PICTURES, SWAPS, RESAMPLES = 5000, 4000, 1000
STRENGTHS = np.arange(0, 2.01, 0.25)
FULL = int(np.searchsorted(STRENGTHS, 1.0))


@dataclass(frozen=True)
class Analogies:
    """Success rate of edits by text.

    `scores`: "success" at the strength that was best on the other half of the images,
    "success@1" at full strength, "success@0" without the edit (the nearest image), and at the
    best strength "new" (it has the new label) and "kept" (it has one of the other labels).
    `curve` is success against strength over all swaps, `strength` the chosen one.
    """

    scores: dict[str, Score]
    strengths: Doubles
    curve: Doubles
    strength: float
    sentence: str


@dataclass(frozen=True)
class _Swaps:
    """Images (indices into `rows`), the old and the new label, and a weight each."""

    rows: Ints
    labels: Bools
    source: Ints
    old: Ints
    new: Ints
    weights: Doubles


def analogies(
    space: Space, words: Callable[[Sequence[str]], Floats], *, mix: Mix = "balanced", seed: int = 0
) -> Analogies:
    """Success of a - b + c: replace a label of an image by text and retrieve such an image.

    Every image x with a label b and others, and every label c that it lacks, is a swap when
    another image has c and one of the others. The query x + s (text of c - text of b) succeeds
    when its nearest image, x excluded, has c and one of the other labels. The strength s is chosen
    on one half of the images and tested on the other. Swaps are weighted by one over the root of
    their frequency, so that frequent labels do not dominate.

    Source: Couairon, Cord, Douze, Schwenk. Embedding Arithmetic of Multimodal Queries for Image
    Retrieval (SIMAT). CVPR Workshops 2022; on the collection's own labels: ours.

    Args:
        space: images with two labels or more each, such as what and which.
        words: encodes the labels as texts, to unit rows.
        mix: "balanced" balances the image and the texts as search does, "sum" adds them.
        seed: of the halves, and of the choice among too many swaps.

    Raises:
        TooFew: fewer than 10 swaps, or all of one half.
    """
    rng = np.random.default_rng(seed)
    rows = sampled_rows(space, "image", PICTURES, seed)
    names, place, label = member_matrix(space, rows)
    labels = np.zeros((len(rows), len(names)), bool)
    labels[place, label] = True
    swaps = _swaps(rows, labels, rng)
    _, linked = np.unique(groups(space)[rows], return_inverse=True)
    half = half_of_groups(linked, rng)[swaps.source]
    if half.all() or not half.any():
        raise _too_few(len(half))
    images, edits = _scores(space, rows, np.asarray(words(names)), mix)
    tested = [_tested(swaps, images, edits, s) for s in STRENGTHS]
    on_train = [np.average(both[half], weights=swaps.weights[half]) for _, _, both in tested]
    best = int(np.argmax(on_train))
    test = ~half
    chance = _chance(swaps)[test]
    at = {"success": (best, 2), "success@1": (FULL, 2), "success@0": (0, 2), "new": (best, 0)}
    at["kept"] = (best, 1)
    scores = {
        name: _score(name, tested[i][what][test], chance if what == 2 else None, swaps, test, rng)
        for name, (i, what) in at.items()
    }
    gain = _score("gain", tested[best][2][test] - tested[0][2][test], None, swaps, test, rng)
    curve = np.array([np.average(both, weights=swaps.weights) for _, _, both in tested])
    return Analogies(
        scores, STRENGTHS, curve, float(STRENGTHS[best]), _sentence(scores, gain, STRENGTHS[best])
    )


def _swaps(rows: Ints, labels: Bools, rng: np.random.Generator) -> _Swaps:
    """The swaps that another image satisfies; a random sample where they are many."""
    found: list[Ints] = []
    order = rng.permutation(len(rows))
    shared = labels.T.astype(np.float32) @ labels.astype(np.float32) > 0  # labels that co-occur
    total = 0
    for x in order:
        own = np.flatnonzero(labels[x])
        for old in own:
            others = own[own != old]
            if len(others):
                new = np.flatnonzero(shared[others].any(axis=0) & ~labels[x])
                found.append(np.column_stack([np.full(len(new), x), np.full(len(new), old), new]))
                total += len(new)
        if total >= 4 * SWAPS:
            break
    swaps = np.concatenate(found) if found else np.empty((0, 3), np.int64)
    if len(swaps) < LEAST:
        raise _too_few(len(swaps))
    if len(swaps) > SWAPS:
        swaps = swaps[np.sort(rng.choice(len(swaps), SWAPS, replace=False))]
    source, old, new = swaps.T
    _, which, times = np.unique(swaps[:, 1:], axis=0, return_inverse=True, return_counts=True)
    return _Swaps(rows, labels, source, old, new, 1 / np.sqrt(times[which.ravel()]))


def _scores(space: Space, rows: Ints, words: Floats, mix: Mix) -> tuple[Doubles, Doubles]:
    """(n, n) scores of images by images and (labels, n) of images by the labels' texts.

    Balanced, each row of scores has mean 0 and deviation 1: what search does to parts of a mixed
    query, seen from the candidates.
    """
    images = space.vectors[rows].astype(np.float64)
    scores = [images @ images.T, words.astype(np.float64) @ images.T]
    if mix == "sum":
        return scores[0], scores[1]
    means = [space.images.mean(axis=0), space.texts.mean(axis=0) if len(space.texts) else 0.0]
    center = images.mean(axis=0)
    for i, (given, mean) in enumerate(zip((images, words), means, strict=True)):
        centered = (given - mean) @ (images - center).T
        scores[i] = centered / np.maximum(centered.std(axis=1, keepdims=True), MIN_LENGTH)
    return scores[0], scores[1]


def _tested(
    swaps: _Swaps, images: Doubles, edits: Doubles, strength: float
) -> tuple[Doubles, Doubles, Doubles]:
    """For each swap whether the first hit has the new label, another of the old, and both."""
    found = np.empty(len(swaps.source), np.int64)
    for start in range(0, len(found), 512):
        part = slice(start, start + 512)
        x = swaps.source[part]
        scores = images[x] + strength * (edits[swaps.new[part]] - edits[swaps.old[part]])
        scores[np.arange(len(x)), x] = -np.inf
        found[part] = scores.argmax(axis=1)
    others = swaps.labels[swaps.source].copy()
    others[np.arange(len(found)), swaps.old] = False
    new = swaps.labels[found, swaps.new]
    kept = (swaps.labels[found] & others).any(axis=1)
    return new.astype(float), kept.astype(float), (new & kept).astype(float)


def _chance(swaps: _Swaps) -> Doubles:
    """For each swap the share of the other images that satisfy it."""
    labels = swaps.labels.astype(np.float32)
    result = np.empty(len(swaps.source))
    for i, (x, old, new) in enumerate(zip(swaps.source, swaps.old, swaps.new, strict=True)):
        others = swaps.labels[x].copy()
        others[old] = False
        result[i] = (swaps.labels[:, new] & (labels @ others.astype(np.float32) > 0)).sum()
    return result / (len(swaps.labels) - 1)


def _score(
    name: str,
    values: Doubles,
    chance: Doubles | None,
    swaps: _Swaps,
    test: Bools,
    rng: np.random.Generator,
) -> Score:
    """The weighted mean with its interval: bootstrap over images, each with all its swaps."""
    weights = swaps.weights[test]
    _, code = np.unique(swaps.source[test], return_inverse=True)
    n = int(code.max()) + 1
    top, bottom = np.bincount(code, weights * values), np.bincount(code, weights)
    drawn = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES)
    low, high = np.quantile((drawn @ top) / (drawn @ bottom), [0.025, 0.975])
    value = float(top.sum() / bottom.sum())
    by_chance = float("nan") if chance is None else float(np.average(chance, weights=weights))
    return Score(
        name, value, min(float(low), value), max(float(high), value), by_chance, len(values)
    )


def _sentence(scores: dict[str, Score], gain: Score, strength: float) -> str:
    best, plain = scores["success"], scores["success@0"]
    change = points(gain.value, gain.low, gain.high)
    verdict = f"{'' if gain.low > 0 else 'not significantly '}more than without the edit"
    return (
        f"The analogy success rate is {best.value:.0%} ({best.low:.0%} to {best.high:.0%}) of "
        f"{best.n_queries:,} swaps at strength {strength:g}, against {best.chance:.0%} by chance. "
        f"That is {verdict} ({plain.value:.0%}; {change})."
    )


def _too_few(found: int) -> TooFew:
    return TooFew(
        "The analogy test", LEAST, "images with a label that can be swapped", found,
        "Give images two labels or more, such as: dog, brown.",
    )  # fmt: skip
