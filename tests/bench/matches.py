"""P(match), bands, expected numbers and p-values on queries with known matches.

Everything is fitted on one half of the queries and one half of the items, and evaluated on the
other half of both, for two splits. Every query is evaluated with its matches and without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from core.numerics.stats import auc
from core.search.calibration import Calibration, bundled, calibrate
from core.search.known_matches import KnownMatches, everyday_vectors, known_matches, sampled_items
from core.search.match_estimate import estimate_matches
from core.search.null import NullTail, body, fit_null, fit_null_tail
from core.store import EncodedCollection
from core.types import Doubles, Floats, Part, Query
from core.workbench import Workbench
from tests.bench.rows import row
from tests.bench.stages.known import DATA, unseen

SPLITS, MISS, MANY = 4, 0.2, 5
LEAST = 10  # queries to evaluate
NOT_IN_TABLE = "coco-mini", "demo"  # the starter's table was not fitted on them
FIRST = (1, 5, 20)
SHARES = (0.1, 0.05, 0.01)
FORMS = {
    "short text": Query((Part("red car"),), kinds=("image",)),
    "long text": Query((Part("a red car on a street"),), kinds=("image",)),
    "text - text": Query((Part("red car"), Part("rain", weight=-1.0)), kinds=("image",)),
}
NATURAL = {
    "flickr8k-800": (
        "a dog", "a woman", "children playing", "snow", "a beach", "a man on a bike", "water",
        "a football game", "climbing", "a red shirt",
    ),
    "imagenet-600": (
        "a fish", "a bird", "a dog", "a cat", "a car", "a snake", "food", "a musical instrument",
        "furniture", "a boat",
    ),
    "demo": (
        "a dog", "a cat", "pizza", "a red car", "people", "food", "a flag", "snow on a mountain",
        "something to play music on", "a happy face",
    ),
}  # fmt: skip


def run() -> list[dict[str, Any]]:
    """Rows of each collection and form of query."""
    folder = Path(os.environ.get("SEXTANT_TEST_DATA") or DATA)
    with TemporaryDirectory() as home:
        return [
            line
            for name, opened in _collections(Workbench(home), folder)
            for line in (*collection_rows(name, opened), *natural_rows(name, opened))
        ]


def _collections(bench: Workbench, folder: Path) -> Iterator[tuple[str, EncodedCollection]]:
    for name in ("flickr8k-800", "coco-mini", "imagenet-600"):
        if (folder / name).is_dir():
            bench.ingest(name, folder / name)
            yield name, bench.open(name)
    bench.build_demo()
    yield "demo", bench.open("demo")


def collection_rows(name: str, opened: EncodedCollection) -> list[dict[str, Any]]:
    """Rows of one collection, for each form of query that has known matches there."""
    rows = []
    if name == "flickr8k-800":
        rows = collection_rows("flickr8k-800, unseen images", unseen_images(opened))
    for form, query in FORMS.items():
        known = known_matches(opened, query, "image")
        if known is not None:
            items = opened.space.vectors[sampled_items(opened, "image")]
            rows += form_rows(f"{name}: {form}", known, items)
            table = bundled(opened.passport).get(f"{form}, image")
            if table and name in NOT_IN_TABLE:
                texts = everyday_vectors(opened, query, form)
                none = np.zeros((len(texts), len(items)), bool)
                tail = fit_null_tail((texts @ items.T).astype(np.float32), none)
                measured = _evaluate(replace(table, own=True), tail, known, items)
                rows += _lines(f"{name}: {form}, the starter's table", known, items, [measured])
    return rows


def unseen_images(opened: EncodedCollection) -> EncodedCollection:
    """The flickr8k-800 images that the starter's heads never saw, with their captions."""
    names = opened.collection.table(opened.space.ids)["name"].to_pylist()
    images = np.array([unseen(name) for name in names[: opened.space.n_images]])
    image, text = opened.space.pairs.T
    kept = np.concatenate([np.flatnonzero(images), np.unique(text[images[image]])])
    return replace(opened, space=opened.space.subset(kept), version=f"{opened.version} unseen")


def form_rows(name: str, known: KnownMatches, items: Floats) -> list[dict[str, Any]]:
    """Detection, bands, numbers and p-values of queries of one form."""
    known = known.take(np.flatnonzero(known.matches.any(axis=1)))
    splits = [_split(known, items, seed) for seed in range(SPLITS)]
    measured = []
    for fit, other in splits:
        calibration = calibrate(*fit, "")
        if calibration and len(other[0]) >= LEAST:
            queries, columns = fit
            related = queries.matches | queries.unclear | queries.excluded
            tail = fit_null_tail((queries.vectors @ columns.T).astype(np.float32), related)
            measured.append(_evaluate(calibration, tail, *other))
    return _lines(name, known, items, measured)


def _lines(
    name: str, known: KnownMatches, items: Floats, measured: list[dict[str, float]]
) -> list[dict[str, Any]]:
    note = f"{len(known)} queries, {len(measured)} splits"
    return [
        row(f"{name}, {key}", *items.shape, round(float(np.mean(values)), 3), "", note)
        for key in (measured[0] if measured else ())
        if np.isfinite(values := [one[key] for one in measured]).all()
    ]


Half = tuple[KnownMatches, Floats]


