"""The vectors of a large collection as one file of rows, mapped into memory and read as needed.

Written once for each state of the vectors, in the order of the space: `4 n d` bytes of disk beside
the table, by the first process that opens it.

A search of kept codes reads the rows of its shortlist. Streamed, in the time that the disk takes:
moments, exact lists, the fit and codes of a way, the first exact search (132 bytes an item stay in
memory), why an item is a result. By samples: the null distribution, most diagnostics, the map. Left
out: hubs of results. Whole in memory as before: a space that a recipe repairs, a map of vectors
with centered kinds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
import psutil

from core.errors import InputError
from core.store.database import is_remote
from core.store.table import store_errors
from core.types import Floats, Ints, StoredRows, check_unit_rows

FOLDER, SUFFIX = "rows", ".f32"
SHARE = 0.5  # of the machine's memory that vectors may take
BUCKET = 2**29  # bytes that are put in order at a time


def fits(n: int, d: int) -> bool:
    """Whether vectors stay in memory: within $SEXTANT_VECTORS_MEMORY gigabytes, or half of it."""
    try:
        most = float(os.environ["SEXTANT_VECTORS_MEMORY"]) * 1e9
    except (KeyError, ValueError):
        most = SHARE * psutil.virtual_memory().total
    return 4 * n * d <= most


def stored_rows(
    uri: str,
    encoder: str,
    key: str,
    ids: tuple[str, ...],
    d: int,
    blocks: Iterator[tuple[Ints, Floats]],
) -> StoredRows | None:
    """The file of these rows, written where it is not there yet; None where there is no disk.

    Args:
        uri: the collection's folder; an object store has no file to map.
        encoder: key of the passport: a file of each is kept.
        key: identity of the rows and of their order.
        ids: of the rows.
        d: dimensions.
        blocks: row numbers and vectors, each row once; read only if the file is to be written.

    Raises:
        InputError: too little space on the disk, or vectors that are not unit rows.
    """
    if is_remote(uri):
        return None
    path = Path(uri) / FOLDER / encoder / f"{key}{SUFFIX}"
    with store_errors("The vectors cannot be mapped from a file"):
        if not path.exists():
            _write(path, ids, d, blocks)
        return mapped(path, key, len(ids), d)


def mapped(path: Path, key: str, n: int, d: int) -> StoredRows:
    """Rows of a file that was checked when it was written."""
    with path.open("rb") as opened:
        file = mmap(opened.fileno(), 4 * n * d, access=ACCESS_READ)
    return StoredRows(np.frombuffer(file, np.float32).reshape(n, d), key, file)


def _write(path: Path, ids: tuple[str, ...], d: int, blocks: Iterator[tuple[Ints, Floats]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.iterdir():  # of an earlier state, or of a process that was killed
        owner = old.suffix[1:]
        if old.suffix == SUFFIX or (owner.isdigit() and not psutil.pid_exists(int(owner))):
            with suppress(OSError):
                old.unlink()
    size = 4 * len(ids) * d
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"{len(ids):,} vectors need {size / 1e9:.1f} GB of disk beside their table and "
            f"{free / 1e9:.1f} GB are free. Free some, or allow more memory: "
            f"SEXTANT_VECTORS_MEMORY={size / 1e9:.0f}"
        )
    part = path.with_suffix(f".{os.getpid()}")
    try:
        buckets = _buckets(path, ids, d, blocks)
        with part.open("wb") as file:
            for start, (bucket, places) in zip(range(0, len(ids), _step(d)), buckets, strict=True):
                rows = np.fromfile(bucket, np.float32).reshape(-1, d)
                bucket.unlink()  # so that the disk holds each row once
                ordered = np.zeros((min(_step(d), len(ids) - start), d), np.float32)
                ordered[np.concatenate(places or [np.empty(0, np.int64)]) - start] = rows
                file.write(ordered.data)
        part.replace(path)
    finally:
        for left in path.parent.glob(f"*{part.suffix}"):
            left.unlink()


def _buckets(
    path: Path, ids: tuple[str, ...], d: int, blocks: Iterator[tuple[Ints, Floats]]
) -> list[tuple[Path, list[Ints]]]:
    """Files of rows that lie near each other in the end, as they come, and their places there.

    Ids are digests: rows come in no order, and each would be written to another end of the disk.
    """
    step = _step(d)
    parts = range(-(-len(ids) // step))
    found = [(path.with_name(f"{path.stem}-{at}.{os.getpid()}"), list[Ints]()) for at in parts]
    with ExitStack() as stack:
        files = [stack.enter_context(file.open("wb")) for file, _ in found]
        for places, block in blocks:
            check_unit_rows(block, [ids[at] for at in places.tolist()])
            bucket = places // step
            for at in np.unique(bucket).tolist():
                files[at].write(block[bucket == at].data)
                found[at][1].append(places[bucket == at])
    return found


def _step(d: int) -> int:
    """Rows of a bucket."""
    return max(1, BUCKET // (4 * d))
