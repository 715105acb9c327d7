"""Loops over rows that numpy does not offer, compiled by numba when first used.

Import this module inside a function: numba takes a moment to load. Compiled code is cached on disk.
Every loop works on rows [start, stop) and releases the interpreter lock, so that threads can divide
the rows among them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from core.types import Floats, Ints

LEVEL = np.float32(0.9957)  # best step of 4 even levels for a normal variable (Max 1960)
THREADS = os.cpu_count() or 1


def parallel(work: Callable[[int, int], None], n: int, least: int = 1024) -> None:
    """Run `work(start, stop)` over n rows, in one thread for each core where that pays."""
    parts = max(1, min(THREADS, n // least))
    ends = [n * part // parts for part in range(parts + 1)]
    if parts == 1:
        work(0, n)
        return
    list(_threads().map(work, ends[:-1], ends[1:]))


@cache
def _threads() -> ThreadPoolExecutor:
    """Reused: starting threads takes as long as some of their work."""
    return ThreadPoolExecutor(THREADS)


def _ones(typing: Any, word: Any) -> Any:
    """How many bits of a word are set, as one instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


def _rotate(x: Floats, signs: Floats) -> None:
    """In place: flip signs, then the Walsh-Hadamard transform, for each row of signs."""
    size = len(x)
    for flips in signs:
        for i in range(size):
            x[i] *= flips[i]
        half = 1
        while half < size:
            for block in range(0, size, 2 * half):
                for i in range(block, block + half):
                    a, b = x[i], x[i + half]
                    x[i], x[i + half] = a + b, a - b
            half *= 2