def _split(known: KnownMatches, items: Floats, seed: int) -> tuple[Half, Half]:
    rng = np.random.default_rng(seed)
    queries, columns = rng.permutation(len(known)) % 2, rng.permutation(len(items)) % 2
    halves = []
    for half in (0, 1):
        at, rows = np.flatnonzero(queries == half), np.flatnonzero(columns == half)
        part = KnownMatches(
            known.vectors[at],
            known.matches[np.ix_(at, rows)],
            known.unclear[np.ix_(at, rows)],
            known.excluded[np.ix_(at, rows)],
        )
        halves.append((part, items[rows]))
    return halves[0], halves[1]


def _evaluate(
    calibration: Calibration, tail: NullTail | None, known: KnownMatches, items: Floats
) -> dict[str, float]:
    known = known.take(np.flatnonzero(known.matches.any(axis=1)))
    cosines = (known.vectors @ items.T).astype(np.float64)
    cosines[known.excluded] = np.nan
    others = np.where(known.matches | known.unclear, np.nan, cosines)
    signals = [
        [_signals(values[np.isfinite(values)].astype(np.float32), tail) for values in side]
        for side in (cosines, others)
    ]
    found = {
        f"AUC {key}": auc(
            np.array([s[key] for s in signals[0]]), np.array([s[key] for s in signals[1]])
        )[0]
        for key in signals[0][0]
    }
    n = len(items)
    level = calibration.level(MISS)
    present, absent = (np.nanmax(side, axis=1) for side in (cosines, others))
    kept = np.array([calibration.p_query(x, n) >= level for x in present])
    said_no = np.array([calibration.p_query(x, n) < level for x in absent])
    with_hindsight = np.quantile(present, 1 - kept.mean())
    found |= {
        "kept": float(kept.mean()),
        "rejected": float(said_no.mean()),
        "rejected, best cosine with hindsight": float((absent < with_hindsight).mean()),
    }
    return found | _bands(calibration, known, cosines) | _p_values(known, cosines, tail)


def _signals(values: Floats, tail: NullTail | None) -> Mapping[str, float]:
    ordered = np.sort(values)
    mean, sd = body(values[None])
    return {
        "best cosine": float(ordered[-1]),
        "best z": float((ordered[-1] - mean[0]) / max(sd[0], 1e-9)),
        "best p (0.1.0)": -float(fit_null(values, tail).p(ordered[-1:])[0]),
        "gap to the second": float(ordered[-1] - ordered[-2]),
    }


def _bands(calibration: Calibration, known: KnownMatches, cosines: Doubles) -> dict[str, float]:
    """Calibration error of P(match) of items in five bins, numbers, and F0.5 beside other rules."""
    p, match, ratio, inside = [], [], [], []
    counts: dict[str, list[tuple[int, int, int]]] = {}
    fixed = float(np.nanquantile(cosines[known.matches], 0.5))
    for values, matches, unclear in zip(cosines, known.matches, known.unclear, strict=True):
        usable = np.isfinite(values)
        x = values[usable].astype(np.float32)
        found = estimate_matches(calibration, x, len(x), float(x.max()), MISS)
        if found is None:
            return {}
        clear = ~unclear[usable]
        p.append(found.probabilities(x)[clear])
        match.append(matches[usable][clear])
        number = int(matches.sum())
        inside.append(found.low <= number <= found.high)
        if number >= MANY:
            ratio.append(0.5 <= found.expected / number <= 2)
        ordered = np.sort(x)[::-1]
        rules = {"strong": found.strong, "strong or likely": found.likely, "fixed cosine": fixed}
        rules |= {f"first {k}": float(ordered[k - 1]) for k in FIRST}
        for rule, least in rules.items():
            kept = x[clear] >= least
            hit = int((kept & matches[usable][clear]).sum())
            counts.setdefault(rule, []).append((hit, int(kept.sum()), number))
    every, true = np.concatenate(p), np.concatenate(match)
    places = np.digitize(every, [0.2, 0.4, 0.6, 0.8])
    bins = [places == i for i in range(5)]
    errors = [abs(every[b].mean() - true[b].mean()) for b in bins if b.sum() >= 50]
    result = {
        "largest error of P(match) in five bins": float(max(errors)),
        "numbers within a factor 2": float(np.mean(ratio)) if len(ratio) >= MANY else float("nan"),
        "80% intervals of numbers that cover": float(np.mean(inside)),
    }
    for rule, counted in counts.items():
        hit, kept_, there = np.sum(counted, axis=0)
        result[f"F0.5 of {rule}"] = float(1.25 * hit / max(0.25 * there + kept_, 1e-9))
    return result


def _p_values(known: KnownMatches, cosines: Doubles, tail: NullTail | None) -> dict[str, float]:
    shares = []
    for values, related in zip(cosines, known.matches | known.unclear, strict=True):
        x = values[np.isfinite(values) & ~related].astype(np.float32)
        p = fit_null(x, tail).p(x)
        shares.append([(p <= share).mean() / share for share in SHARES])
    return {
        f"share of p <= {share} over nominal": float(value)
        for share, value in zip(SHARES, np.mean(shares, axis=0), strict=True)
    }


def natural_rows(name: str, opened: EncodedCollection) -> list[dict[str, Any]]:
    """Ten queries that people type and that have a match in the collection."""
    texts = NATURAL.get(name, ())
    queries = [Query((Part(text),), kinds=("image",)) for text in texts]
    if not queries:
        return []
    wrong = [
        text
        for text, result in zip(texts, Workbench.search_all(opened, queries), strict=True)
        if result.no_match
    ]
    note = f"no match:  {', '.join(wrong)}" if wrong else "all have a match in the collection"
    space = opened.space
    return [
        row(f"{name}: natural queries kept", space.n_images, space.d, 10 - len(wrong), "", note)
    ]
