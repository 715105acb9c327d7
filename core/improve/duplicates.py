"""Which rows are nearly another: found by signs of random directions, decided by their cosine."""

from __future__ import annotations

import numpy as np

from core.types import Floats, Ints

TABLES, BITS = 8, 20  # of signs by which rows are sorted, and signs in each
WINDOW = 3  # rows after it, in the order of a table, that each is compared with
APART = 24  # of all signs in which rows that are compared may differ
ROUNDS = 16  # of deciding which of a chain of rows stand for themselves
BLOCK = 16_384  # rows at a time


def distinct(rows: Floats, cosine: float) -> tuple[Ints, Ints]:
    """The rows (m,) that stand for themselves, and by which of these (n,) each row is replaced.

    A row has at least that cosine with the one that replaces it, or is equal to it. Nearly equal
    rows may be missed, with probability below one in a thousand at .999, and then keep their own.
    Cost n d TABLES BITS.

    Args:
        rows: (n, d) unit rows.
        cosine: from which rows are the same; 1: only equal ones.

    >>> square = np.array([[1, 0], [0, 1], [1, 0], [0.02, 0.9998]], np.float32)
    >>> [found.tolist() for found in distinct(square, 0.999)]
    [[0, 1], [0, 1, 0, 1]]
    """
    _, first, same = np.unique(_hashes(rows), return_index=True, return_inverse=True)
    of = first[same]  # equal rows: the first of them
    for start in range(0, len(rows), BLOCK):
        part = np.arange(start, min(start + BLOCK, len(rows)))
        differs = (rows[of[part]] != rows[part]).any(axis=1)
        of[part[differs]] = part[differs]
    own = np.flatnonzero(of == np.arange(len(rows)))
    if cosine < 1 and len(own) > 1:
        pairs = _near(rows, own, cosine)
        of = _first_of(pairs, len(rows))[of]
    return np.unique(of, return_inverse=True)


def _hashes(rows: Floats) -> Ints:
    """(n,) equal for equal rows: sums of their bits with odd weights."""
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    weights = np.random.default_rng(0).integers(1, 2**63, rows.shape[1], np.uint64) | np.uint64(1)
    found = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), BLOCK):
        found[start : start + BLOCK] = bits[start : start + BLOCK].astype(np.uint64) @ weights
    return found.view(np.int64)


def _near(rows: Floats, own: Ints, cosine: float) -> Ints:
    """(p, 2) pairs of some rows, the first one first, with at least this cosine."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((rows.shape[1], TABLES * BITS)).astype(np.float32)
    mean = rows[own[:: max(1, len(own) // BLOCK)]].mean(axis=0)
    signs = np.empty((len(own), TABLES * BITS // 8), np.uint8)
    buckets = np.empty((len(own), TABLES), np.int64)
    along = np.empty((len(own), TABLES), np.float32)
    for start in range(0, len(own), BLOCK):
        part = slice(start, start + BLOCK)
        values = (rows[own[part]] - mean) @ directions
        signs[part] = np.packbits(values > 0, axis=1)
        each = (values > 0).reshape(len(values), TABLES, BITS)
        buckets[part] = each @ (1 << np.arange(BITS))
        along[part] = values.reshape(len(values), TABLES, BITS)[:, :, 0]
    found = []
    for table in range(TABLES):
        order = np.lexsort((along[:, table], buckets[:, table]))
        for after in range(1, WINDOW + 1):
            one, other = order[:-after], order[after:]
            together = buckets[one, table] == buckets[other, table]
            one, other = one[together], other[together]
            apart = np.bitwise_count(signs[one] ^ signs[other]).sum(axis=1, dtype=np.int64)
            one, other = own[one[apart <= APART]], own[other[apart <= APART]]
            for start in range(0, len(one), BLOCK):
                a, b = one[start : start + BLOCK], other[start : start + BLOCK]
                close = np.einsum("ij,ij->i", rows[a], rows[b]) >= cosine
                found.append(np.column_stack([np.minimum(a, b), np.maximum(a, b)])[close])
    return np.unique(np.concatenate([np.empty((0, 2), np.int64), *found]), axis=0)


def _first_of(pairs: Ints, n: int) -> Ints:
    """(n,) the first row that stands for itself among those near each; itself without one.

    In order: a row that is near one that stands for itself does not do so.
    """
    of = np.arange(n)
    decided = np.ones(n, bool)
    decided[pairs[:, 1]] = False
    for _ in range(ROUNDS):
        if decided.all():
            break
        before, row = pairs.T
        stands = decided[before] & (of[before] == before)
        nearest = np.full(n, n)
        np.minimum.at(nearest, row[stands], before[stands])
        joins = ~decided & (nearest < n)
        of[joins] = nearest[joins]
        decided |= joins
        waits = np.zeros(n, bool)
        waits[row[~decided[before]]] = True
        decided |= ~waits
    return of
