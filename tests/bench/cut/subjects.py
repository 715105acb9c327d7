"""Common subjects: a share of the pictures shows what a short question names, or none does."""

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
LEAST, FEWEST, DRAWS = 2, 60, 4  # captions that say so; other pictures; draws of each
TAIL = "exponential tail of its own cosines"


def subject_rows(name: str, space: Space, said: list[str]) -> list[dict[str, Any]]:
    """F0.5 of two cuts for each share of the pictures that match.

    A picture matches when two of its captions name the subject; those with one are left out.
    """
    asks = encoder.load(ENCODER).encode_texts(list(SUBJECTS)) if said else ()
    found: list[dict[str, Any]] = []
    for share in SHARES:
        judged = [
            _judged(space, ask, *part)
            for ask, words in zip(asks, SUBJECTS.values(), strict=bool(said))
            for part in planted(*named(space, said, words), share)
        ]
        if judged:
            found += [
                row(f"{name}: common subjects, {share:.0%} match, {rule}", space, np.array(counts))
                for rule, counts in zip(
                    (f"chance hits: {EXPECTED:g}", TAIL), zip(*judged, strict=True), strict=True
                )
            ]
    return found


def named(space: Space, said: list[str], words: str) -> tuple[Ints, Ints]:
    """Pictures that show the subject, and those that do not."""
    names = np.array([bool(re.search(rf"\b({words})\b", text.lower())) for text in said])
    image, text = space.pairs.T
    count = np.bincount(image, names[text - space.n_images], space.n_images)
    return np.flatnonzero(count >= LEAST), np.flatnonzero(count == 0)


def planted(yes: Ints, no: Ints, share: float) -> list[tuple[Ints, Ints]]:
    """So many matching pictures among others that they are this share; [] where too few match."""
    found = []
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
            found.append((matching, rest))
    return found


def _judged(space: Space, ask: Floats, matching: Ints, rest: Ints) -> tuple[list[int], list[int]]:
    """By cut: true matches kept, all that is kept, true matches there are."""
    allowed = np.zeros(space.n, bool)
    allowed[matching] = allowed[rest] = True
    shape = null_tail(space, single_items(space, "text"), "image", allowed)
    rows = np.flatnonzero(allowed)
    found, true = space.vectors[rows] @ ask, np.isin(rows, matching)
    cut = by_chance({"image": fit_null(found, shape)}, len(rows)).cosines["image"]
    return _counted(found, true, cut), _counted(found, true, _own_tail(found))


def _own_tail(found: Floats) -> float:
    start = np.quantile(found, 0.9)
    excess = (found[found > start] - start).mean()
    return float(start - excess * np.log(EXPECTED / len(found) / 0.1))


def _counted(found: Floats, true: Bools, cut: float) -> list[int]:
    kept = found >= cut
    return [int((kept & true).sum()), int(kept.sum()), int(true.sum())]


def row(name: str, space: Space, counts: Doubles) -> dict[str, Any]:
    """One rule's figures, from (t, 3) draws: true matches kept, all kept, true matches."""
    hit, kept, there = counts.T
    f = 1.25 * hit / np.maximum(0.25 * there + kept, 1e-12)
    none = there.sum() == 0
    value = float((kept == 0).mean() if none else f.mean())
    recall = None if none else round(float((hit / there).mean()), 4)
    note = (
        f"{len(counts)} draws; precision {hit.sum() / max(kept.sum(), 1):.1%}; "
        f"{(kept == 0).mean():.0%} told that nothing matches; {(kept - hit).mean():.2f} others kept"
    )
    return {
        "name": f"{name}: {'share rightly told that nothing matches' if none else 'F0.5'}",
        "n": space.n_images, "d": space.d, "value": round(value, 4), "unit": "share",
        "baseline": None, "ratio": None, "recall": recall, "note": note,
    }  # fmt: skip
