"""A collection whose vectors stay on disk, opened from the store, searched by codes in memory.

SEXTANT_BENCH_ROWS synthetic rows (10,000,000 by default: 41 GB of a temporary folder, see TMPDIR,
as the table and the mapped file are there at once), half of them texts on the other side of a gap,
each paired with an image. They are written into the tables block by block; all that follows goes
through `Workbench`, the searches in a process of their own. Codes choose their shortlist by queries
of their own. Queries are items: searched one at a time, start to end, then compared with the exact
lists.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time, time_ns
from typing import Any, TypeAlias, TypeVar

import lancedb
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InputError
from core.improve import parse_way
from core.numerics.neighbors import top_k
from core.store.database import Database
from core.store.schema import ITEMS, PAIRS, vectors_name, vectors_schema
from core.types import KINDS, Floats, Ints, Kind, Part, Passport, Query, Space
from core.workbench import Workbench
from tests.bench.rows import figures, row

ROWS, D, K, QUERIES, BLOCK = 10_000_000, 512, 10, 100, 32_768
WAY, LEVEL = "rabitq:bits=1", 0.98  # of the exact results that the shortlist keeps
CENTERS = 2000
NAME, PASSPORT = "synthetic", Passport("synthetic", "none", "none", D)
R = TypeVar("R")
Exact: TypeAlias = Mapping[str, Mapping[Kind, Ints]]
TARGETS: Mapping[str, tuple[Kind, ...]] = {"images": ("image",), "images and texts": KINDS}


def run() -> Iterator[dict[str, Any]]:
    """Rows for making the collection, starting, and searching it."""
    n = int(os.environ.get("SEXTANT_BENCH_ROWS") or ROWS) // (2 * BLOCK) * 2 * BLOCK
    os.environ["SEXTANT_VECTORS_MEMORY"] = "0"
    with TemporaryDirectory(prefix="sextant-") as folder:
        needed, free = 2 * 4 * n * D, shutil.disk_usage(folder).free
        if needed > free:
            raise InputError(
                f"{n:,} rows need {needed / 1e9:.0f} GB and {free / 1e9:.0f} GB are free in "
                f"{folder}. Give another folder: TMPDIR=/path"
            )
        made, rows, exact = _apart(_made, folder, n)
        yield from made
        for file in Path(folder).rglob("*.*"):
            if file.is_file():
                _forget(file)
        yield from _apart(_searched, folder, n, rows, exact)


def _apart(work: Callable[..., R], *arguments: object) -> R:
    """In a process of its own: what it holds in memory ends with it, as when an app is started."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _timed(name: str, n: int, seconds: float, note: str) -> dict[str, Any]:
    return row(name, n, D, figures(seconds), "s", f"{note}; {_memory()} GB of memory")


def _made(folder: str, n: int) -> tuple[list[dict[str, Any]], Mapping[Kind, Ints], Exact]:
    """The collection with its codes: what that took, rows of the queries, and their exact lists."""
    made, started = [], perf_counter()
    _fill(folder, n)
    note = f"{4 * D} bytes of vector a row"
    made.append(_timed("make and write the tables", n, perf_counter() - started, note))
    started = perf_counter()
    opened = Workbench(folder).open(NAME)
    note = "vectors copied into the file that is mapped"
    made.append(_timed("first opening", n, perf_counter() - started, note))
    started = perf_counter()
    Workbench.keep_way(opened, parse_way(WAY), LEVEL)
    kept = Workbench.kept_way(opened) or {}
    note = f"{kept['bytes_per_item']:g} bytes a row as {WAY}, {kept['shortlist']} rescored"
    made.append(_timed("measure and keep codes", n, perf_counter() - started, note))
    rng = np.random.default_rng(1)
    rows = {
        kind: np.sort(rng.choice(np.arange(n)[opened.space.span(kind)], QUERIES, replace=False))
        for kind in KINDS
    }
    return made, rows, _exact(opened.space, rows)


