"""A collection whose vectors stay on disk, searched by codes in memory.

SEXTANT_BENCH_ROWS synthetic rows (10,000,000 by default: 20 GB of a temporary folder, see TMPDIR),
half of them texts on the other side of a gap. They are made, written, encoded and compared with the
queries block by block, so that the exact lists need no second reading. Queries are further rows of
the same kind; a quarter of them chooses the shortlist and one half, without these, is searched one
at a time, start to end. Of the files nothing is in memory when the search is opened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import psutil

from core.errors import InputError
from core.improve import (
    Compressed,
    compressed_from_bytes,
    compressed_to_bytes,
    fit_way,
    parse_way,
)
from core.measure import places, shortlist_for
from core.numerics.neighbors import select
from core.search.background_queries import single_items
from core.search.engine import run as search
from core.search.index.compressed import CodeIndex
from core.search.plan import SearchPlan
from core.store.rows_file import mapped
from core.types import KINDS, Floats, Ints, Kind, Passport, Space
from tests.bench.rows import figures, row

ROWS, D, K, QUERIES, BLOCK = 10_000_000, 512, 10, 200, 32_768
WAY, LEVEL = "rabitq:bits=1", 0.965  # of the exact results that the shortlist keeps
CENTERS = 2000
TARGETS: Mapping[str, tuple[Kind, ...]] = {"images": ("image",), "images and texts": KINDS}
PASSPORT = Passport("synthetic", "none", "none", D)


def run() -> list[dict[str, Any]]:
    """Rows for making the collection, starting, and searching it."""
    n = int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS) // 2 * 2
    with TemporaryDirectory(prefix="sextant-") as folder:
        needed, free = 4 * n * (D + D // 8), shutil.disk_usage(folder).free
        if needed > free:
            raise InputError(
                f"{n:,} rows need {needed / 1e9:.0f} GB and {free / 1e9:.0f} GB are free in "
                f"{folder}. Give another folder: TMPDIR=/path"
            )
        return list(_rows(Path(folder), n))


def _rows(folder: Path, n: int) -> Iterator[dict[str, Any]]:
    started = perf_counter()
    queries = {kind: rows for kind, rows in zip(KINDS, _blocks(QUERIES, -1), strict=True)}
    kept, exact = _made(folder, n, queries)
    shortlist = _shortlist(kept, queries, exact)
    (folder / "codes").write_bytes(compressed_to_bytes(kept, PASSPORT))
    note = (
        f"{kept.code_bytes:g} bytes a row as {WAY} beside {4 * D} on disk; {_memory()} GB of memory"
    )
    yield row("make, write and encode", n, D, figures(perf_counter() - started), "s", note)
    del kept
    for name in ("rows", "codes"):
        _forget(folder / name)
    started = perf_counter()
    plan = _opened(folder, n, shortlist)
    search(plan)
    note = "codes read, file mapped, null distributions, the first query; nothing of it in memory"
    yield row("start", n, D, figures(perf_counter() - started), "s", note)
    for target, kinds in TARGETS.items():
        for kind in KINDS:
            seconds, recalls = _searched(plan, queries[kind][1::2], kind, kinds, exact[kind])
            name = f"{kind} query among {target}"
            note = f"p95 of {len(seconds)}; the best {shortlist:,} of each kind by codes rescored"
            p95, recall = float(np.quantile(seconds, 0.95)), float(np.mean(recalls))
            yield row(name, n, D, figures(1000 * p95), "ms", note, recall=figures(recall))
    note = "of the process after the queries, without pages of files"
    yield row("memory", n, D, _memory(), "GB", note)


def _memory() -> float:
    """Gigabytes of the process, without pages of files."""
    found = psutil.Process().memory_info()
    return figures((found.rss - found.shared) / 1e9)


def _blocks(half: int, seed: int) -> tuple[Floats, Floats]:
    """Images around common centers with variance in few directions, and a text near each."""
    rng = np.random.default_rng(seed + 1)
    fixed = np.random.default_rng(0)
    spread = np.geomspace(1, 0.1, D, dtype=np.float32)
    centers = fixed.standard_normal((CENTERS, D), np.float32) * spread
    images = rng.standard_normal((half, D), np.float32)
    texts = rng.standard_normal((half, D), np.float32)
    images *= spread
    images += centers[rng.integers(CENTERS, size=half)]
    texts *= 0.7 * spread
    texts += images
    side = np.float32(0.5) * np.linalg.norm(spread)
    for rows, sign in ((images, 1), (texts, -1)):
        rows[:, 0] += sign * side
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return images, texts


def _made(
    folder: Path, n: int, queries: Mapping[Kind, Floats]
) -> tuple[Compressed, dict[Kind, dict[Kind, tuple[Ints, Floats]]]]:
    """The file of rows, their codes, and for queries of each kind the best of each kind."""
    half, way = n // 2, parse_way(WAY)
    first = _blocks(min(half, BLOCK), 0)
    train = np.concatenate(first)
    fitted = fit_way(Space(train, tuple(map(str, range(len(train)))), len(first[0])), way)
    empty = fitted.encode(np.empty((0, D), np.float32), "image")
    codes = {
        kind: {name: np.empty((half, *a.shape[1:]), a.dtype) for name, a in empty.items()}
        for kind in KINDS
    }
    none = np.empty((QUERIES, 0), np.int64), np.empty((QUERIES, 0), np.float32)
    exact = {asked: {kind: none for kind in KINDS} for asked in KINDS}
    with (folder / "rows").open("wb") as file:
        file.truncate(4 * n * D)
        for block, start in enumerate(range(0, half, BLOCK)):
            stop = min(half, start + BLOCK)
            for kind, rows, before in zip(
                KINDS, _blocks(stop - start, block), (0, half), strict=True
            ):
                file.seek(4 * D * (before + start))
                file.write(rows.data)
                for name, array in fitted.encode(rows, kind).items():
                    codes[kind][name][start:stop] = array
                for asked in KINDS:
                    exact[asked][kind] = _best(exact[asked][kind], queries[asked] @ rows.T, start)
    return Compressed(way, fitted, codes), exact


def _best(before: tuple[Ints, Floats], scores: Floats, start: int) -> tuple[Ints, Floats]:
    """The K best so far and of a block, by number of the row in its kind."""
    columns, values = select(scores, K)
    rows = np.concatenate([before[0], columns + start], axis=1)
    best, values = select(np.concatenate([before[1], values], axis=1), K)
    return np.take_along_axis(rows, best, axis=1), values


def _shortlist(
    kept: Compressed,
    queries: Mapping[Kind, Floats],
    exact: Mapping[Kind, Mapping[Kind, tuple[Ints, Floats]]],
) -> int:
    """The fewest rows of a kind to rescore, by the queries that choose."""
    needed = []
    for asked in KINDS:
        for kind, codes in kept.codes.items():
            found = [
                places(kept.fitted.scores(query[None], asked, codes, kind), rows[None])
                for query, rows in zip(queries[asked][::4], exact[asked][kind][0][::4], strict=True)
            ]
            needed.append(shortlist_for(np.concatenate(found), LEVEL))
    return max(needed)


def _forget(path: Path) -> None:
    """Drop the pages of a file from the system's memory, once they are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _opened(folder: Path, n: int, shortlist: int) -> SearchPlan:
    """The collection as a search finds it, with a first query."""
    stored = mapped(folder / "rows", "rows", n, D)
    space = Space(stored.rows, tuple(map(str, range(n))), n // 2, stored=stored)
    kept = compressed_from_bytes((folder / "codes").read_bytes(), PASSPORT)
    background = {kind: single_items(space, "text", kind) for kind in KINDS}
    vector = stored.rows[n // 3]
    return SearchPlan(
        space, vector, k=K, codes=CodeIndex(kept, shortlist, "Codes."), background=background
    )


def _searched(
    plan: SearchPlan,
    queries: Floats,
    asked: Kind,
    kinds: tuple[Kind, ...],
    exact: Mapping[Kind, tuple[Ints, Floats]],
) -> tuple[list[float], list[float]]:
    """Seconds and recall@10 of each query, by the half that did not choose the shortlist."""
    half = plan.space.n_images
    rows = np.concatenate([exact[kind][0][1::2] + half * (kind == "text") for kind in kinds], 1)
    best = select(np.concatenate([exact[kind][1][1::2] for kind in kinds], 1), K)[0]
    rows = np.take_along_axis(rows, best, axis=1)
    seconds, recalls = [], []
    for query, truth in zip(queries, rows, strict=True):
        started = perf_counter()
        result = search(replace(plan, vector=query, kinds=kinds, query_kind=asked))
        seconds.append(perf_counter() - started)
        found = [hit.row for hit in result.hits]
        recalls.append(float(np.isin(truth, found).mean()))
    return seconds, recalls
