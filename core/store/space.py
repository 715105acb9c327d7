"""Tables to a `Space`: row i belongs to item i. No Python loop over rows, for large collections.

Vectors that do not fit in memory are mapped from a file; see `core.store.rows_file`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.store import filters, rows_file
from core.store.schema import PAIRS, one_array, positions
from core.store.snapshot import Snapshot
from core.store.table import Table, key
from core.types import (
    KINDS,
    Bools,
    Filter,
    Floats,
    Ints,
    Kind,
    Passport,
    Space,
    StoredRows,
    digest,
)

BLOCK_BYTES = 2**24


def space(
    items: Snapshot,
    vectors: Table | None,
    pairs: Table | None,
    passport: Passport,
    copies: Mapping[str, int],
    uri: str,
) -> Space:
    """The items that have a vector: images first, then texts, each sorted by id.

    Args:
        items: all items.
        vectors: the vector table, pinned at a version.
        pairs: their table; those without both vectors are omitted.
        passport: of the encoder.
        copies: number of further files of the images that have any.
        uri: where the collection is.
    """
    with ThreadPoolExecutor(2) as pool:  # a disk serves several reads at once
        reading_pairs = pool.submit(_read, pairs, PAIRS)
        reading_ids = pool.submit(_read, vectors, pa.schema([key("id")]))
        items.load(("kind", "text_length", "labels"))
        stored = one_array(reading_ids.result()["id"])
    images, texts = _sorted_rows(items, stored)
    rows = pa.concat_arrays([images, texts])
    n_images = len(images)
    ids = items.ids.take(rows)
    with ThreadPoolExecutor(1) as pool:
        pair_rows = pool.submit(_pair_rows, reading_pairs.result(), ids, n_images)
        lengths = pc.fill_null(items.column("text_length").take(rows)[n_images:], 0)
        names = tuple(ids.to_pylist())
        file = _file(vectors, stored, ids, names, passport, uri)
    return Space(
        vectors=file.rows if file else _matrix(vectors, stored, ids, passport.d),
        ids=names,
        n_images=n_images,
        pairs=pair_rows.result(),
        labels=_labels(items.column("labels").take(rows)),
        text_lengths=lengths.to_numpy(zero_copy_only=False).astype(np.int64),
        encoder=passport.model,
        held_out=_held_out(items, rows),
        copies=_counts(copies, ids),
        stored=file,
    )


def _read(table: Table | None, schema: pa.Schema) -> pa.Table:
    return table.read(schema.names) if table else schema.empty_table()


def _sorted_rows(items: Snapshot, stored: pa.Array) -> Iterable[pa.Array]:
    """Positions in the snapshot of the images, and of the texts, with a vector; sorted by id."""
    kinds = items.column("kind")

    def of_kind(kind: Kind) -> pa.Array:
        rows = pc.indices_nonzero(pc.equal(kinds, kind))
        ids = items.ids.take(rows)
        has, found = np.zeros(len(ids), bool), positions(stored, ids)
        has[found[found >= 0]] = True
        own = pa.array(has)
        return rows.filter(own).take(pc.array_sort_indices(ids.filter(own)))

    with ThreadPoolExecutor() as pool:
        return pool.map(of_kind, KINDS)


def _file(
    vectors: Table | None,
    stored: pa.Array,
    ids: pa.Array,
    names: tuple[str, ...],
    passport: Passport,
    uri: str,
) -> StoredRows | None:
    """The vectors mapped from a file, where they do not fit in memory."""
    if vectors is None or rows_file.fits(len(ids), passport.d):
        return None
    order = [memoryview(part) for part in ids.buffers() if part]
    key = digest(PurePath(uri).name, str(vectors.version()), *order)
    rows = _rows(vectors, stored, ids, passport.d)
    return rows_file.stored_rows(uri, passport.key, key, names, passport.d, rows)


def _matrix(vectors: Table | None, stored: pa.Array, ids: pa.Array, d: int) -> Floats:
    """The vectors in the order of `ids`, read block by block."""
    matrix = np.zeros((len(ids), d), np.float32)
    if vectors is not None and len(ids):
        for rows, block in _rows(vectors, stored, ids, d):
            matrix[rows] = block
    return matrix


def _rows(vectors: Table, stored: pa.Array, ids: pa.Array, d: int) -> Iterator[tuple[Ints, Floats]]:
    """Places among `ids` and the vectors that belong there, block by block."""
    targets = positions(stored, ids)
    at = 0
    for block_ids, block in blocks(vectors, d):
        # Both reads usually have the same order; otherwise the ids are looked up again.
        same = block_ids.equals(stored.slice(at, len(block_ids)))
        rows = targets[at : at + len(block_ids)] if same else positions(block_ids, ids)
        at += len(block_ids)
        known = rows >= 0
        yield (rows, block) if known.all() else (rows[known], block[known])


def blocks(vectors: Table, d: int) -> Iterator[tuple[pa.Array, Floats]]:
    """Ids and (m, d) vectors of a table, some megabytes at a time."""
    for block in vectors.blocks(["id", "vector"], max(256, BLOCK_BYTES // (4 * d))):
        values = one_array(block["vector"]).flatten().to_numpy()
        yield one_array(block["id"]), values.reshape(-1, d)


def _pair_rows(pairs: pa.Table, ids: pa.Array, n_images: int) -> Ints:
    """(p, 2) rows of the pairs whose two items have vectors, sorted, each once."""
    columns = (pairs["image"], ids[:n_images]), (pairs["text"], ids[n_images:])
    with ThreadPoolExecutor() as pool:
        images, texts = pool.map(lambda column: positions(*column), columns)
    known = (images >= 0) & (texts >= 0)
    n = max(len(ids), 1)
    both = np.sort(images[known] * n + texts[known])
    both = both[np.diff(both, prepend=-1) > 0]  # np.unique takes ten times as long
    return np.stack([both // n, both % n + n_images], axis=1)


def _counts(copies: Mapping[str, int], ids: pa.Array) -> Ints:
    """(n,) counts, or empty where there are none."""
    if not copies:
        return np.empty(0, np.int64)
    rows = positions(pa.array(list(copies), pa.string()), ids)
    known = rows >= 0
    if not known.any():
        return np.empty(0, np.int64)
    counts = np.zeros(len(ids), np.int64)
    counts[rows[known]] = np.fromiter(copies.values(), np.int64, len(copies))[known]
    return counts


def _held_out(items: Snapshot, rows: pa.Array) -> Bools:
    if "split" not in items.attributes:
        return np.empty(0, bool)
    test = filters.mask(items, (Filter("split", "in", ("test",)),))
    return np.asarray(test[rows.to_numpy()])


def _labels(labels: pa.ListArray) -> tuple[tuple[str, ...], ...]:
    """One tuple per row; () when nothing is labeled. Rows with one label share its tuple."""
    flat = pc.list_flatten(labels).dictionary_encode()
    if not len(flat):
        return ()
    names = flat.dictionary.to_pylist()
    codes = flat.indices.to_numpy(zero_copy_only=False)
    counts = pc.fill_null(pc.list_value_length(labels), 0).to_numpy(zero_copy_only=False)
    starts = np.cumsum(counts) - counts
    single = np.fromiter(((name,) for name in names), object, len(names))
    rows = np.empty(len(counts), object)
    rows.fill(())
    rows[counts == 1] = single[codes[starts[counts == 1]]]
    for row in np.flatnonzero(counts > 1):
        rows[row] = tuple(names[c] for c in codes[starts[row] : starts[row] + counts[row]])
    return tuple(rows.tolist())
