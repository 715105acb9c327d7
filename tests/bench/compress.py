"""Compressors beside faiss's at equal bytes a row; seconds and memory to fit and to encode.

On flickr8k-800 and imagenet-600, where they are at hand, and on SEXTANT_BENCH_ROWS synthetic rows
(200,000 by default), half of them texts on the other side of a gap. Compressors are fitted on all
rows and judged on image rows: recall@10 against the exact ranking, of text and of image queries.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from core.improve import Compressed, compressed, fit_way, parse_way
from core.numerics.neighbors import select
from core.types import KINDS, Floats, Ints, Kind, Space
from core.workbench import Workbench
from tests.bench.rows import figures, row

DATA = Path(__file__).parents[3] / "shared" / "data"
COLLECTIONS = ("flickr8k-800", "imagenet-600")
ROWS, D, K, QUERIES = 200_000, 512, 10, 300
# Ours, and faiss's of the same kind: its name there, with {d} for the dimensions.
PAIRS = {
    "int8": "SQ8",
    "pq:parts=64": "PQ64",
    "opq:parts=64": "OPQ64,PQ64",
    "rabitq:bits=1": "RR{d},RaBitQ",
    "rabitq:bits=2": "RR{d},RaBitQ2",
    "rabitq:bits=4": "RR{d},RaBitQ4",
}
ALONE = (
    "float16",
    "int8:per=row",
    "truncation:dims=32", "truncation:dims=32:order=pca", "truncation:dims=32:order=stored",
    "truncation:dims=64:numbers=int8", "truncation:dims=128:numbers=int4",
    "bebr:bits=1", "bebr:bits=1:distance=asymmetric", "repconc:parts=64", "simvq:parts=64",
)  # fmt: skip


def run() -> list[dict[str, Any]]:
    """Recall and bytes of each way on each collection, then its cost on the synthetic rows."""
    rows = []
    for name, space in _spaces():
        truth = {kind: _best(*_queries(space, kind), space.images) for kind in KINDS}
        for way in (*ALONE, *PAIRS):
            rows += _way(name, space, way, truth)
    return rows


def _spaces() -> Iterator[tuple[str, Space]]:
    for name in COLLECTIONS:
        if (DATA / name).exists():
            with TemporaryDirectory() as folder:
                bench = Workbench(folder)
                bench.ingest(name, DATA / name)
                space = bench.open(name).space
            if 0 < space.n_images < space.n:
                yield name, space
    yield "synthetic", _cloud(int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS))


def _way(name: str, space: Space, text: str, truth: dict[Kind, Ints]) -> list[dict[str, Any]]:
    way = parse_way(text)
    fit, fit_memory, fitted = _measured(lambda: fit_way(space, way))
    encode, encode_memory, kept = _measured(lambda: compressed(space, fitted, way))
    theirs, theirs_bytes = _faiss(space, PAIRS[text]) if text in PAIRS else (None, 0)
    rows = []
    for kind in KINDS:
        queries, own = _queries(space, kind)
        recall = _recall(truth[kind], _ranked(kept, queries, kind, own))
        baseline = None
        if theirs is not None:
            found = theirs.search(queries, K + 1)[1]
            baseline = _recall(truth[kind], _without(found, own))
        note = (
            f"{kind} queries, {kept.code_bytes:g} bytes a row, {kept.bytes_per_item:.4g} with all"
        )
        if theirs is not None:
            note += f"; baseline: faiss {PAIRS[text]}, {theirs_bytes:g} bytes a row"
        rows.append(
            row(f"{name}: {text}", space.n, space.d, recall, "recall@10", note, baseline=baseline)
        )
    for what, seconds, memory in (("fit", fit, fit_memory), ("encode", encode, encode_memory)):
        share = figures(memory / space.vectors.nbytes)
        note = f"most memory beside the vectors, by them: {share}"
        rows.append(row(f"{name}: {what} {text}", space.n, space.d, figures(seconds), "s", note))
    return rows


def _queries(space: Space, kind: Kind) -> tuple[Floats, Ints]:
    """Some rows of a kind, and their own row among the images; -1 for texts."""
    span = space.span(kind)
    rows = np.random.default_rng(1).permutation(np.arange(span.start, span.stop))[:QUERIES]
    return space.vectors[rows], rows if kind == "image" else np.full(len(rows), -1)


def _best(queries: Floats, own: Ints, images: Floats) -> Ints:
    return _without(select(queries @ images.T, K + 1)[0], own)


def _ranked(kept: Compressed, queries: Floats, kind: Kind, own: Ints) -> Ints:
    scores = kept.fitted.scores(queries, kind, kept.codes["image"], "image")
    return _without(select(scores, K + 1)[0], own)


def _without(found: Ints, own: Ints) -> Ints:
    """The first K of each list without the query's own row."""
    last = np.argsort(found == own[:, None], axis=1, kind="stable")
    return np.take_along_axis(found, last, axis=1)[:, :K]


def _recall(truth: Ints, found: Ints) -> float:
    hits = (truth[:, :, None] == found[:, None]).any(axis=2)
    return figures(float(hits.mean()))


def _faiss(space: Space, factory: str) -> tuple[Any, float]:
    """faiss's index of the image rows, and the bytes of a code."""
    import faiss

    faiss.omp_set_num_threads(1)  # its threads wait for each other on a busy machine
    index = faiss.index_factory(space.d, factory.format(d=space.d), faiss.METRIC_INNER_PRODUCT)
    index.train(space.images[:16_384])
    index.add(space.images)
    return index, float(index.sa_code_size())


def _measured(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """Seconds, the most bytes that arrays took meanwhile, and what the work returns."""
    tracemalloc.start()
    started = perf_counter()
    result = work()
    seconds = perf_counter() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak, result


def _cloud(n: int) -> Space:
    """Images around 200 centers with variance in few directions, a text near each, and a gap."""
    rng = np.random.default_rng(0)
    spread = np.geomspace(1, 0.1, D, dtype=np.float32)
    turn = np.linalg.qr(rng.standard_normal((D, D)))[0].astype(np.float32)
    centers = rng.standard_normal((200, D)).astype(np.float32) * spread
    side = np.zeros(D, np.float32)
    side[0] = 0.5 * np.linalg.norm(spread)
    half = n // 2
    vectors = np.empty((2 * half, D), np.float32)
    for start in range(0, half, 65_536):
        count = min(half, start + 65_536) - start
        own = rng.standard_normal((count, D), np.float32) * spread
        images = centers[rng.integers(200, size=count)] + own
        texts = images + 0.7 * rng.standard_normal((count, D), np.float32) * spread
        vectors[start : start + count] = (images + side) @ turn
        vectors[half + start : half + start + count] = (texts - side) @ turn
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Space(vectors, tuple(map(str, range(2 * half))), half)
