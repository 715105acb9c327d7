"""Retrieval by composed queries, prompt templates and long texts, on images the starter never saw.

Caption words serve as labels: a word labels an image when two of its captions contain it.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np

from core.encoders import encoder
from core.search.query import encode
from core.types.arrays import Bools, Doubles, Floats, Ints
from core.types.query import Mix, Part, Query, Template
from core.types.space import Space
from tests.bench.rows import row
from tests.bench.stages import known

QUERIES, TRIPLES, RESAMPLES = 3000, 200, 1000
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the in on of and with is are to at his her their its it while by for from as into "
        "through over up out near off each other down some another next behind who that being has "
        "have there around together very front one two three four five",
    )
)
LONG_TEXT = {"": "cut", "windows": "windows", "stretch": "stretch", "interpolate": "interpolate"}


def run() -> list[dict[str, Any]]:
    """Rows for the mixes, the templates and the treatments of long texts."""
    folder = Path(os.environ.get("SEXTANT_TEST_DATA") or known.DATA) / "flickr8k-800"
    whole, names, _ = known.encoded(folder)
    rows = known.with_captions(whole, np.array([known.unseen(name) for name in names]))
    lines = [json.loads(s) for s in (folder / "items.jsonl").read_text("utf-8").splitlines()]
    captions = [line["captions"] for line in lines if known.unseen(line["image"])]
    space = whole.subset(np.flatnonzero(rows))
    return [*_mixes(space, captions), *_templates(space, captions), *_long(space, captions)]


def phrases(caption: str, length: int) -> set[str]:
    """Runs of `length` words that neither begin nor end with a function word.

    >>> sorted(phrases("A brown dog runs on sand.", 2))
    ['brown dog', 'dog runs']
    """
    words = re.findall(r"[a-z]+", caption.lower())
    runs = [words[i : i + length] for i in range(len(words) - length + 1)]
    return {" ".join(run) for run in runs if not {run[0], run[-1]} & FUNCTION_WORDS}


def average_precision(scores: Floats | Doubles, relevant: Bools) -> Doubles:
    """(q,) mean over a query's relevant items of the precision at their rank.

    >>> average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])).round(3)
    array([0.833])
    """
    hit = np.take_along_axis(relevant, np.argsort(-scores, axis=1, kind="stable"), axis=1)
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    result: Doubles = (precision * hit).sum(axis=1) / hit.sum(axis=1)
    return result


def _mixes(space: Space, captions: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """An image and a word it lacks: images with that word and one of its own are relevant."""
    counted = [Counter(w for c in cs for w in phrases(c, 1)) for cs in captions]
    often = Counter(w for count in counted for w, times in count.items() if times > 1)
    words = sorted(w for w, n in often.items() if 4 <= n <= 0.4 * len(captions))
    has = np.array([[count[w] > 1 for w in words] for count in counted])
    rng = np.random.default_rng(0)
    chosen: list[tuple[int, int]] = []
    kept: list[Bools] = []
    for x, w in rng.permutation(np.argwhere(~has)):
        relevant = has[:, w] & (has[:, has[x]].any(axis=1))
        if relevant.any() and len(chosen) < QUERIES:
            chosen.append((int(x), int(w)))
            kept.append(relevant)
    source, relevant = np.array([x for x, _ in chosen]), np.array(kept)
    results = {}
    for mix in get_args(Mix):
        parts = [(Part(item=space.ids[x]), Part(words[w])) for x, w in chosen]
        scores = _vectors(space, [Query(p, ("image",), mix=mix) for p in parts]) @ space.images.T
        scores[np.arange(len(source)), source] = -np.inf
        results[mix] = average_precision(scores, relevant)
    yield from _rows("an image and a word, mAP", results, "sum", source, space)


def _templates(space: Space, captions: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Phrases of one to three words: images with the phrase in a caption are relevant."""
    for length in (1, 2, 3):
        by_image = [set().union(*(phrases(c, length) for c in cs)) for cs in captions]
        often = Counter(p for phrases_ in by_image for p in phrases_)
        texts = sorted(p for p, n in often.items() if 3 <= n <= 0.4 * len(captions))
        relevant = np.array([[p in phrases_ for phrases_ in by_image] for p in texts])
        results = {}
        for template in get_args(Template):
            queries = [Query((Part(p),), ("image",), template=template) for p in texts]
            results[template] = average_precision(
                _vectors(space, queries) @ space.images.T, relevant
            )
        title = f"{length}-word phrases, template, mAP"
        yield from _rows(title, results, "", np.arange(len(texts)), space)


def _long(space: Space, captions: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """The captions of three images one after the other: recall@10 of the three."""
    rng = np.random.default_rng(0)
    chosen = np.array([rng.choice(len(captions), 3, replace=False) for _ in range(TRIPLES)])
    texts = [" ".join(c.strip(" .") + "." for i in three for c in captions[i]) for three in chosen]
    results = {}
    for mode, name in LONG_TEXT.items():
        reader = encoder.with_long_text(encoder.load(known.ENCODER), mode)
        scores = reader.encode_texts(texts) @ space.images.T
        best = np.argsort(-scores, axis=1)[:, :10]
        results[name] = (best[:, None] == chosen[:, :, None]).any(axis=2).mean(axis=1)
    yield from _rows("captions of three images, recall@10", results, "cut", chosen[:, 0], space)


def _vectors(space: Space, queries: Sequence[Query]) -> Floats:
    # All that encoding takes of an open collection.
    opened: Any = SimpleNamespace(space=space, passport=encoder.load(known.ENCODER).passport)
    vectors: Floats = encode.encode(opened, queries)
    return vectors


def _rows(
    title: str, results: dict[str, Doubles], baseline: str, groups: Ints, space: Space
) -> Iterator[dict[str, Any]]:
    """One row for each method, beside the baseline; the interval is over groups of queries."""
    _, code = np.unique(groups, return_inverse=True)
    n = int(code.max()) + 1
    sample = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    sizes = np.bincount(code)
    for name, values in results.items():
        gain = np.bincount(code, values - results[baseline])
        low, high = 100 * np.quantile((sample @ gain) / (sample @ sizes), [0.025, 0.975])
        value, before = 100 * float(values.mean()), 100 * float(results[baseline].mean())
        yield row(
            f"{title}: {name or 'none'}",
            space.n_images,
            space.d,
            round(value, 1),
            "%",
            f"{value - before:+.1f} points ({low:+.1f} to {high:+.1f}) against "
            f"'{baseline or 'none'}'; {len(values):,} queries",
            baseline=round(before, 1),
            ratio=value / before if before else None,
        )