def _searched(folder: str, n: int, rows: Mapping[Kind, Ints], exact: Exact) -> list[dict[str, Any]]:
    """Seconds from the start of this process to its first result, then those of each query."""
    born, started = psutil.Process().create_time(), perf_counter()
    opened = Workbench(folder).open(NAME)
    opening = figures(perf_counter() - started)
    Workbench.search(opened, _query(opened.space, int(rows["image"][0]), ("image",)))
    note = f"a new process, opened in {opening} s, codes, first query; nothing in memory before"
    measured = [_timed("start", n, time() - born, note)]
    for target, kinds in TARGETS.items():
        for kind in KINDS:
            seconds, found = [], []
            for query in rows[kind].tolist():
                started = perf_counter()
                result = Workbench.search(opened, _query(opened.space, query, kinds))
                seconds.append(perf_counter() - started)
                found.append([hit.row for hit in result.hits])
            p50, p95 = np.percentile(seconds, (50, 95))
            pairs = zip(exact[target][kind], found, strict=True)
            recall = np.mean([np.isin(truth, own).mean() for truth, own in pairs])
            note = (
                f"median {figures(1000 * p50)} ms; recall@{K} {figures(recall)} of {QUERIES} "
                f"queries; {_memory()} GB of memory"
            )
            name = f"{kind} query among {target}, p95"
            measured.append(row(name, n, D, figures(1000 * p95), "ms", note))
    return measured


def _query(space: Space, at: int, kinds: tuple[Kind, ...]) -> Query:
    return Query((Part(item=space.ids[at]),), kinds=kinds, k=K, first_stage="compressed")


def _exact(space: Space, rows: Mapping[Kind, Ints]) -> Exact:
    """By target and kind of the query its (q, K) exact results, without the query itself."""
    asked = np.concatenate([rows[kind] for kind in KINDS])
    queries, best = space.take(asked), dict[Kind, tuple[Ints, Floats]]()
    for kind in KINDS:
        span = space.span(kind)
        found, scores = top_k(queries, space.vectors[span], K + 1)
        scores[found + span.start == asked[:, None]] = -np.inf
        best[kind] = found + span.start, scores
    exact = {}
    for target, kinds in TARGETS.items():
        found, scores = (np.concatenate([best[k][at] for k in kinds], axis=1) for at in (0, 1))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        halves = np.split(np.take_along_axis(found, order, axis=1), 2)
        exact[target] = dict(zip(KINDS, halves, strict=True))
    return exact


def _fill(folder: str, n: int) -> None:
    """A collection whose rows are written straight into its tables, block by block."""
    collection = Workbench(folder).home.create(NAME)
    collection.write_vectors(PASSPORT, [], np.empty((0, D), np.float32))
    address = next(Path(folder).glob(f"*/{vectors_name(PASSPORT)}.lance")).parent
    database = Database(str(address), NAME)
    ids = _ids(n)
    for name, schema in (("items", ITEMS), ("pairs", PAIRS)):
        database.ensure(name, schema)
    tables = lancedb.connect(address)
    images, texts = ids[: n // 2], ids[n // 2 :]
    tables.open_table("pairs").add(pa.table([images, texts], schema=PAIRS))
    for kind, own in zip(KINDS, (images, texts), strict=True):
        tables.open_table("items").add(_items(kind, own))
    schema = vectors_schema(D)
    order = pa.RecordBatchReader.from_batches(schema, _vectors(images, texts, schema))
    tables.open_table(vectors_name(PASSPORT)).add(order)
    collection.optimize()  # as after an ingest: ids are indexed


def _ids(n: int) -> pa.Array:
    """Distinct ids whose order is not that of the rows, as digests have."""
    mixed = np.arange(n, dtype=np.uint64) * np.uint64(11400714819323198485)
    return pa.array([f"{number:016x}" for number in mixed.tolist()])


def _items(kind: Kind, ids: pa.Array) -> pa.Table:
    n = len(ids)
    text = pa.array(["a text"] * n if kind == "text" else [""] * n, pa.large_string())
    columns = {
        "id": ids,
        "kind": pa.array([kind] * n),
        "name": ids,
        "text": text,
        "text_length": pc.cast(pc.utf8_length(text), pa.int64()),
        "labels": pa.array([[]] * n, pa.list_(pa.string())),
        "added": np.full(n, time_ns()),
    }
    empty = {name: pa.nulls(n, ITEMS.field(name).type) for name in ITEMS.names}
    return pa.table(list((empty | columns).values()), schema=ITEMS)


def _vectors(images: pa.Array, texts: pa.Array, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for block, start in enumerate(range(0, len(images), BLOCK)):
        count = min(len(images), start + BLOCK) - start
        for ids, rows in zip((images, texts), _blocks(count, block), strict=True):
            column = pa.FixedSizeListArray.from_arrays(rows.ravel(), D)
            yield pa.record_batch([ids.slice(start, count), column], schema=schema)


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


def _forget(path: Path) -> None:
    """Drop the pages of a file from the system's memory, once they are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _memory() -> float:
    """Gigabytes of the process, without pages of files."""
    found = psutil.Process().memory_info()
    return figures((found.rss - found.shared) / 1e9)
