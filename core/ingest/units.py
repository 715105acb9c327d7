"""Vectors of an Arrow column to unit rows, block by block, and what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from core.types import Floats, Ints

NEAR_ONE = 1e-3  # further from length 1 than rounding explains


def common_length(columns: Iterable[Any]) -> int:
    """The most frequent length of the vectors, on a tie the one that came first; 0 if none."""
    from pyarrow import compute

    lengths: Counter[int] = Counter()
    for column in columns:
        for entry in compute.value_counts(compute.list_value_length(column)).to_pylist():
            if entry["values"]:
                lengths[entry["values"]] += entry["counts"]
    return lengths.most_common(1)[0][0] if lengths else 0


def unit_rows(column: Any, d: int) -> tuple[Floats, Ints, dict[int, str], int]:
    """Unit vectors of a block of rows.

    Args:
        column: an Arrow list array of numbers, one vector a row.
        d: the length that a vector must have.

    Returns:
        The (m, d) unit vectors of the rows that are sound, the (m,) rows they came from, what is
        wrong with each of the other rows, and how many sound ones were not of length 1.
    """
    from pyarrow import array, compute

    counts = compute.fill_null(compute.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    wrong = {int(r): _length_sentence(int(counts[r]), d) for r in np.flatnonzero(counts != d)}
    rows = np.flatnonzero(counts == d)
    whole = column.filter(array(counts == d)) if wrong else column
    values = whole.flatten().to_numpy(zero_copy_only=False).reshape(-1, d)
    block = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32, copy=False)
    lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
    for at in np.flatnonzero(~((lengths > 1e-10) & (lengths < 1e15))):
        if sentence := _unsound(block[at]):
            wrong[int(rows[at])] = sentence
            lengths[at] = 0
        else:  # its squares leave the range of the type: take the powers out first
            block = _own(block, values)
            block[at] /= np.abs(block[at]).max()
            block[at] /= np.linalg.norm(block[at])
            lengths[at] = np.inf
    sound = lengths > 0
    off = sound & np.isfinite(lengths) & (np.abs(lengths - 1) > 1e-6)
    many = int((sound & ~(np.abs(lengths - 1) <= NEAR_ONE)).sum())
    if off.any():
        block = _own(block, values)
        block[off] /= lengths[off, None]
    kept = block if sound.all() else block[sound]
    return kept.astype(np.float32, copy=False), rows[sound], wrong, many


def _own(block: Any, values: Any) -> Any:
    """A block that may be written to: Arrow's own memory may not."""
    return block.copy() if np.shares_memory(block, values) else block


def _length_sentence(count: int, d: int) -> str:
    if count < 0:
        return "it has no vector"
    return f"its vector has {count} values; most in this file have {d}"


def _unsound(vector: Any) -> str:
    if not np.isfinite(vector).all():
        return "its vector holds values that are not numbers (NaN, infinite or missing)"
    return "" if vector.any() else "its vector is zero everywhere and has no direction"
