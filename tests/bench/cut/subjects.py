"""Common subjects: a known share of the images shows what a short query names, or none does."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from core.encoders import encoder
from core.search.background_queries import null_tail, single_items
from core.search.cutoff import EXPECTED, by_chance
from core.search.null import fit_null
from core.types.arrays import Bools, Doubles, Floats, Ints
from core.types.space import Space
from tests.bench.rows import row
from tests.bench.stages.known import ENCODER

SUBJECTS = {
    "a dog": "dogs?|puppy|puppies", "snow": "snow|snowy",
    "water": "water|ocean|lake|river|pool|sea",
    "a beach": "beach|sand|sandy|shore", "a bicycle": "bikes?|bicycles?|cyclists?|bicyclists?",
    "someone climbing": "climb|climbs|climbing|climber", "a street": "street|road|sidewalk",
    "food on a table": "food|plate|meal|table", "a kitchen": "kitchen|oven|stove|refrigerator",
    "a bathroom": "bathroom|toilet|sink", "a car": "cars?|trucks?|bus",
}  # fmt: skip
SHARES = (0.0, 0.01, 0.05, 0.1, 0.3)
LEAST, FEWEST, DRAWS = 2, 60, 4  # captions that name it; other images; draws of each
RULES = f"chance hits: {EXPECTED:g}", "exponential tail of its own cosines"


def subject_rows(name: str, space: Space, texts: list[str]) -> list[dict[str, Any]]:
    """F0.5 of two cutoffs for each share of matching images.

    An image matches when two of its captions name the subject; those with one are left out.
    """
    queries = encoder.load(ENCODER).encode_texts(list(SUBJECTS)) if texts else ()
    rows: list[dict[str, Any]] = []
    for share in SHARES:
        judged = [
            _judged(space, query, *part)
            for query, words in zip(queries, SUBJECTS.values(), strict=bool(texts))
            for part in planted(*named(space, texts, words), share)
        ]
        if judged:
            rows += [
                subject_row(f"{name}: common subjects, {share:.0%} match, {rule}", space, counts)
                for rule, counts in zip(
                    RULES, map(np.array, zip(*judged, strict=True)), strict=True
                )
            ]
    return rows


def named(space: Space, texts: list[str], words: str) -> tuple[Ints, Ints]:
    """Images that show the subject, and those that do not."""
    names = np.array([bool(re.search(rf"\b({words})\b", text.lower())) for text in texts])
    image, text = space.pairs.T
    count = np.bincount(image, names[text - space.n_images], space.n_images)
    return np.flatnonzero(count >= LEAST), np.flatnonzero(count == 0)


def planted(yes: Ints, no: Ints, share: float) -> list[tuple[Ints, Ints]]:
    """Matching and other images in this proportion, by seed; [] where too few match."""
    samples = []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        wanted = max(round(share / (1 - share) * len(no)), int(share > 0))
        matching = rng.permutation(yes)[:wanted]
        rest = (
            no
            if len(matching) == wanted
            else rng.permutation(no)[: round(len(yes) * (1 - share) / share)]
        )
        if len(yes) >= LEAST and len(rest) >= FEWEST:
            samples.append((matching, rest))
    return samples


def _judged(space: Space, query: Floats, matching: Ints, rest: Ints) -> tuple[list[int], list[int]]:
    """By rule: true matches above the cutoff, all items above it, true matches in all."""
    allowed = np.zeros(space.n, bool)
    allowed[matching] = allowed[rest] = True
    shape = null_tail(space, single_items(space, "text"), "image", allowed)
    rows = np.flatnonzero(allowed)
    cosines, true = space.vectors[rows] @ query, np.isin(rows, matching)
    cutoff = by_chance({"image": fit_null(cosines, shape)}, len(rows)).cosines["image"]
    return _counted(cosines, true, cutoff), _counted(cosines, true, _own_tail(cosines))


def _own_tail(cosines: Floats) -> float:
    start = np.quantile(cosines, 0.9)
    excess = (cosines[cosines > start] - start).mean()
    return float(start - excess * np.log(EXPECTED / len(cosines) / 0.1))


def _counted(cosines: Floats, true: Bools, cutoff: float) -> list[int]:
    kept = cosines >= cutoff
    return [int((kept & true).sum()), int(kept.sum()), int(true.sum())]


def subject_row(name: str, space: Space, counts: Doubles) -> dict[str, Any]:
    """One rule's figures, from (t, 3) draws as in `_judged`."""
    hit, kept, there = counts.T
    f = 1.25 * hit / np.maximum(0.25 * there + kept, 1e-12)
    none = there.sum() == 0
    value = float((kept == 0).mean() if none else f.mean())
    recall = None if none else round(float((hit / there).mean()), 4)
    note = (
        f"{len(counts)} draws; precision {hit.sum() / max(kept.sum(), 1):.1%}; "
        f"{(kept == 0).mean():.0%} without a match; {(kept - hit).mean():.2f} false positives"
    )
    what = "share of queries that rightly get no match" if none else "F0.5"
    name = f"{name}: {what}"
    return row(name, space.n_images, space.d, round(value, 4), "share", note, recall=recall)
