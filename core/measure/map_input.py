"""What layouts of a map share: their rows, their settings, neighbor lists, the sampling of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.numerics.neighbors import QUERY_BLOCK, top_k
from core.numerics.spectra import moments
from core.registry import Choices, Range
from core.types import Bools, Doubles, Floats, Ints, Progress, Scope, Space

# Settings that several layouts have.
Gap = Annotated[
    str, Choices(("keep", "remove"), "keep the modality gap, or subtract the mean of each kind")
]
KindsOnIt = Annotated[
    str,
    Choices(
        ("together", "apart"),
        "one layout of both kinds, or one of images and one of texts beside it",
    ),
]
Neighbors = Annotated[int, Range(2, 200, "small for detail, large for the global shape")]
Sample = Annotated[int, Range(100, 50_000, "items laid out; others are placed between")]
Seed = Annotated[int, Range(0, 1_000_000, "of the layout and of the sample")]
LEAST_LAID_OUT = 4
SAMPLED = 20_000
PLACED_BY = 5  # laid-out neighbors between which a further item is placed
SHARP = 20.0  # of the softmax of their cosines
CANDIDATES = 40  # of which those neighbors are the best
NARROW = 64  # principal components in which candidates are found
WIDTH = 10.0  # half the width of an initial layout, as in the reference implementation of UMAP
ASIDE = 0.15  # between images and texts that are laid out apart, of their width

Lay = Callable[[Floats, Floats | None], Floats]  # rows and where they start, to their places


def ignored(done: int, total: int) -> None:
    """Progress that nobody follows."""


def rows_on_map(space: Space, gap: str) -> Floats:
    """(n, d) unit rows that a map shows: those of the space, or around the mean of their kind.

    >>> space = Space(np.eye(2, dtype="f4"), ("a", "b"), 2)
    >>> (2 * rows_on_map(space, "remove") ** 2).round(3).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    if gap == "keep":
        return space.vectors
    vectors = space.vectors.copy()
    scopes: tuple[Scope, ...] = ("image", "text")
    for scope in scopes:
        vectors[space.span(scope)] -= moments(space, scope).mean.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-6)


def laid_out(
    space: Space,
    start: Floats | None,
    lay: Lay,
    *,
    gap: str,
    kinds: str,
    sample: int,
    seed: int,
) -> Floats:
    """Lay out both kinds on one map, or each alone, texts to the right of the images.

    Of more than `sample` rows a seeded sample is laid out, and the others are placed between.

    Raises:
        TooFew: fewer than four items, or of a kind that is laid out alone.
    """
    vectors = rows_on_map(space, gap)
    spans = [slice(0, space.n_images), slice(space.n_images, space.n)]
    spans = [span for span in spans if span.stop > span.start]
    if kinds == "together" or len(spans) < 2:
        spans = [slice(0, space.n)]
    least = min(span.stop - span.start for span in spans)
    if least < LEAST_LAID_OUT:
        raise TooFew(
            "A neighbor map", LEAST_LAID_OUT, "items", least, "Add more items, or use PCA."
        )
    xy = np.empty((space.n, 2), np.float32)
    for span in spans:
        begin = None if start is None else start[span]
        xy[span] = _sampled(lay, vectors[span], begin, sample, seed)
    if len(spans) == 2:
        images, texts = spans
        xy[images] -= xy[images].mean(axis=0)
        xy[texts] -= xy[texts].mean(axis=0)
        width = max(float(np.ptp(xy[images, 0])), float(np.ptp(xy[texts, 0])))
        xy[texts, 0] += xy[images, 0].max() - xy[texts, 0].min() + ASIDE * width
    return xy


def _sampled(lay: Lay, vectors: Floats, start: Floats | None, sample: int, seed: int) -> Floats:
    n = len(vectors)
    if n <= sample:
        return lay(vectors, start)
    chosen = np.zeros(n, bool)
    chosen[np.random.default_rng(seed).choice(n, sample, replace=False)] = True
    xy = np.empty((n, 2), np.float32)
    xy[chosen] = lay(vectors[chosen], None if start is None else start[chosen])
    xy[~chosen] = placed_between(vectors, chosen, xy[chosen])
    return xy