def _encode(
    vectors: Floats,
    center: Floats,
    signs: Floats,
    codes: np.typing.NDArray[np.uint64],
    scales: Floats,
    start: int,
    stop: int,
) -> None:
    """Two bits for each rotated coordinate, low bits in the first half of `codes`."""
    d, size = len(center), signs.shape[1]
    x = np.empty(size, np.float32)
    for row in range(start, stop):
        x[:] = 0
        x[:d] = vectors[row] - center
        rotate(x, signs)
        power = np.float32(0)
        for i in range(size):
            power += x[i] * x[i]
        if power == 0:
            scales[row] = 0
            continue
        step, along = LEVEL * np.sqrt(power / size), np.float32(0)
        for word in range(size // 64):
            low, high = np.uint64(0), np.uint64(0)
            for bit in range(64):
                value = x[64 * word + bit]
                level = min(max(int(np.floor(value / step)) + 2, 0), 3)
                along += (level - np.float32(1.5)) * value
                low |= np.uint64(level & 1) << np.uint64(bit)
                high |= np.uint64(level >> 1) << np.uint64(bit)
            codes[row, word] = low
            codes[row, size // 64 + word] = high
        scales[row] = power / along / size  # the transforms stretched x by `size`


def _sums(
    codes: np.typing.NDArray[np.uint64],
    planes: np.typing.NDArray[np.uint64],
    rows: Ints,
    result: Floats,
    start: int,
    stop: int,
) -> None:
    """Inner products of 2-bit codes with a query of signed 4-bit numbers, by counting bits.

    Of these `rows`, or of all where it is empty.
    """
    half = codes.shape[1] // 2
    for at in range(start, stop):
        row = rows[at] if len(rows) else at
        # Four counts each: without the shifts in it the loop becomes a few wide instructions.
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0
        for i in range(half):
            low, high = codes[row, i], codes[row, half + i]
            p0, p1, p2, p3 = planes[0, i], planes[1, i], planes[2, i], planes[3, i]
            a0 += ones(low & p0)
            a1 += ones(low & p1)
            a2 += ones(low & p2)
            a3 += ones(low & p3)
            b0 += ones(high & p0)
            b1 += ones(high & p1)
            b2 += ones(high & p2)
            b3 += ones(high & p3)
        result[at] = a0 + 2 * (a1 + b0) + 4 * (a2 + b1) + 8 * (b2 - a3) - 16 * b3


def _dots(
    vectors: Floats, rows: Ints, query: Floats, result: Floats, start: int, stop: int
) -> None:
    """Cosines of one query with some rows, without copying them out."""
    for at in range(start, stop):
        row, total = vectors[rows[at]], np.float32(0)
        for i in range(len(query)):
            total += row[i] * query[i]
        result[at] = total


def _planes(
    codes: np.typing.NDArray[np.uint64],
    planes: np.typing.NDArray[np.uint64],
    result: Floats,
    start: int,
    stop: int,
) -> None:
    """Inner products of codes (n, bits, words), planes of bits, with a query (4 m, words) of them.

    Numbers of the codes are from 0, those of the query have a sign.
    """
    last = len(planes) - 4
    for row in range(start, stop):
        total = 0
        for j in range(codes.shape[1]):
            for k in range(0, len(planes), 4):
                sign, along = -1 if k == last else 1, 0
                for i in range(codes.shape[2]):
                    word = codes[row, j, i]
                    four = sign * ones(word & planes[k + 3, i])
                    four = 2 * four + ones(word & planes[k + 2, i])
                    four = 2 * four + ones(word & planes[k + 1, i])
                    along += 2 * four + ones(word & planes[k, i])
                total += along << (j + k)
        result[row] = total


def _both(
    codes: np.typing.NDArray[np.uint64],
    query: np.typing.NDArray[np.uint64],
    result: np.typing.NDArray[np.int64],
    start: int,
    stop: int,
) -> None:
    """Of codes (n, bits, words) and of one code (bits, words), both of numbers from 0.

    Into (n, 3): their inner product, the sum of the row's numbers, and that of their squares.
    """
    bits = codes.shape[1]
    for row in range(start, stop):
        along = total = squares = 0
        for j in range(bits):
            for k in range(bits):
                a = b = 0
                for i in range(codes.shape[2]):
                    a += ones(codes[row, j, i] & query[k, i])
                    b += ones(codes[row, j, i] & codes[row, k, i])
                along += a << (j + k)
                squares += b << (j + k)
                if j == k:
                    total += b << j
        result[row, 0], result[row, 1], result[row, 2] = along, total, squares


def _bytes(
    codes: np.typing.NDArray[np.uint8], query: Floats, result: Floats, start: int, stop: int
) -> None:
    """Inner products of rows of bytes with one query."""
    for row in range(start, stop):
        total = np.float32(0)
        for i in range(len(query)):
            total += np.float32(codes[row, i]) * query[i]
        result[row] = total


def _half(bits: np.uint16) -> np.float32:
    """A 16-bit float times 2^-112: its bits, moved to their places in a 32-bit float."""
    half = np.uint32(bits)
    rest = (half & np.uint32(0x7FFF)) << np.uint32(13)
    return np.uint32(rest | (half & np.uint32(0x8000)) << np.uint32(16)).view(np.float32)


def _halves(
    codes: np.typing.NDArray[np.uint16], query: Floats, result: Floats, start: int, stop: int
) -> None:
    """Inner products of the bits of 16-bit floats with one query that was multiplied by 2^112."""
    for row in range(start, stop):
        total = np.float32(0)
        for i in range(len(query)):
            total += half(codes[row, i]) * query[i]
        result[row] = total


def _shares(
    shares: np.typing.NDArray[np.uint16],
    centers: np.typing.NDArray[np.uint16],
    table: Floats,
    result: Floats,
    start: int,
    stop: int,
) -> None:
    """Add what a table that was multiplied by 2^112 has for the center of each row, by its share.

    Shares are the bits of 16-bit floats.
    """
    for row in range(start, stop):
        result[row] += half(shares[row]) * table[centers[row]]


def _looked_up(
    codes: np.typing.NDArray[np.uint8], tables: Floats, result: Floats, start: int, stop: int
) -> None:
    """Sums of the numbers that the bytes of a row (n, m) have in tables (m, k)."""
    m = codes.shape[1]
    for row in range(start, stop):
        a0 = a1 = a2 = a3 = np.float32(0)
        for i in range(0, m - 3, 4):
            a0 += tables[i, codes[row, i]]
            a1 += tables[i + 1, codes[row, i + 1]]
            a2 += tables[i + 2, codes[row, i + 2]]
            a3 += tables[i + 3, codes[row, i + 3]]
        for i in range(m - m % 4, m):
            a0 += tables[i, codes[row, i]]
        result[row] = a0 + a1 + a2 + a3


def _levels(
    values: Floats,
    steps: Floats,
    top: int,
    unbiased: bool,
    codes: np.typing.NDArray[np.uint8],
    scales: Floats,
) -> None:
    """Even levels around 0 of each row (n, e) with the best of steps (n, m) by cosine.

    Levels are the odd numbers from -top to top, kept as numbers from 0; the scale of a row makes
    the squared error least, or the inner product with itself exact (`unbiased`).
    """
    half = np.float32((top + 1) // 2)
    for row in range(len(values)):
        x = values[row]
        best, chosen = np.float32(-np.inf), 0
        for m in range(steps.shape[1]):
            inverse = 1 / max(steps[row, m], np.float32(1e-12))
            along = length = np.float32(0)
            for i in range(len(x)):
                place = min(max(np.floor(x[i] * inverse) + half, np.float32(0)), np.float32(top))
                level = 2 * place - np.float32(top)
                along += x[i] * level
                length += level * level
            cosine = along / np.sqrt(length)
            if cosine > best:
                best, chosen = cosine, m
        inverse = 1 / max(steps[row, chosen], np.float32(1e-12))
        along = length = power = np.float32(0)
        for i in range(len(x)):
            place = min(max(np.floor(x[i] * inverse) + half, np.float32(0)), np.float32(top))
            codes[row, i] = np.uint8(place)
            level = 2 * place - np.float32(top)
            along += x[i] * level
            length += level * level
            power += x[i] * x[i]
        scales[row] = power / max(along, np.float32(1e-12)) if unbiased else along / length


def _nearest(
    values: Floats, centroids: Floats, halves: Floats, codes: np.typing.NDArray[np.uint8]
) -> None:
    """The nearest centroid of each part of each row (n, m, s); the first of those as near.

    Centroids (m, s, k), and half their squared lengths (m, k).
    """
    k, size = centroids.shape[2], values.shape[2]
    far = np.empty(k, np.float32)
    # The least of integers, unlike that of floats, is found in wide instructions. Floats are
    # ordered as integers once all bits but the sign of negative ones are flipped.
    bits = far.view(np.int32)
    last, flip = np.int32(k), np.int32(0x7FFFFFFF)
    for row in range(len(values)):
        for m in range(values.shape[1]):
            x, places, half = values[row, m], centroids[m], halves[m]
            for i in range(k):
                far[i] = half[i]
            s = 0
            for _ in range(size // 4):
                a, b, c, d = x[s], x[s + 1], x[s + 2], x[s + 3]
                pa, pb, pc, pd = places[s], places[s + 1], places[s + 2], places[s + 3]
                for i in range(k):
                    far[i] -= a * pa[i] + b * pb[i] + c * pc[i] + d * pd[i]
                s += 4
            for rest in range(s, size):
                a, pa = x[rest], places[rest]
                for i in range(k):
                    far[i] -= a * pa[i]
            least = flip
            for i in range(k):
                least = min(least, bits[i] ^ ((bits[i] >> np.int32(31)) & flip))
            at = last
            for i in range(k):
                same = bits[i] ^ ((bits[i] >> np.int32(31)) & flip) == least
                at = min(at, np.int32(i) if same else last)
            codes[row, m] = at


ones: Any = intrinsic(_ones)
half = njit(nogil=True, cache=True)(_half)
rotate = njit(nogil=True, cache=True)(_rotate)
encode = njit(nogil=True, cache=True, fastmath=True)(_encode)
sums = njit(nogil=True, cache=True)(_sums)
dots = njit(nogil=True, cache=True, fastmath=True)(_dots)
planes_dots = njit(nogil=True, cache=True)(_planes)
codes_dots = njit(nogil=True, cache=True)(_both)
bytes_dots = njit(nogil=True, cache=True, fastmath=True)(_bytes)
halves_dots = njit(nogil=True, cache=True, fastmath=True)(_halves)
add_shares = njit(nogil=True, cache=True)(_shares)
looked_up = njit(nogil=True, cache=True)(_looked_up)
levels = njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})(_levels)
nearest = njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})(_nearest)
