"""Scores of a few queries with codes as they are: no row is decoded.

Planes of bits: the query becomes numbers of some bits itself, and bits that both have are counted.
Bytes and 16-bit floats: inner products. Numbers of centroids: the sum of what a table of each part
says. All in one pass over the codes, in one thread for each core.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from core.improve.quantizers import Array, Centroids, Codes, Quantizer, in_parts
from core.types import Floats

Kernel: TypeAlias = Callable[[Array, Array, Array, int, int], None]
LEAST = 8192  # rows that pay for a thread
WORD = 8  # bytes
QUERY_BITS = 8, 12  # of a coordinate of the query
FINE, UNEVEN = 4, 0.25  # bits of a row's, and share of the length in one coordinate, that need 12
HALVES = np.float32(2.0**112)  # what queries are multiplied by for the bits of 16-bit floats
COARSE = 4, 2  # bits of a coordinate of the query for coarse scores, of rows with at most these


def code_scores(
    along: Floats, codes: Codes, quantizer: Quantizer, *, coarse: bool = False
) -> Floats:
    """(q, n) inner products of (q, e) queries with what codes stand for.

    The error of planes of bits has a standard deviation below a thousandth of the lengths of query
    and row; that of the others is what float32 rounds.

    Args:
        along: the queries.
        codes: of n rows.
        quantizer: of the codes: centroids, 16-bit floats, or even levels.
        coarse: whether a standard deviation of a hundredth will do: of one or two planes in nearly
            half the time, of others the same.

    >>> from core.improve.quantizers import Grid
    >>> grid = Grid(np.zeros(2, "f4"), np.array([1, 10], "f4"), bits=2)
    >>> codes = grid.encode(np.array([[1.0, 20.0], [3.0, 0.0]]))
    >>> code_scores(np.array([[1.0, 0.1]], "f4"), codes, grid).round(3).tolist()
    [[3.0, 3.0]]
    """
    from core.numerics import kernels

    code = np.asarray(codes["code"])
    found = np.empty((len(along), len(code)), np.float32)
    if isinstance(quantizer, Centroids):
        centroids = quantizer.centroids
        tables = np.einsum("qms,mks->qmk", in_parts(along, len(centroids)), centroids)
        for table, result in zip(tables, found, strict=True):
            _each(kernels.looked_up, code, np.ascontiguousarray(table, np.float32), result)
        return found
    if code.dtype == np.float16:
        for query, result in zip(along * HALVES, found, strict=True):
            _each(kernels.halves_dots, code.view(np.uint16), query, result)
        return found
    apart = codes["first"].shape[1] if "first" in codes else 0
    first, along = along[:, :apart], along[:, apart:]
    low, step = (quantizer.arrays[name] for name in ("low", "step"))
    stretched = np.ascontiguousarray(along * step, np.float32)
    from_low = (along * low).sum(axis=1)
    in_words = _words(code) if code.ndim == 3 else code
    for query, least, own, result in zip(stretched, from_low, first, found, strict=True):
        if code.ndim == 2:
            finish = partial(_finish, codes, own, np.float32(1), least)
            _each(kernels.bytes_dots, code, query, result, finish)
            continue
        planes, width, left = _planes(query, code.shape[1], coarse)
        least = least + left * np.float32(2 ** code.shape[1] - 1) / 2
        finish = partial(_finish, codes, own, width, least)
        _each(kernels.planes_dots, in_words, planes, result, finish)
    return found


def _finish(
    codes: Codes, first: Floats, width: np.float32, least: np.float32, scores: Floats, at: slice
) -> None:
    """From sums over the codes of some rows to inner products, in place."""
    scores *= width
    scores += least
    if "scale" in codes:
        scores *= codes["scale"][at]
    apart = codes["first"][at].T if "first" in codes else ()
    for weight, numbers in zip(first, apart, strict=True):
        scores += weight * numbers


def add_centers(scores: Floats, along: Floats, codes: Codes, centers: Floats) -> None:
    """Add to the (q, n) inner products what rows have of their (c, e) centers, in place.

    >>> codes = {"center": np.array([1], np.uint16), "share": np.array([0.5], np.float16)}
    >>> scores = np.array([[1.0]], np.float32)
    >>> add_centers(scores, np.ones((1, 2), "f4"), codes, np.array([[0, 0], [3, 1]], "f4"))
    >>> scores.tolist()
    [[3.0]]
    """
    from core.numerics import kernels

    shares = codes["share"].view(np.uint16)
    for table, found in zip(along @ centers.T * HALVES, scores, strict=True):
        add = partial(kernels.add_shares, shares, codes["center"], table, found)
        kernels.parallel(add, scores.shape[1], LEAST)


def symmetric_scores(queries: Array, code: Array, dims: int) -> Floats:
    """(q, n) cosines of codes of queries with codes of rows, of 2^bits odd levels around 0.

    Integers up to the division by the lengths: exact.

    >>> from core.improve.quantizers import pack
    >>> code = pack(np.array([[1, 0, 1], [0, 0, 1]], np.uint8), 1)
    >>> symmetric_scores(code[:1], code, 3).astype(float).round(3).tolist()
    [[1.0, 0.333]]
    """
    from core.numerics import kernels

    in_words, asked = _words(code), _words(queries)
    most = 2 ** code.shape[1] - 1  # a level is twice a number less this
    sums = np.empty((len(code), 3), np.int64)
    found = np.empty((len(queries), len(code)), np.float32)
    for query, result in zip(asked, found, strict=True):
        own = np.empty((1, 3), np.int64)
        kernels.codes_dots(query[None], query, own, 0, 1)
        _each(kernels.codes_dots, in_words, query, sums)
        along, total, squares = sums.T
        result[:] = 4 * along - 2 * most * (total + own[0, 1]) + dims * most**2
        length = 4.0 * squares - 4 * most * total + dims * most**2
        result /= np.sqrt(length * (4 * own[0, 2] - 4 * most * own[0, 1] + dims * most**2))
    return found


def _each(
    kernel: Kernel,
    codes: Array,
    query: Array,
    result: Array,
    finish: Callable[[Array, slice], None] = lambda scores, at: None,
) -> None:
    """Fill the result, and finish its parts while they are in the processor's cache."""
    from core.numerics import kernels

    def part(start: int, stop: int) -> None:
        kernel(codes, query, result, start, stop)
        finish(result[start:stop], slice(start, stop))

    kernels.parallel(part, len(codes), LEAST)


def _planes(query: Floats, bits: int, coarse: bool) -> tuple[Array, np.float32, np.float32]:
    """A query as planes of bits of numbers with a sign, their step, and the sum of what is left."""
    most = float(np.abs(query).max(initial=0))
    fine = bits > FINE or most > UNEVEN * float(np.linalg.norm(query))
    size = COARSE[0] if coarse and bits <= COARSE[1] and not fine else QUERY_BITS[fine]
    width = np.float32(max(most, 1e-30) / (2 ** (size - 1) - 1))
    numbers = np.rint(query / width).astype(np.int16)
    planes = [np.packbits(((numbers >> j) & 1).astype(bool)) for j in range(size)]
    return _words(np.stack(planes)), width, (query - width * numbers).sum()


def _words(code: Array) -> Array:
    """Planes of bits as 64-bit words, the last filled with zeros where needed."""
    missing = -code.shape[-1] % WORD
    if missing:
        code = np.pad(code, [(0, 0)] * (code.ndim - 1) + [(0, missing)])
    return np.ascontiguousarray(code).view(np.uint64)