def placed_between(vectors: Floats, known: Bools, xy: Floats) -> Floats:
    """Places of the rows that are not `known`, between their nearest known rows, which stay.

    The mean of five places, weighted by the softmax of 20 times the cosine. Among many known rows
    the five are the best of 40 that are nearest in 64 principal components.

    Args:
        vectors: (n, d) unit rows.
        known: (n,) those that have a place.
        xy: (k, 2) places of the known rows.

    >>> rows = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    >>> known = np.array([True, True, False])
    >>> placed_between(rows, known, np.array([[0, 0], [3, 3]], np.float32)).round(3).tolist()
    [[3.0, 3.0]]
    """
    here, others = vectors[known], np.flatnonzero(~known)
    rough = len(here) > 8 * CANDIDATES and vectors.shape[1] > 2 * NARROW
    narrow: Floats = np.empty((0, 0), np.float32)
    if rough:
        middle = here.mean(axis=0)
        axes = _axes(here - middle)[:, :NARROW].astype(np.float32)
        narrow = (here - middle) @ axes
    result = np.empty((len(others), 2), np.float32)
    for at in range(0, len(others), QUERY_BLOCK):
        block = vectors[others[at : at + QUERY_BLOCK]]
        if rough:
            # The largest of x.y - |y|^2 / 2 is the nearest y.
            lengths = np.einsum("ij,ij->i", narrow, narrow) / 2
            near, _ = top_k((block - middle) @ axes, narrow, CANDIDATES, offset=lengths)
            exact = np.matmul(here[near], block[:, :, None])[:, :, 0]
            best = np.argsort(-exact, axis=1, kind="stable")[:, :PLACED_BY]
            near = np.take_along_axis(near, best, axis=1)
            cosines = np.take_along_axis(exact, best, axis=1)
        else:
            near, cosines = top_k(block, here, PLACED_BY)
        weights = np.exp((cosines - cosines[:, :1]) * SHARP)
        weights /= weights.sum(axis=1, keepdims=True)
        result[at : at + QUERY_BLOCK] = np.einsum("ij,ijk->ik", weights, xy[near])
    return result


def neighbor_lists(vectors: Floats, k: int, progress: Progress) -> tuple[Ints, Floats]:
    """The k nearest other rows of each row and their cosines, exactly: (n, k) both."""
    n = len(vectors)
    near, cosines = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    for at in range(0, n, QUERY_BLOCK):
        progress(at, n)
        rows = np.arange(at, min(at + QUERY_BLOCK, n))
        near[rows], cosines[rows] = top_k(vectors[rows], vectors, k, exclude=rows)
    progress(n, n)
    return near, cosines


def first_places(vectors: Floats, seed: int) -> Floats:
    """First two principal components, scaled, with a little noise so that copies separate."""
    x = vectors - vectors.mean(axis=0, dtype=np.float64)
    axes = _axes(x)[:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [*range(axes.shape[1])]] < 0, -1, 1)
    xy: Doubles = np.zeros((len(x), 2))
    xy[:, : axes.shape[1]] = x @ axes
    return spread(xy, seed)


def spread(xy: Doubles | Floats, seed: int) -> Floats:
    """Places around 0, `WIDTH` to each side, with a little noise so that copies separate."""
    xy = xy - (xy.min(axis=0) + xy.max(axis=0)) / 2
    xy = xy * (WIDTH / max(1e-9, float(np.abs(xy).max())))
    noise = np.random.default_rng(seed).normal(scale=1e-4, size=xy.shape)
    return (xy + noise).astype(np.float32)


def _axes(centered: Doubles | Floats) -> Doubles:
    """Principal directions as columns, widest first."""
    axes: Doubles = np.linalg.eigh(centered.T @ centered)[1][:, ::-1]
    return axes
