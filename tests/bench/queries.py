"""What composing, templates and long texts do to what is found, on pictures the starter never saw.

Words of the captions stand for labels: a word labels a picture when two of its captions have it.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from core.encoders import encoder
from core.search.query import encode
from core.types.arrays import Bools, Doubles, Floats, Ints
from core.types.query import Mix, Part, Query, Template
from core.types.space import Space
from tests.bench.stages import known

ASKED, TRIPLES, RESAMPLES = 3000, 200, 1000
SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the in on of and with is are to at his her their its it while by for from as into "
        "through over up out near off each other down some another next behind who that being has "
        "have there around together very front one two three four five",
    )
)
WAYS = {"": "cut", "windows": "windows", "stretch": "stretch", "interpolate": "interpolate"}


def run() -> list[dict[str, Any]]:
    """Rows for the mixes, the templates and the ways to read long texts."""
    folder = Path(os.environ.get("SEXTANT_TEST_DATA") or known.DATA) / "flickr8k-800"
    whole, names, _ = known.encoded(folder)
    judged = np.zeros(whole.n, bool)
    judged[: whole.n_images] = [known.unseen(name) for name in names]
    judged[whole.pairs[judged[whole.pairs[:, 0]], 1]] = True
    lines = [json.loads(s) for s in (folder / "items.jsonl").read_text("utf-8").splitlines()]
    captions = [line["captions"] for line in lines if known.unseen(line["image"])]
    space = whole.subset(np.flatnonzero(judged))
    return [*_mixes(space, captions), *_templates(space, captions), *_long(space, captions)]


def phrases(caption: str, length: int) -> set[str]:
    """Runs of so many words that neither begin nor end with a small word.

    >>> sorted(phrases("A brown dog runs on sand.", 2))
    ['brown dog', 'dog runs']
    """
    words = re.findall(r"[a-z]+", caption.lower())
    runs = [words[i : i + length] for i in range(len(words) - length + 1)]
    return {" ".join(run) for run in runs if not {run[0], run[-1]} & SMALL_WORDS}


def average_precision(scores: Floats | Doubles, relevant: Bools) -> Doubles:
    """(q,) mean over a query's right answers of the precision at their rank.

    >>> average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])).round(3)
    array([0.833])
    """
    hit = np.take_along_axis(relevant, np.argsort(-scores, axis=1, kind="stable"), axis=1)
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    result: Doubles = (precision * hit).sum(axis=1) / hit.sum(axis=1)
    return result


def _mixes(space: Space, captions: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """A picture and a word it lacks: right are pictures with that word and one of its own."""
    counted = [Counter(w for c in cs for w in phrases(c, 1)) for cs in captions]
    often = Counter(w for count in counted for w, times in count.items() if times > 1)
    words = sorted(w for w, n in often.items() if 4 <= n <= 0.4 * len(captions))
    has = np.array([[count[w] > 1 for w in words] for count in counted])
    rng = np.random.default_rng(0)
    asked: list[tuple[int, int]] = []
    right: list[Bools] = []
    for x, w in rng.permutation(np.argwhere(~has)):
        relevant = has[:, w] & (has[:, has[x]].any(axis=1))
        if relevant.any() and len(asked) < ASKED:
            asked.append((int(x), int(w)))
            right.append(relevant)
    source, relevant = np.array([x for x, _ in asked]), np.array(right)
    found = {}
    for mix in get_args(Mix):
        parts = [(Part(item=space.ids[x]), Part(words[w])) for x, w in asked]
        scores = _vectors(space, [Query(p, ("image",), mix=mix) for p in parts]) @ space.images.T
        scores[np.arange(len(source)), source] = -np.inf
        found[mix] = average_precision(scores, relevant)
    yield from _rows("a picture and a word, mAP", found, "sum", source, space)


def _templates(space: Space, captions: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Phrases of one to three words: right are pictures with the phrase in a caption."""
    for length in (1, 2, 3):
        said = [set().union(*(phrases(c, length) for c in cs)) for cs in captions]
        often = Counter(p for phrases_ in said for p in phrases_)
        asked = sorted(p for p, n in often.items() if 3 <= n <= 0.4 * len(captions))
        relevant = np.array([[p in phrases_ for phrases_ in said] for p in asked])
        found = {}
        for template in get_args(Template):
            queries = [Query((Part(p),), ("image",), template=template) for p in asked]
            found[template] = average_precision(_vectors(space, queries) @ space.images.T, relevant)
        title = f"{length}-word phrases, template, mAP"
        yield from _rows(title, found, "", np.arange(len(asked)), space)


def _long(space: Space, captions: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """The captions of three pictures one after the other: how many of the three are in the ten."""
    rng = np.random.default_rng(0)
    chosen = np.array([rng.choice(len(captions), 3, replace=False) for _ in range(TRIPLES)])
    texts = [" ".join(c.strip(" .") + "." for i in three for c in captions[i]) for three in chosen]
    found = {}
    for mode, name in WAYS.items():
        reader = encoder.with_long_text(encoder.load(known.ENCODER), mode)
        scores = reader.encode_texts(texts) @ space.images.T
        best = np.argsort(-scores, axis=1)[:, :10]
        found[name] = (best[:, None] == chosen[:, :, None]).any(axis=2).mean(axis=1)
    yield from _rows("captions of three pictures, recall@10", found, "cut", chosen[:, 0], space)


def _vectors(space: Space, queries: Sequence[Query]) -> Floats:
    return encode.query_vectors(space, encoder.load(known.ENCODER).passport, queries)


def _rows(
    title: str, found: dict[str, Doubles], plain: str, groups: Ints, space: Space
) -> Iterator[dict[str, Any]]:
    """One row for each way, beside the plain one; the interval is over groups of queries."""
    _, code = np.unique(groups, return_inverse=True)
    n = int(code.max()) + 1
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    sizes = np.bincount(code)
    for name, values in found.items():
        gain = np.bincount(code, values - found[plain])
        low, high = 100 * np.quantile((drawn @ gain) / (drawn @ sizes), [0.025, 0.975])
        value, before = 100 * float(values.mean()), 100 * float(found[plain].mean())
        yield {
            "name": f"{title}: {name or 'none'}",
            "n": space.n_images,
            "d": space.d,
            "value": round(value, 1),
            "unit": "%",
            "baseline": round(before, 1),
            "ratio": round(value / before, 3) if before else None,
            "recall": None,
            "note": f"{value - before:+.1f} points ({low:+.1f} to {high:+.1f}) against "
            f"'{plain or 'none'}'; {len(values):,} queries",
        }
